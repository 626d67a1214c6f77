-- Releases and the repository they are published in: what was drafted, proven, signed, published, withdrawn. Rows are written once; where a
-- release or a change stands follows from them, so that the last signature, whoever gives it, needs to change no row of the other side.
--
-- All of it is of the area `release-signature`: each row of the organisation whose act it was. `side`: that organisation, for ever; `organisation`:
-- whose row it is, which a transition may change. `written_by`: who acted; null for the server and for programs.

create schema release;
grant usage on schema release to marque_app, marque_worker;

create function release.write() returns trigger language plpgsql set search_path = '' as $$
begin
    if new.side <> new.organisation or new.written_by is distinct from foundation.person() then
        raise exception 'a row of a release is written by its own organisation, in the name of who acts' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;

-- A table of this room: its columns, who sees its rows, and that they are written by who acts.
create procedure release.found(name text, columns text) language plpgsql as $$
begin
    execute format($table$
        create table release.%1$I (
            organisation text collate "C" not null,
            id uuid not null,
            side text collate "C" not null,
            lead text collate "C" not null,
            programme uuid not null,
            process text collate "C" not null check (process = 'release-signature'),
            created_at timestamptz not null,
            written_by uuid,
            %2$s,
            primary key (organisation, id),
            foreign key (lead, programme) references alliance.programme (organisation, id),
            foreign key (side, written_by) references alliance.person (organisation, id)
        )$table$, name, columns);
    execute format('create index %I on release.%I (id)', name || '_id', name);
    call alliance.guard_area(format('release.%I', name)::regclass);
    execute format('grant select, insert on release.%I to marque_app', name);
    execute format('create trigger write before insert on release.%I for each row execute function release.write()', name);
end
$$;

-- What an organisation shows the programme of its people's keys, so that the other side can check what they signed.
call release.found('directory', $$text bytea not null, digest text collate "C" not null$$);
create index directory_of on release.directory (lead, programme, side, created_at desc, id desc);

-- Which of its people's keys are to stand in the next root, for one side. keys: [{key, public, person, name, until}].
call release.found('naming', $$keys jsonb not null check (jsonb_typeof(keys) = 'array')$$);
create index naming_of on release.naming (lead, programme, side, created_at desc, id desc);

call release.found('release', $$
    name text collate "C" not null,
    version text collate "C" not null,
    counter integer not null check (counter > 0),
    digest text collate "C" not null check (digest ~ '^[0-9a-f]{64}$'),
    model text collate "C" not null,
    markets text[] collate "C" not null check (cardinality(markets) > 0),
    said jsonb not null
$$);
create index release_area on release.release (lead, programme, id desc);
create index release_named on release.release (lead, programme, name, model, counter);

-- Blobs lie with `side`. Taken away again by who drafts, before signatures are asked for.
call release.found('image', $$
    release uuid not null,
    path text collate "C" not null,
    role text collate "C" not null,
    hardware text[] collate "C" not null check (cardinality(hardware) > 0),
    length bigint not null check (length > 0),
    sha256 text collate "C" not null check (sha256 ~ '^[0-9a-f]{64}$')
$$);
create index image_of on release.image (release);
create index image_path on release.image (lead, programme, path);
grant delete on release.image to marque_app;

-- Sealed evidence, verified. The newest of a release counts. body: what it says.
call release.found('evidence', $$
    release uuid not null,
    sha256 text collate "C" not null check (sha256 ~ '^[0-9a-f]{64}$'),
    body jsonb not null
$$);
create index evidence_of on release.evidence (release, created_at desc, id desc);
create index evidence_sha256 on release.evidence (lead, programme, sha256);

-- Documents that come into force together. Open until there is a closing.
call release.found('change', $$
    purpose text collate "C" not null check (purpose in ('repository', 'release', 'withdrawal', 'renewal')),
    subject text collate "C" not null,
    title text not null
$$);
create index change_area on release.change (lead, programme, id desc);
create index change_subject on release.change (lead, programme, purpose, subject);

-- payload: the canonical bytes that are signed. rules: [{what, each: {organisation: keys}, keys: {organisation: [id]}}].
call release.found('document', $$
    change uuid not null,
    position integer not null,
    repository text collate "C" not null check (repository in ('image', 'director')),
    role text collate "C" not null,
    version integer not null check (version > 0),
    payload bytea not null,
    digest text collate "C" not null,
    rules jsonb not null
$$);
create index document_of on release.document (change);
create function release.write_document() returns trigger language plpgsql set search_path = '' as $$
begin
    new.digest := encode(sha256(new.payload), 'hex');
    return new;
end
$$;
create trigger write_document before insert on release.document for each row execute function release.write_document();

-- By one person of `side`. value: TUF's signature of the payload; envelope and confirmation: what their passkey confirmed (alliance.proofs).
call release.found('signature', $$
    document uuid not null,
    key text collate "C" not null check (key ~ '^[0-9a-f]{64}$'),
    value bytea not null,
    envelope text not null,
    confirmation jsonb not null,
    unique (organisation, document, key)
$$);
create index signature_of on release.signature (document);

call release.found('closing', $$
    change uuid not null,
    state text collate "C" not null check (state in ('in-force', 'dropped')),
    reason text not null default ''
$$);
create index closing_of on release.closing (change);

