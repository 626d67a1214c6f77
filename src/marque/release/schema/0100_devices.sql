-- Cars and what they are told. A car is a row of whoever registered it (the carmaker), in the area of release signatures: both partners' release
-- managers see what their software does in it, as far as the agreement in force lets them; only its own organisation changes it. No owner and no
-- place is here.
--
-- A request of a car brings a token and says nothing else of who asks, so its first look-up happens before the tenant is known: `find_car` looks
-- with its owner's rights and answers for one digest with one row at most. Tokens themselves are never stored.

create table release.car (
    organisation text collate "C" not null references alliance.organisation,
    lead text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null default 'release-signature' check (process = 'release-signature'),
    vehicle text collate "C" not null check (vehicle ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$'),
    created_at timestamptz not null,
    written_by uuid,
    model text collate "C" not null check (model <> ''),
    market text collate "C" not null check (market <> ''),
    features text[] collate "C" not null default '{}',
    entitlements text[] collate "C" not null default '{}',
    domain text[] collate "C" not null default '{}',
    token bytea not null check (octet_length(token) = 32),
    token_at timestamptz not null,
    seen_at timestamptz,
    reported_at timestamptz,
    counter bigint not null default 0 check (counter >= 0),  -- of the last manifest that was believed
    attack text not null default '',  -- what the last manifest says the car met; empty: nothing
    state text collate "C" not null default '',  -- how far the last manifest says its update came
    driven jsonb not null default '{}',  -- counts of the last manifest, since what is installed was installed
    retired_at timestamptz,
    primary key (organisation, lead, programme, vehicle),
    foreign key (lead, programme) references alliance.programme (organisation, id)
);
create index car_of on release.car (lead, programme, vehicle);
create index car_token on release.car (token);
create index car_model on release.car (lead, programme, model, market) where retired_at is null;
call alliance.guard_area('release.car');
create policy finds on release.car for select to marque_owner using (true);
grant select, insert, update on release.car to marque_app;

-- Control units, and what each last said is installed in it (release '' where it said nothing yet).
create table release.ecu (
    organisation text collate "C" not null,
    lead text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null default 'release-signature' check (process = 'release-signature'),
    vehicle text collate "C" not null,
    serial text collate "C" not null check (serial ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$'),
    created_at timestamptz not null,
    hardware text collate "C" not null check (hardware <> ''),
    role text collate "C" not null check (role <> ''),
    is_primary boolean not null,
    methods text[] collate "C" not null default '{}',
    public_key text not null,
    release text collate "C" not null default '',
    version text collate "C" not null default '',
    counter bigint not null default 0,
    sha256 text collate "C" not null default '' check (sha256 ~ '^([0-9a-f]{64})?$'),
    length bigint not null default 0,
    path text collate "C" not null default '',
    evidence text collate "C" not null default '',
    reported_at timestamptz,
    primary key (organisation, lead, programme, vehicle, serial),
    foreign key (organisation, lead, programme, vehicle) references release.car deferrable initially deferred
);
create index ecu_installed on release.ecu (lead, programme, sha256) where sha256 <> '';
call alliance.guard_area('release.ecu');
grant select, insert, update on release.ecu to marque_app;

-- What a car said, as it signed it: one for each counter, never changed. attacks: what its control units refused.
create table release.manifest (
    organisation text collate "C" not null,
    lead text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null default 'release-signature' check (process = 'release-signature'),
    vehicle text collate "C" not null,
    counter bigint not null check (counter > 0),
    created_at timestamptz not null,
    digest text collate "C" not null,
    raw bytea not null,
    attacks text[] collate "C" not null default '{}',
    primary key (organisation, lead, programme, vehicle, counter),
    foreign key (organisation, lead, programme, vehicle) references release.car deferrable initially deferred
);
call alliance.guard_area('release.manifest');
grant select, insert on release.manifest to marque_app;

-- The director's metadata for one car, as signed; made anew when what is assigned changes or half its life is over. said: SHA-256 of what it assigns.
create table release.director_file (
    organisation text collate "C" not null,
    lead text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null default 'release-signature' check (process = 'release-signature'),
    vehicle text collate "C" not null,
    created_at timestamptz not null,
    version integer not null check (version > 0),
    said bytea not null check (octet_length(said) = 32),
    signed_at timestamptz not null,
    expires_at timestamptz not null,
    raw bytea not null,
    primary key (organisation, lead, programme, vehicle),
    foreign key (organisation, lead, programme, vehicle) references release.car deferrable initially deferred
);
call alliance.guard_area('release.director_file');
grant select, insert, update on release.director_file to marque_app;

-- Ways to save bytes between two images of a programme, and the digests that older device clients ask for. Blobs lie with `side`.
create table release.delta (
    organisation text collate "C" not null,
    side text collate "C" not null check (side <> ''),
    lead text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null default 'release-signature' check (process = 'release-signature'),
    base text collate "C" not null check (base ~ '^[0-9a-f]{64}$'),
    image text collate "C" not null check (image ~ '^[0-9a-f]{64}$'),
    method text collate "C" not null check (method in ('zstd-patch', 'bsdiff')),
    created_at timestamptz not null,
    length bigint not null check (length >= 0),
    sha256 text collate "C" not null check (sha256 ~ '^[0-9a-f]{64}$'),
    primary key (organisation, lead, programme, base, image, method, side)
);
create index delta_image on release.delta (lead, programme, image, base);
create index delta_file on release.delta (lead, programme, sha256);
call alliance.guard_area('release.delta');
grant select, insert on release.delta to marque_app;

create table release.digests (
    organisation text collate "C" not null,
    side text collate "C" not null check (side <> ''),
    lead text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null default 'release-signature' check (process = 'release-signature'),
    sha256 text collate "C" not null check (sha256 ~ '^[0-9a-f]{64}$'),
    created_at timestamptz not null,
    sha1 text collate "C" not null check (sha1 ~ '^[0-9a-f]{40}$'),
    md5 text collate "C" not null check (md5 ~ '^[0-9a-f]{32}$'),
    length bigint not null,
    primary key (organisation, lead, programme, sha256, side)
);
create index digests_of on release.digests (lead, programme, sha256);
call alliance.guard_area('release.digests');
grant select, insert on release.digests to marque_app;

-- An update as clients of hawkBit's Direct Device Integration know it: numbered for each car, since their ids are integers of 31 bits.
create table release.ddi_action (
    organisation text collate "C" not null,
    lead text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null default 'release-signature' check (process = 'release-signature'),
    vehicle text collate "C" not null,
    number integer not null check (number > 0),
    created_at timestamptz not null,
    release uuid not null,
    rollout uuid not null,
    state text collate "C" not null
        check (state in ('waiting', 'running', 'cancelling', 'finished', 'failed', 'cancelled', 'denied')),
    changed_at timestamptz not null,
    keeps_on boolean not null default false,  -- the client was asked to stop and would not
    statuses integer not null default 0,
    messages jsonb not null default '[]',
    primary key (organisation, lead, programme, vehicle, number),
    foreign key (organisation, lead, programme, vehicle) references release.car deferrable initially deferred
);
create unique index ddi_action_open on release.ddi_action (organisation, lead, programme, vehicle) where state in ('waiting', 'running', 'cancelling');
call alliance.guard_area('release.ddi_action');
grant select, insert, update on release.ddi_action to marque_app;

-- What a client of DDI told about itself, and whether it confirms every update beforehand. asked: told at least once.
create table release.ddi_client (
    organisation text collate "C" not null,
    lead text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null default 'release-signature' check (process = 'release-signature'),
    vehicle text collate "C" not null,
    created_at timestamptz not null,
    attributes jsonb not null default '{}',
    told_at timestamptz,
    confirms boolean not null default false,  -- somebody in the car is asked before an update begins
    auto_confirm jsonb,
    primary key (organisation, lead, programme, vehicle),
    foreign key (organisation, lead, programme, vehicle) references release.car deferrable initially deferred
);
call alliance.guard_area('release.ddi_client');
grant select, insert, update on release.ddi_client to marque_app;

create function release.find_car(of_lead text, of_programme uuid, of_vehicle text, of_token bytea) returns text
language sql stable security definer set search_path = '' as $$
    select c.organisation from release.car c
    where c.token = of_token and c.lead = of_lead and c.programme = of_programme and c.vehicle = of_vehicle and c.retired_at is null
    limit 1
$$;
revoke all on function release.find_car(text, uuid, text, bytea) from public;
grant execute on function release.find_car(text, uuid, text, bytea) to marque_app;

-- A car is of one organisation: of these, those that somebody has registered, whoever it was. Told to who may register. The lock makes sure that it
-- is still so at the end of the transaction.
create function release.registered(of_lead text, of_programme uuid, vehicles text[]) returns setof text
language plpgsql security definer set search_path = '' as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('marque cars ' || of_programme, 0));
    return query
        select c.vehicle from release.car c
        where c.lead = of_lead and c.programme = of_programme and c.vehicle = any (vehicles) and exists (
            select from alliance.area_right mine
            where mine.organisation = foundation.organisation() and mine.owner = of_lead and mine.programme = of_programme
              and mine.process = 'release-signature' and mine.role <> 'none'
              and mine.starts <= foundation.instant() and foundation.instant() < mine.ends
        );
end
$$;
revoke all on function release.registered(text, uuid, text[]) from public;
grant execute on function release.registered(text, uuid, text[]) to marque_app;
