-- The audit log: one Merkle tree (RFC 9162) for the installation, whose leaves are salted commitments; documents and salts of the entries,
-- once for each organisation concerned; checkpoints and the signatures on them. docs/audit.md says what is hashed, byte by byte.
--
-- The role that serves requests writes nothing of the tree itself. It calls two functions with the owner's rights, which alone know how an
-- entry is added: at the next place, with every hash computed here, with the links of every organisation concerned, for the organisation
-- and the instant of the transaction. So a server that is taken over can add false entries, under its own name, and cannot alter, drop or
-- reorder one; a taken-over owner can, and is found out by anybody who kept a checkpoint.
--
-- Lock order: the log's lock (alliance.audit_lock) is the last that a transaction takes, and held until it ends; so the entries of a
-- transaction follow each other, one that is rolled back leaves no gap, and nobody sees a tree that is still uncertain.

-- level 0: the leaf hashes; above: the hashes of complete subtrees (level, index covers entries from index << level on, 1 << level of them).
create table alliance.audit_node (
    level smallint not null check (level between 0 and 62),
    index bigint not null check (index >= 0),
    hash bytea not null check (octet_length(hash) = 32),
    primary key (level, index)
);
grant select on alliance.audit_node to marque_app;

-- What links an organisation's entries, so that it notices one withheld, and others concerned cannot tell how many it has.
-- No foreign key: a revision may name an organisation by a code that nobody bears here yet, and must not tell whether somebody does.
create table alliance.audit_seed (
    organisation text collate "C" primary key,
    seed bytea not null check (octet_length(seed) = 32)
);
alter table alliance.audit_seed enable row level security, force row level security;
create policy own on alliance.audit_seed for select to marque_app using (organisation = (select foundation.organisation()));
create policy appends on alliance.audit_seed to marque_owner using (true) with check (true);
grant select on alliance.audit_seed to marque_app;

create table alliance.audit_entry (
    organisation text collate "C" not null references alliance.audit_seed,
    index bigint not null,
    salt bytea not null check (octet_length(salt) = 32),
    document text not null check (octet_length(document) <= 1048576),
    primary key (organisation, index)
);
alter table alliance.audit_entry enable row level security, force row level security;
create policy own on alliance.audit_entry for select to marque_app using (organisation = (select foundation.organisation()));
create policy appends on alliance.audit_entry to marque_owner using (true) with check (true);
grant select on alliance.audit_entry to marque_app;

-- Signed texts are public, and only as good as the signatures on them; readers check both.
create table alliance.audit_checkpoint (
    size bigint primary key check (size >= 0),
    text text not null,
    made_at timestamptz not null
);
grant select, insert on alliance.audit_checkpoint to marque_app;

create table alliance.audit_signature (
    size bigint not null references alliance.audit_checkpoint,
    name text collate "C" not null,
    key_id bytea not null check (octet_length(key_id) = 4),
    value bytea not null check (octet_length(value) between 64 and 72),
    made_at timestamptz not null,
    primary key (size, name, key_id)
);
create index audit_signature_signer on alliance.audit_signature (name, key_id, size);
grant select, insert on alliance.audit_signature to marque_app;

do $$
declare
    grows text;
begin
    foreach grows in array array['audit_node', 'audit_seed', 'audit_entry', 'audit_checkpoint', 'audit_signature'] loop
        execute format('create trigger only_grows before update or delete on alliance.%I for each row execute function foundation.refuse_change()', grows);
        execute format('create trigger never_empties before truncate on alliance.%I for each statement execute function foundation.refuse_change()', grows);
    end loop;
end
$$;

create function alliance.audit_size() returns bigint stable language sql set search_path = ''
    return (select coalesce(max(n.index) + 1, 0) from alliance.audit_node n where n.level = 0);

create function alliance.audit_lock() returns void language sql set search_path = ''
    begin atomic select pg_advisory_xact_lock(9162, 1); end;

-- Whether this transaction has added entries, which may still be rolled back: nothing of them may be signed.
create function alliance.audit_uncertain() returns boolean language sql set search_path = ''
    return exists (
        select from pg_locks l
        where l.locktype = 'advisory' and l.classid = 9162 and l.objid = 1 and l.objsubid = 2 and l.pid = pg_backend_pid()
          and l.database = (select d.oid from pg_database d where d.datname = current_database())
    );