-- Files as cars get them. Superseded timestamps and snapshots that the server signed are taken away after a while.
call release.found('metadata', $$
    repository text collate "C" not null check (repository in ('image', 'director')),
    role text collate "C" not null,
    version integer not null check (version > 0),
    expires timestamptz not null,
    raw bytea not null,
    length integer generated always as (octet_length(raw)) stored,
    sha256 text collate "C" generated always as (encode(sha256(raw), 'hex')) stored
$$);
create index metadata_of on release.metadata (lead, programme, repository, role, version desc);
grant delete on release.metadata to marque_app;

call release.found('withdrawal', $$
    evidence text collate "C" not null check (evidence ~ '^[0-9a-f]{64}$'),
    reason text not null check (reason <> '')
$$);
create index withdrawal_of on release.withdrawal (lead, programme, evidence);

-- What was put up for signatures, signed, published or withdrawn is no side's own: cars rely on it, and on nothing of it going away. So no
-- transition moves, copies or destroys these rows, as none does a decision. Drafts, images, evidence and keys are the side's that made them.
delete from alliance.area_table where name in (
    'release.change'::regclass, 'release.document'::regclass, 'release.signature'::regclass, 'release.closing'::regclass,
    'release.metadata'::regclass, 'release.withdrawal'::regclass
);

drop procedure release.found(text, text);

-- Whose people have to sign, by the agreement's revision in force: told to those who have to do with the area.
create function release.parties(of_lead text, of_programme uuid) returns text[] language sql stable security definer set search_path = '' as $$
    select coalesce(array_agg(r.organisation order by r.organisation), '{}')
    from alliance.area_right r
    where r.owner = of_lead and r.programme = of_programme and r.process = 'release-signature' and r.role in ('leads', 'co-decides')
      and r.starts <= foundation.instant() and foundation.instant() < r.ends
      and exists (
          select from alliance.area_right mine
          where mine.organisation = foundation.organisation() and mine.owner = of_lead and mine.programme = of_programme
            and mine.process = 'release-signature' and mine.starts <= foundation.instant() and foundation.instant() < mine.ends
            and (mine.role <> 'none' or mine.sight = 'all')
      )
$$;
revoke all on function release.parties(text, uuid) from public;
grant execute on function release.parties(text, uuid) to marque_app;

-- Among all drafts, also those that who asks cannot see: no counter is given twice. 0: there was none.
create function release.last_counter(of_lead text, of_programme uuid, of_name text, of_model text) returns integer
language sql stable security definer set search_path = '' as $$
    select coalesce(max(r.counter), 0) from release.release r
    where r.lead = of_lead and r.programme = of_programme and r.name = of_name and r.model = of_model
      and exists (
          select from alliance.area_right mine
          where mine.organisation = foundation.organisation() and mine.owner = of_lead and mine.programme = of_programme
            and mine.process = 'release-signature' and mine.role <> 'none'
            and mine.starts <= foundation.instant() and foundation.instant() < mine.ends
      )
$$;
revoke all on function release.last_counter(text, uuid, text, text) from public;
grant execute on function release.last_counter(text, uuid, text, text) to marque_app;

-- Whether a release's signatures are in force, as far as who asks sees them.
create function release.published(of_lead text, of_programme uuid, of_release uuid) returns boolean language sql stable as $$
    select exists (
        select from release.change c join release.closing k on k.change = c.id
        where c.lead = of_lead and c.programme = of_programme and c.purpose = 'release' and c.subject = of_release::text and k.state = 'in-force'
    )
$$;
revoke all on function release.published(text, uuid, uuid) from public;
grant execute on function release.published(text, uuid, uuid) to marque_app;

-- Of something withdrawn, the change of its organisation's list that tells it, and since when that is in force; a later list holds the earlier.
create function release.list_of(of_lead text, of_programme uuid, of_side text, since timestamptz, out change uuid, out signed_at timestamptz)
language sql stable as $$
    select (array_agg(c.id order by k.created_at nulls last, c.id desc))[1], min(k.created_at)
    from release.change c left join release.closing k on k.change = c.id
    where c.lead = of_lead and c.programme = of_programme and c.purpose = 'withdrawal' and c.side = of_side and c.created_at >= since
      and k.state is distinct from 'dropped'
$$;
revoke all on function release.list_of(text, uuid, text, timestamptz) from public;
grant execute on function release.list_of(text, uuid, text, timestamptz) to marque_app;

-- Every repository that has a timestamp, with an organisation that may write there now and sees all of it: what the server keeps fresh.
create function release.repositories(out organisation text, out lead text, out programme uuid) returns setof record
language sql stable security definer set search_path = '' as $$
    select min(r.organisation), m.lead, m.programme
    from (select distinct lead, programme from release.metadata where repository = 'image' and role = 'timestamp') m
    join alliance.area_right r on r.owner = m.lead and r.programme = m.programme and r.process = 'release-signature'
    where r.role in ('leads', 'co-decides') and r.sight = 'all' and r.starts <= foundation.instant() and foundation.instant() < r.ends
    group by m.lead, m.programme
$$;
revoke all on function release.repositories() from public;
grant execute on function release.repositories() to marque_worker;
