-- Texts by their digest that what was sold stands on: those of a publication, quotes, and what quotes name. Rows of the sales area, so that they
-- stay with whoever the agreement leaves the sales to.

create table product.archive (
    organisation text collate "C" not null,
    id uuid not null,
    lead text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null check (process = 'sales'),
    created_at timestamptz not null,
    kind text collate "C" not null check (kind in ('text', 'quote')),
    digest text collate "C" not null,
    text text not null,
    primary key (organisation, id),
    foreign key (lead, programme) references alliance.programme (organisation, id)
);
create index archive_digest on product.archive (lead, programme, digest);
create index archive_quotes on product.archive (lead, programme, process, id desc) where kind = 'quote';
call alliance.guard_area('product.archive');
grant select, insert on product.archive to marque_app;

create function product.write_archive() returns trigger language plpgsql set search_path = '' as $$
begin
    new.digest := encode(sha256(convert_to(new.text, 'UTF8')), 'hex');
    return new;
end
$$;
create trigger write_archive before insert on product.archive for each row execute function product.write_archive();
