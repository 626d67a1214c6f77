-- What a change of the agreement does to data: its transition clauses, applied once, all or none, when its force has started.
--
-- A table registered by `alliance.guard_area` is reached without being named here. What that asks of it: foreign keys between such tables are
-- deferrable, those from other tables cascade updates, and no key of it holds twice when rows change their organisation.

create index force_unapplied on alliance.force (starts) where applied_at is null;

-- Copies that an organisation was left: one for each row, as PostgreSQL writes it in JSON; digest is the SHA-256 of that text in UTF-8.
create table alliance.frozen (
    organisation text collate "C" not null,
    lead text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null,
    number integer not null,
    source text collate "C" not null,
    digest text collate "C" not null,
    body text not null,
    frozen_at timestamptz not null,
    primary key (organisation, lead, programme, process, number, source, digest),
    foreign key (lead, programme) references alliance.programme (organisation, id)
);
alter table alliance.frozen enable row level security, force row level security;
create policy own on alliance.frozen for select to marque_app using (organisation = (select foundation.organisation()));
create policy transitions on alliance.frozen to marque_owner using (true) with check (true);
grant select on alliance.frozen to marque_app;

-- What was done. digest: of the rows it concerned, see alliance.digest_of.
create table alliance.transition_step (
    organisation text collate "C" not null,
    agreement uuid not null,
    number integer not null,
    step integer not null,
    programme uuid not null,
    process text collate "C" not null,
    party text collate "C" not null,
    what text collate "C" not null check (what in ('keeps-read', 'frozen-copy', 'returned', 'destroyed', 'decisions-moved')),
    rows bigint not null,
    digest text not null default '',
    applied_at timestamptz not null,
    primary key (organisation, agreement, number, step),
    foreign key (organisation, agreement, number) references alliance.revision (organisation, agreement, number)
);
alter table alliance.transition_step enable row level security, force row level security;
create policy concerned on alliance.transition_step for select to marque_app using (
    (organisation, agreement, number) in (select r.organisation, r.agreement, r.number from alliance.revision r)
);
create policy transitions on alliance.transition_step to marque_owner using (true) with check (true);
grant select on alliance.transition_step to marque_app;
create trigger only_grows before update or delete on alliance.transition_step for each row execute function foundation.refuse_change();

-- SHA-256 of the rows' own digests (hex, sorted, one after the other); '' of no rows.
create function alliance.digest_of(digests text[]) returns text language sql immutable set search_path = '' as $$
    select coalesce(encode(sha256(convert_to(string_agg(one collate "C", '' order by one collate "C"), 'UTF8')), 'hex'), '')
    from unnest(digests) as given (one)
$$;

-- One clause in one area. Returns how many rows it concerned, and their digests.
create function alliance.apply_clause(
    clause text, party text, of_lead text, of_programme uuid, of_process text, of_number integer, since timestamptz,
    out concerned bigint, out digests text[]
) language plpgsql security definer set search_path = '' as $$
declare
    readable timestamptz;
    leader text;
    name text;
    part bigint;
    part_digests text[];
begin
    concerned := 0;
    digests := '{}';
    -- A clause keeps what was readable; it opens nothing.
    select case when r.sight = 'all' then since end into readable
    from alliance.area_right r
    where r.organisation = party and r.owner = of_lead and r.programme = of_programme and r.process = of_process and r.ends = since;
    if readable is null then
        select k.before into readable from alliance.kept k
        where k.organisation = party and k.owner = of_lead and k.programme = of_programme and k.process = of_process;
    end if;

    if clause = 'keeps-read' then
        insert into alliance.kept as k (organisation, owner, programme, process, before)
        select party, of_lead, of_programme, of_process, readable where readable is not null
        on conflict (organisation, owner, programme, process) do update set before = greatest(k.before, excluded.before);
        get diagnostics concerned = row_count;
        return;
    end if;

    select r.organisation into leader from alliance.area_right r
    where r.owner = of_lead and r.programme = of_programme and r.process = of_process and r.role = 'leads' and r.starts <= since and since < r.ends
    order by r.organisation limit 1;

    for name in select t.name::text from alliance.area_table t order by t.name::text collate "C" loop
        if clause = 'frozen-copy' then
            execute format($sql$
                with copied as (
                    insert into alliance.frozen (organisation, lead, programme, process, number, source, digest, body, frozen_at)
                    select $1, $2, $3, $4, $5, %1$L, encode(sha256(convert_to(body, 'UTF8')), 'hex'), body, foundation.instant()
                    from (
                        select to_jsonb(t)::text as body from %1$s t
                        where t.lead = $2 and t.programme = $3 and t.process = $4 and t.organisation <> $1 and t.created_at < $6
                    ) seen
                    on conflict do nothing
                    returning frozen.digest
                )
                select count(*), coalesce(array_agg(digest), '{}') from copied$sql$, name)
            into part, part_digests using party, of_lead, of_programme, of_process, of_number, readable;
        elsif clause = 'returned' and leader <> party then
            execute format($sql$
                with given as (
                    update %1$s t set organisation = $5
                    where t.lead = $2 and t.programme = $3 and t.process = $4 and t.organisation = $1 and t.created_at < $6
                    returning encode(sha256(convert_to(to_jsonb(t)::text, 'UTF8')), 'hex') as digest
                )
                select count(*), coalesce(array_agg(digest), '{}') from given$sql$, name)
            into part, part_digests using party, of_lead, of_programme, of_process, leader, since;
        elsif clause = 'destroyed' then
            execute format($sql$
                with gone as (
                    delete from %1$s t
                    where t.lead = $2 and t.programme = $3 and t.process = $4 and t.organisation = $1 and t.created_at < $5
                    returning encode(sha256(convert_to(to_jsonb(t)::text, 'UTF8')), 'hex') as digest
                )
                select count(*), coalesce(array_agg(digest), '{}') from gone$sql$, name)
            into part, part_digests using party, of_lead, of_programme, of_process, since;
        else
            continue;
        end if;
        concerned := concerned + part;
        digests := digests || part_digests;
    end loop;

    if clause = 'destroyed' then
        with gone as (
            delete from alliance.frozen f
            where f.organisation = party and f.lead = of_lead and f.programme = of_programme and f.process = of_process
              and f.number < of_number
            returning f.digest
        )
        select count(*), coalesce(array_agg(digest), '{}') into part, part_digests from gone;
        concerned := concerned + part;
        digests := digests || part_digests;
        delete from alliance.kept k
        where k.organisation = party and k.owner = of_lead and k.programme = of_programme and k.process = of_process;
    end if;
