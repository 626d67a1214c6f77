-- Brands, and who owns their marks since when. A fact beside the agreements: no right to see, decide or sell follows from it.
--
-- organisation: who keeps the record; shown_to: to whom it shows it, for a partner's other brands would tell of its other partners. An owner is named with a day and a source; a later entry takes its place from its day on, none is changed.

create table alliance.brand (
    organisation text collate "C" not null references alliance.organisation,
    code text collate "C" not null check (code ~ '^[a-z][a-z0-9-]{0,39}$'),
    name text not null check (name <> ''),
    name_zh text not null default '',
    shown_to text[] collate "C" not null default '{}',
    created_at timestamptz not null,
    primary key (organisation, code)
);
create table alliance.brand_owner (
    organisation text collate "C" not null,
    brand text collate "C" not null,
    since date not null,
    owner text collate "C" not null references alliance.organisation,
    source text not null default '',
    recorded_at timestamptz not null,
    primary key (organisation, brand, since),
    foreign key (organisation, brand) references alliance.brand (organisation, code)
);
alter table alliance.brand enable row level security, force row level security;
alter table alliance.brand_owner enable row level security, force row level security;

create policy known on alliance.brand for select to marque_app using (
    organisation = (select foundation.organisation()) or (select foundation.organisation()) = any (shown_to)
);
create policy keeps on alliance.brand for insert to marque_app with check (organisation = (select foundation.organisation()));
create policy shows on alliance.brand for update to marque_app
    using (organisation = (select foundation.organisation())) with check (organisation = (select foundation.organisation()));
create policy takes_in on alliance.brand to marque_owner using (true) with check (true);
create policy known on alliance.brand_owner for select to marque_app using ((organisation, brand) in (
    select b.organisation, b.code from alliance.brand b
    where b.organisation = (select foundation.organisation()) or (select foundation.organisation()) = any (b.shown_to)
));
create policy keeps on alliance.brand_owner for insert to marque_app with check (
    organisation = (select foundation.organisation()) and recorded_at = (select foundation.instant())
);
create policy takes_in on alliance.brand_owner to marque_owner using (true) with check (true);
grant select, insert, update (shown_to) on alliance.brand to marque_app;
grant select, insert on alliance.brand_owner to marque_app;
create trigger only_grows before update or delete on alliance.brand_owner for each row execute function foundation.refuse_change();
