-- Who comes in, and how: an organisation's identity provider, sign-ins under way, sessions of people, tokens of services.
--
-- No secret is stored, only SHA-256 digests of random ones of 256 bits; where a table can be read, nobody can come in with what it holds.
--
-- A request brings a secret and says nothing else, so its first look-up happens before the tenant is known. Row-level security rightly
-- shows that transaction nothing; `find_session` and `find_token` look with their owner's rights, answer for one digest with one row at
-- most, and give no more than who it is. To ask them about a session one needs its secret.

create policy finds on alliance.person for select to marque_owner using (true);

create table alliance.identity_provider (
    organisation text collate "C" not null references alliance.organisation,
    issuer text not null check (issuer ~ '^https://[^/?#]+' or issuer ~ '^http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?(/|$)'),
    client_id text not null check (client_id <> ''),
    changed_at timestamptz not null,
    changed_by uuid,
    primary key (organisation),
    foreign key (organisation, changed_by) references alliance.person (organisation, id)
);
alter table alliance.identity_provider enable row level security, force row level security;
create policy own on alliance.identity_provider to marque_app
    using (organisation = (select foundation.organisation())) with check (organisation = (select foundation.organisation()));
grant select, insert, update, delete on alliance.identity_provider to marque_app;

-- Who a provider's subject is. Made at the first sign-in, by e-mail address; from then on the address may change or pass to somebody else.
create table alliance.identity (
    organisation text collate "C" not null,
    issuer text not null,
    subject text not null check (subject <> ''),
    person uuid not null,
    linked_at timestamptz not null,
    primary key (organisation, issuer, subject),
    unique (organisation, issuer, person),
    foreign key (organisation, person) references alliance.person (organisation, id)
);
alter table alliance.identity enable row level security, force row level security;
create policy own on alliance.identity to marque_app
    using (organisation = (select foundation.organisation())) with check (organisation = (select foundation.organisation()));
grant select, insert, delete on alliance.identity to marque_app;

-- A sign-in that was sent to the provider and has not come back; coming back takes it away.
create table alliance.sign_in (
    organisation text collate "C" not null references alliance.organisation,
    state bytea not null check (octet_length(state) = 32),
    return_to text not null,
    expires_at timestamptz not null,
    primary key (organisation, state)
);
create index sign_in_expires on alliance.sign_in (organisation, expires_at);
alter table alliance.sign_in enable row level security, force row level security;
create policy own on alliance.sign_in to marque_app
    using (organisation = (select foundation.organisation())) with check (organisation = (select foundation.organisation()));
grant select, insert, delete on alliance.sign_in to marque_app;

-- expires_at moves on with use, to ends_at at most.
create table alliance.session (
    organisation text collate "C" not null,
    id uuid not null,
    person uuid not null,
    digest bytea not null check (octet_length(digest) = 32),
    started_at timestamptz not null,
    seen_at timestamptz not null,
    expires_at timestamptz not null,
    ends_at timestamptz not null check (expires_at <= ends_at),
    ended_at timestamptz,
    primary key (organisation, id),
    foreign key (organisation, person) references alliance.person (organisation, id)
);
create index session_person on alliance.session (organisation, person) where ended_at is null;
create index session_digest on alliance.session (digest);
alter table alliance.session enable row level security, force row level security;
create policy own on alliance.session to marque_app
    using (organisation = (select foundation.organisation())) with check (organisation = (select foundation.organisation()));
create policy finds on alliance.session for select to marque_owner using (true);
grant select, insert, update (seen_at, expires_at, ended_at) on alliance.session to marque_app;

create function alliance.find_session(of_digest bytea)
returns table (organisation text, id uuid, person uuid, started_at timestamptz, seen_at timestamptz, expires_at timestamptz, ends_at timestamptz)
language sql stable security definer set search_path = '' as $$
    select s.organisation, s.id, s.person, s.started_at, s.seen_at, s.expires_at, s.ends_at
    from alliance.session s join alliance.person p on p.organisation = s.organisation and p.id = s.person
    where s.digest = of_digest and s.ended_at is null and foundation.instant() < s.expires_at
      and (p.left_at is null or foundation.instant() < p.left_at)
    limit 1
$$;
revoke all on function alliance.find_session(bytea) from public;
grant execute on function alliance.find_session(bytea) to marque_app;

-- scopes: 'action:process', or 'action:*' for every process.
create table alliance.service_token (
    organisation text collate "C" not null references alliance.organisation,
    id uuid not null,
    name text not null check (name <> ''),
    purpose text not null check (purpose <> ''),
    scopes text[] not null check (cardinality(scopes) > 0),
    digest bytea not null check (octet_length(digest) = 32),
    issued_at timestamptz not null,
    issued_by uuid not null,
    expires_at timestamptz not null check (issued_at < expires_at),
    used_at timestamptz,
    revoked_at timestamptz,
    primary key (organisation, id),
    foreign key (organisation, issued_by) references alliance.person (organisation, id)
);
create index service_token_digest on alliance.service_token (digest);
alter table alliance.service_token enable row level security, force row level security;
create policy own on alliance.service_token to marque_app
    using (organisation = (select foundation.organisation())) with check (organisation = (select foundation.organisation()));
create policy finds on alliance.service_token for select to marque_owner using (true);
grant select, insert, update (used_at, revoked_at) on alliance.service_token to marque_app;

create function alliance.find_token(of_id uuid, of_digest bytea)
returns table (organisation text, id uuid, purpose text, scopes text[], used_at timestamptz, expires_at timestamptz)
language sql stable security definer set search_path = '' as $$
    select t.organisation, t.id, t.purpose, t.scopes, t.used_at, t.expires_at
    from alliance.service_token t
    where t.digest = of_digest and t.id = of_id and t.revoked_at is null and foundation.instant() < t.expires_at
    limit 1
$$;
revoke all on function alliance.find_token(uuid, bytea) from public;
grant execute on function alliance.find_token(uuid, bytea) to marque_app;