-- The link of the next entry that concerns an organisation: SHA-256(seed, index of the last one as 8 bytes, −1 before the first).
create function alliance.audit_link(concerned text) returns text language sql set search_path = ''
    return (
        select encode(sha256(s.seed || int8send((
            select coalesce(max(e.index), -1) from alliance.audit_entry e where e.organisation = s.organisation
        ))), 'hex')
        from alliance.audit_seed s where s.organisation = concerned
    );

-- Only what concerns the actor, and nobody it has nothing to do with.
create function alliance.audit_relate(concerned text[]) returns void language plpgsql set search_path = '' as $$
declare
    actor constant text collate "C" := foundation.organisation();
    stranger text;
begin
    if actor is null or actor <> all (concerned) or concerned <> array(select distinct one from unnest(concerned) as named (one) order by one) then
        raise exception 'an entry concerns the organisation that acts, and each once' using errcode = 'insufficient_privilege';
    end if;
    select one into stranger from unnest(concerned) as named (one)
    where one <> actor
      and not exists (select from alliance.organisation o where (o.organisation, o.parent) in ((one, actor), (actor, one)))
      and not exists (select from alliance.agreement a where a.invited @> array[one collate "C", actor])
    limit 1;
    if found then
        raise exception '% has nothing to do with what concerns %', actor, stranger using errcode = 'insufficient_privilege';
    end if;
end
$$;

create function alliance.audit_open(concerned text[], out next bigint, out links jsonb) language plpgsql security definer set search_path = '' as $$
begin
    perform alliance.audit_relate(concerned);
    perform alliance.audit_lock();
    insert into alliance.audit_seed (organisation, seed)
    select one, sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
    from unnest(concerned) as named (one)
    on conflict do nothing;
    next := alliance.audit_size();
    links := (select jsonb_object_agg(one, alliance.audit_link(one)) from unnest(concerned) as named (one));
end
$$;

create function alliance.audit_append(salt bytea, document text) returns void language plpgsql security definer set search_path = '' as $$
declare
    said constant json := document::json;
    place bigint;
    height smallint := 0;
    made bytea;
begin
    perform alliance.audit_relate(array(select one from json_object_keys(said -> 'concerned') as named (one) order by one collate "C"));
    perform alliance.audit_lock();
    place := alliance.audit_size();
    if octet_length(salt) is distinct from 32
        or (said ->> 'index')::bigint is distinct from place
        or (said ->> 'at')::timestamptz is distinct from foundation.instant()
        or (said #>> '{by,organisation}') is distinct from foundation.organisation()
        or (said #>> '{by,person}')::uuid is distinct from foundation.person()
        or exists (select from json_each_text(said -> 'concerned') as linked (one, link) where link is distinct from alliance.audit_link(one))
    then
        raise exception 'the document is not that of the next entry by who acts now' using errcode = 'check_violation';
    end if;
    insert into alliance.audit_entry (organisation, index, salt, document)
    select one, place, audit_append.salt, audit_append.document from json_object_keys(said -> 'concerned') as named (one);
    made := sha256('\x00'::bytea || sha256(convert_to(E'marque.example/audit-entry/v1\n', 'UTF8') || salt || convert_to(document, 'UTF8')));
    insert into alliance.audit_node (level, index, hash) values (0, place, made);
    while place % 2 = 1 loop
        made := (select sha256('\x01'::bytea || n.hash || made) from alliance.audit_node n where n.level = height and n.index = place - 1);
        place := place / 2;
        height := height + 1;
        insert into alliance.audit_node (level, index, hash) values (height, place, made);
    end loop;
end
$$;

revoke all on function alliance.audit_lock(), alliance.audit_link(text), alliance.audit_relate(text[]) from public;
revoke all on function alliance.audit_open(text[]), alliance.audit_append(bytea, text) from public;
grant execute on function alliance.audit_open(text[]), alliance.audit_append(bytea, text) to marque_app;
