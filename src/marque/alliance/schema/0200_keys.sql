-- Whose keys sign and whose passkeys confirm. Public parts only: no private key ever comes here.
--
-- One public key stands for one person of one organisation in the whole installation, or one side could sign for both: hence the two kinds of
-- uniqueness that do not lead with the organisation. They tell nothing: to learn that a key is taken one has to sign with it first.
-- Keys, revocations and confirmations only grow; what was signed in the past is checked against what was true then.

create table alliance.key (
    organisation text collate "C" not null,
    id text collate "C" not null check (id ~ '^[0-9a-f]{64}$'),
    person uuid not null,
    public_key bytea not null unique check (octet_length(public_key) = 32),
    request bytea not null,
    valid_from timestamptz not null,
    valid_until timestamptz not null check (valid_from < valid_until),
    enrolled_at timestamptz not null,
    enrolled_by uuid,
    primary key (organisation, id),
    foreign key (organisation, person) references alliance.person (organisation, id),
    foreign key (organisation, enrolled_by) references alliance.person (organisation, id)
);
create index key_person on alliance.key (organisation, person);
alter table alliance.key enable row level security, force row level security;
create policy own on alliance.key for select to marque_app using (organisation = (select foundation.organisation()));
create policy enrols on alliance.key for insert to marque_app with check (
    organisation = (select foundation.organisation())
    and enrolled_at = (select foundation.instant())
    and enrolled_by is not distinct from (select foundation.person())
);
grant select, insert on alliance.key to marque_app;
create trigger only_grows before update or delete on alliance.key for each row execute function foundation.refuse_change();

create table alliance.key_revocation (
    organisation text collate "C" not null,
    key text collate "C" not null,
    reason text not null check (reason <> ''),
    revoked_at timestamptz not null,
    revoked_by uuid,
    primary key (organisation, key),
    foreign key (organisation, key) references alliance.key (organisation, id),
    foreign key (organisation, revoked_by) references alliance.person (organisation, id)
);
alter table alliance.key_revocation enable row level security, force row level security;
create policy own on alliance.key_revocation for select to marque_app using (organisation = (select foundation.organisation()));
create policy revokes on alliance.key_revocation for insert to marque_app with check (
    organisation = (select foundation.organisation())
    and revoked_at = (select foundation.instant())
    and revoked_by is not distinct from (select foundation.person())
);
grant select, insert on alliance.key_revocation to marque_app;
create trigger only_grows before update or delete on alliance.key_revocation for each row execute function foundation.refuse_change();

-- cose_key: the public key as the authenticator gave it; public_key: the same as DER of a SubjectPublicKeyInfo, for those who check offline.
create table alliance.passkey (
    organisation text collate "C" not null,
    id uuid not null,
    person uuid not null,
    label text not null,
    credential_id bytea not null unique,
    cose_key bytea not null,
    public_key bytea not null unique,
    sign_count bigint not null check (sign_count >= 0),
    backup_eligible boolean not null,
    registered_at timestamptz not null,
    primary key (organisation, id),
    foreign key (organisation, person) references alliance.person (organisation, id)
);
create index passkey_person on alliance.passkey (organisation, person);
alter table alliance.passkey enable row level security, force row level security;
create policy own on alliance.passkey for select to marque_app using (organisation = (select foundation.organisation()));
create policy registers on alliance.passkey for insert to marque_app with check (
    organisation = (select foundation.organisation())
    and person = (select foundation.person())
    and registered_at = (select foundation.instant())
);
create policy counts on alliance.passkey for update to marque_app
    using (organisation = (select foundation.organisation()) and person = (select foundation.person()))
    with check (organisation = (select foundation.organisation()) and person = (select foundation.person()));
grant select, insert, update (sign_count) on alliance.passkey to marque_app;

create table alliance.passkey_revocation (
    organisation text collate "C" not null,
    passkey uuid not null,
    reason text not null check (reason <> ''),
    revoked_at timestamptz not null,
    revoked_by uuid,
    primary key (organisation, passkey),
    foreign key (organisation, passkey) references alliance.passkey (organisation, id),
    foreign key (organisation, revoked_by) references alliance.person (organisation, id)
);
alter table alliance.passkey_revocation enable row level security, force row level security;
create policy own on alliance.passkey_revocation for select to marque_app using (organisation = (select foundation.organisation()));
create policy revokes on alliance.passkey_revocation for insert to marque_app with check (
    organisation = (select foundation.organisation())
    and revoked_at = (select foundation.instant())
    and revoked_by is not distinct from (select foundation.person())
);
grant select, insert on alliance.passkey_revocation to marque_app;
create trigger only_grows before update or delete on alliance.passkey_revocation for each row execute function foundation.refuse_change();

-- A question a passkey was asked and has not answered; answering takes it away. `envelope`: what is to be confirmed, null for a registration.
create table alliance.challenge (
    organisation text collate "C" not null,
    id uuid not null,
    person uuid not null,
    challenge bytea not null check (octet_length(challenge) >= 32),
    envelope bytea,
    asked_at timestamptz not null,
    expires_at timestamptz not null check (asked_at < expires_at),
    primary key (organisation, id),
    foreign key (organisation, person) references alliance.person (organisation, id)
);
create index challenge_person on alliance.challenge (organisation, person, expires_at);
alter table alliance.challenge enable row level security, force row level security;
create policy own on alliance.challenge to marque_app
    using (organisation = (select foundation.organisation()) and person = (select foundation.person()))
    with check (organisation = (select foundation.organisation()) and person = (select foundation.person()));
grant select, insert, delete on alliance.challenge to marque_app;

-- A person confirms a text once: an answer of a passkey that does not count could otherwise be given again.
create table alliance.confirmation (
    organisation text collate "C" not null,
    person uuid not null,
    challenge bytea not null,
    passkey uuid not null,
    sign_count bigint not null,
    confirmed_at timestamptz not null,
    primary key (organisation, person, challenge),
    foreign key (organisation, person) references alliance.person (organisation, id),
    foreign key (organisation, passkey) references alliance.passkey (organisation, id)
);
alter table alliance.confirmation enable row level security, force row level security;
create policy own on alliance.confirmation for select to marque_app using (organisation = (select foundation.organisation()));
create policy confirms on alliance.confirmation for insert to marque_app with check (
    organisation = (select foundation.organisation())
    and person = (select foundation.person())
    and confirmed_at = (select foundation.instant())
);
grant select, insert on alliance.confirmation to marque_app;
create trigger only_grows before update or delete on alliance.confirmation for each row execute function foundation.refuse_change();