end
$$;
revoke all on function alliance.apply_clause(text, text, text, uuid, text, integer, timestamptz) from public;

-- Apply what is due of the actor's agreements, in order. Returns the revisions applied by this call: none when there was nothing to do.
create function alliance.apply_due() returns setof alliance.force language plpgsql security definer set search_path = '' as $$
declare
    due record;
    clause record;
    done record;
    steps integer;
    moved record;
begin
    for due in
        select f.organisation, f.agreement, f.number, f.starts, r.document::jsonb -> 'transition' as said
        from alliance.force f join alliance.revision r using (organisation, agreement, number)
        where f.applied_at is null and f.starts <= foundation.instant() and foundation.organisation() = any (r.signatories)
        order by f.organisation, f.agreement, f.starts
    loop
        -- The lock that signing takes too: one at a time for an agreement, and whoever waited finds it done.
        perform from alliance.agreement where organisation = due.organisation and id = due.agreement for update;
        update alliance.force f set applied_at = foundation.instant()
        where f.organisation = due.organisation and f.agreement = due.agreement and f.number = due.number
          and f.applied_at is null and f.starts = due.starts;
        continue when not found;

        set constraints all deferred;
        steps := 0;
        for clause in
            select p.id as programme, said ->> 'process' as process, said ->> 'organisation' as party, said ->> 'what' as what
            from jsonb_array_elements(coalesce(due.said -> 'clauses', '[]')) as clauses (said)
            join alliance.programme p on p.organisation = due.organisation and p.agreement = due.agreement
            order by array_position(array['frozen-copy', 'keeps-read', 'destroyed', 'returned'], said ->> 'what'), process, party, p.id
        loop
            select * into done from alliance.apply_clause(
                clause.what, clause.party, due.organisation, clause.programme, clause.process, due.number, due.starts);
            steps := steps + 1;
            insert into alliance.transition_step
                (organisation, agreement, number, step, programme, process, party, what, rows, digest, applied_at)
            values (due.organisation, due.agreement, due.number, steps, clause.programme, clause.process, clause.party, clause.what,
                    done.concerned, alliance.digest_of(done.digests), foundation.instant());
        end loop;

        if due.said ->> 'open-decisions' = 'new' then
            for moved in
                select d.organisation, d.id, d.programme, d.process, d.title, pinned.number, pinned.deciders
                from alliance.decision d
                cross join lateral alliance.deciders(d.lead, d.programme, d.process, due.starts) as pinned
                where d.lead = due.organisation and d.agreement = due.agreement and d.state = 'open' and d.number < due.number
                  and pinned.deciders is not null
                order by d.id
            loop
                update alliance.decision d set number = moved.number, deciders = moved.deciders
                where d.organisation = moved.organisation and d.id = moved.id;
                perform alliance.settle(moved.organisation, moved.id);
                steps := steps + 1;
                insert into alliance.transition_step
                    (organisation, agreement, number, step, programme, process, party, what, rows, digest, applied_at)
                values (due.organisation, due.agreement, due.number, steps, moved.programme, moved.process, moved.organisation,
                        'decisions-moved', 1, '', foundation.instant());
            end loop;
        end if;
        set constraints all immediate;
        return query select f.* from alliance.force f
            where f.organisation = due.organisation and f.agreement = due.agreement and f.number = due.number;
    end loop;
end
$$;
revoke all on function alliance.apply_due() from public;
grant execute on function alliance.apply_due() to marque_app;

-- For whom the periodic job has something to do: one organisation for each agreement.
create function alliance.due_organisations() returns setof text language sql stable security definer set search_path = '' as $$
    select distinct r.signatories[1]
    from alliance.force f join alliance.revision r using (organisation, agreement, number)
    where f.applied_at is null and f.starts <= foundation.instant()
$$;
revoke all on function alliance.due_organisations() from public;
grant usage on schema alliance to marque_worker;
grant execute on function alliance.due_organisations() to marque_worker;
