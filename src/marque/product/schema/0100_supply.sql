-- What a supplier can deliver: versions of its modules, its own and nobody else's to read. A programme gets one by a revision of a module's part
-- (`product.revision`), which carries everything of it: what a programme may see, keep, give back or must destroy is then what its agreement says
-- of that row, and the catalogue has no second door.

create table product.module (
    organisation text collate "C" not null references alliance.organisation,
    module text collate "C" not null check (module ~ '^[A-Za-z][A-Za-z0-9_./-]{0,119}$'),
    version text collate "C" not null check (version ~ '^[A-Za-z0-9][A-Za-z0-9._+-]{0,59}$'),
    kind text collate "C" not null check (kind in ('sensor-suite', 'compute', 'software-feature', 'other')),
    title text not null check (title <> ''),
    digest text collate "C" not null,
    text text not null check (text <> ''),
    requires text[] not null default '{}',
    provides text[] not null default '{}',
    hardware text[] not null default '{}',
    written_by uuid not null,
    created_at timestamptz not null,
    primary key (organisation, module, version),
    foreign key (organisation, written_by) references alliance.person (organisation, id)
);
alter table product.module enable row level security, force row level security;
create policy own on product.module for select to marque_app using (organisation = (select foundation.organisation()));
create policy adds on product.module for insert to marque_app with check (
    organisation = (select foundation.organisation()) and created_at = (select foundation.instant()) and written_by = (select foundation.person())
);
grant select, insert on product.module to marque_app;
create trigger only_grows before update or delete on product.module for each row execute function foundation.refuse_change();

create function product.write_module() returns trigger language plpgsql set search_path = '' as $$
begin
    new.digest := encode(sha256(convert_to(new.text, 'UTF8')), 'hex');
    return new;
end
$$;
create trigger write_module before insert on product.module for each row execute function product.write_module();

-- Of a module's part: its version, kind, supported hardware, what it requires and provides, as the catalogue had it. Empty for all else.
alter table product.revision add column about jsonb not null default '{}';
