-- Organisations, people, brands, agreements and their revisions, programmes; and what follows from the revision in force.
--
-- An organisation's code leads every key. `area_right` says who sees and does what in which programme and process, and from when to when; it
-- is derived from signed documents by `alliance.derive`, which only the signing of a revision (and the founding of a programme) sets off: the
-- role that serves requests cannot write it. Rows of an area are guarded by it (`alliance.guard_area`).

create schema alliance;
grant usage on schema alliance to marque_app;

create table alliance.organisation (
    organisation text collate "C" primary key check (organisation ~ '^[a-z][a-z0-9-]{0,39}$'),
    parent text collate "C" references alliance.organisation,
    name text not null,
    name_zh text not null default '',
    kind text not null check (kind in ('carmaker', 'technology', 'brand', 'supplier', 'operator'))
);

create table alliance.person (
    organisation text collate "C" not null references alliance.organisation,
    id uuid not null,
    name text not null,
    email text not null,
    duties text[] not null default '{}',
    created_at timestamptz not null,
    left_at timestamptz,
    primary key (organisation, id),
    unique (organisation, email)
);
alter table alliance.person enable row level security, force row level security;
create policy own on alliance.person to marque_app
    using (organisation = (select foundation.organisation())) with check (organisation = (select foundation.organisation()));
create policy appoints on alliance.person to marque_owner using (true) with check (true);
grant select, insert, update on alliance.person to marque_app;

-- The organisation that drafted an agreement owns its key. `invited`: every organisation that a revision ever named; kept by a trigger.
create table alliance.agreement (
    organisation text collate "C" not null references alliance.organisation,
    id uuid not null,
    title text not null,
    invited text[] collate "C" not null,
    created_at timestamptz not null,
    primary key (organisation, id)
);
create index agreement_invited on alliance.agreement using gin (invited);
alter table alliance.agreement enable row level security, force row level security;
create policy invited on alliance.agreement for select to marque_app using ((select foundation.organisation()) = any (invited));
create policy drafts on alliance.agreement for insert to marque_app
    with check (organisation = (select foundation.organisation()) and invited = array[organisation]);
create policy derives on alliance.agreement to marque_owner using (true) with check (true);
-- Whom else a text ever named is nobody's to read: an offer does not tell who took it in the end.
grant select (organisation, id, title, created_at), insert on alliance.agreement to marque_app;

-- Everything but the document's text is read from it by a trigger: a column cannot say other than what is signed.
create table alliance.revision (
    organisation text collate "C" not null,
    agreement uuid not null,
    number integer not null check (number > 0),
    document text not null,
    digest text not null,
    previous text not null,
    effective date not null,
    mode text not null,
    signatories text[] collate "C" not null,
    proposed_by text collate "C" not null,
    proposed_at timestamptz not null,
    primary key (organisation, agreement, number),
    unique (organisation, agreement, digest),
    foreign key (organisation, agreement) references alliance.agreement (organisation, id)
);
create index revision_signatories on alliance.revision using gin (signatories);
alter table alliance.revision enable row level security, force row level security;
create policy concerned on alliance.revision for select to marque_app using ((select foundation.organisation()) = any (signatories));
create policy proposes on alliance.revision for insert to marque_app
    with check (proposed_by = (select foundation.organisation()) and proposed_by = any (signatories));
create policy derives on alliance.revision to marque_owner using (true) with check (true);
grant select, insert on alliance.revision to marque_app;

-- Who is visible: oneself, one's own tree, and those who sign a text that one signs.
create function alliance.known() returns setof text language sql stable security definer set search_path = '' as $$
    select distinct one from alliance.revision r cross join unnest(r.signatories) as named (one)
    where r.signatories @> array[foundation.organisation() collate "C"]
$$;
revoke all on function alliance.known() from public;
grant execute on function alliance.known() to marque_app;
alter table alliance.organisation enable row level security, force row level security;
create policy visible on alliance.organisation for select to marque_app using (
    organisation = (select foundation.organisation())
    or parent = (select foundation.organisation())
    or organisation in (select alliance.known())
);
create policy administers on alliance.organisation to marque_owner using (true) with check (true);
grant select on alliance.organisation to marque_app;

-- Whether the actor takes part in an agreement now: who signs its latest text (to leave is to sign, too); before any, whoever drafted it.
create function alliance.takes_part(of_organisation text, of_agreement uuid) returns boolean
language sql stable security definer set search_path = '' as $$
    select foundation.organisation() = any (coalesce(
        (select r.signatories from alliance.revision r
         where r.organisation = of_organisation and r.agreement = of_agreement order by r.number desc limit 1),
        array[of_organisation]
    ))
$$;
revoke all on function alliance.takes_part(text, uuid) from public;
grant execute on function alliance.takes_part(text, uuid) to marque_app;

create function alliance.read_document() returns trigger language plpgsql security definer set search_path = '' as $$
declare
    said jsonb := new.document::jsonb;
    before record;
begin
    new.digest := encode(sha256(convert_to(new.document, 'UTF8')), 'hex');
    new.previous := said ->> 'previous';
    new.effective := (said ->> 'effective')::date;
    new.mode := said ->> 'mode';
    new.signatories := array(
        select distinct one from (
            select jsonb_array_elements_text(said -> 'parties')
            union all select jsonb_array_elements_text(coalesce(said -> 'leaving', '[]'))
        ) as named (one) order by one
    );
    if (said ->> 'agreement')::uuid <> new.agreement or (said ->> 'number')::integer <> new.number then
        raise exception 'the document is of another agreement or number' using errcode = 'check_violation';
    end if;
    perform from alliance.agreement where organisation = new.organisation and id = new.agreement for update;
    select number, digest, signatories into before
    from alliance.revision where organisation = new.organisation and agreement = new.agreement order by number desc limit 1;
    if coalesce(before.number, 0) <> new.number - 1 or coalesce(before.digest, '') <> new.previous then
        raise exception 'revision % does not follow the last one', new.number using errcode = 'serialization_failure';
    end if;
    if before.number is not null and new.proposed_by <> all (before.signatories) then
        raise exception 'only who signs the last revision may propose the next' using errcode = 'insufficient_privilege';
    end if;
    if exists (
        select from alliance.force f join alliance.revision r using (organisation, agreement, number)
        where f.organisation = new.organisation and f.agreement = new.agreement and f.ends > new.proposed_at
        and not array(select jsonb_array_elements_text(r.document::jsonb -> 'parties')) <@ new.signatories
    ) then
        raise exception 'who is bound has to sign its leave' using errcode = 'check_violation';
    end if;
    update alliance.agreement
    set invited = array(select distinct one from unnest(invited || new.signatories) as named (one) order by one)
    where organisation = new.organisation and id = new.agreement;
    return new;
end
$$;
create trigger read_document before insert on alliance.revision for each row execute function alliance.read_document();
create trigger only_grows before update or delete on alliance.revision for each row execute function foundation.refuse_change();

create table alliance.signature (
    organisation text collate "C" not null,
    agreement uuid not null,
    number integer not null,
    signatory text collate "C" not null,
    person uuid not null,
    envelope text not null,
    confirmation jsonb not null,
    signed_at timestamptz not null,
    primary key (organisation, agreement, number, signatory),
    foreign key (organisation, agreement, number) references alliance.revision (organisation, agreement, number),
    foreign key (signatory, person) references alliance.person (organisation, id)
);
alter table alliance.signature enable row level security, force row level security;
create policy concerned on alliance.signature for select to marque_app using (
    (organisation, agreement, number) in (select r.organisation, r.agreement, r.number from alliance.revision r)
);
create policy signs on alliance.signature for insert to marque_app with check (
    signatory = (select foundation.organisation())
    and signed_at = (select foundation.instant())
    and (organisation, agreement, number) in (
        select r.organisation, r.agreement, r.number from alliance.revision r where (select foundation.organisation()) = any (r.signatories)
    )
);
create policy derives on alliance.signature for select to marque_owner using (true);
grant select, insert on alliance.signature to marque_app;
create function alliance.sign_the_latest() returns trigger language plpgsql security definer set search_path = '' as $$
begin
    -- The lock that proposing takes, too: nobody signs a text in the moment in which another one takes its place.
    perform from alliance.agreement where organisation = new.organisation and id = new.agreement for update;
    if new.number <> (select max(number) from alliance.revision where organisation = new.organisation and agreement = new.agreement) then
        raise exception 'a later revision was proposed' using errcode = 'serialization_failure';
    end if;
    return new;
end
$$;
create trigger sign_the_latest before insert on alliance.signature for each row execute function alliance.sign_the_latest();
create trigger only_grows before update or delete on alliance.signature for each row execute function foundation.refuse_change();

create table alliance.programme (
    organisation text collate "C" not null,
    id uuid not null,
    agreement uuid not null,
    code text not null check (code <> ''),
    name text not null,
    brand text not null default '',
    created_at timestamptz not null,
    primary key (organisation, id),
    unique (organisation, agreement, code),
    foreign key (organisation, agreement) references alliance.agreement (organisation, id)
);
alter table alliance.programme enable row level security, force row level security;
create policy founds on alliance.programme for insert to marque_app
    with check ((select foundation.organisation()) <> '' and alliance.takes_part(organisation, agreement));
create policy derives on alliance.programme for select to marque_owner using (true);
grant select, insert on alliance.programme to marque_app;

-- From when to when each revision is in force: from its date and its last signature on, until one with a higher number is.
create table alliance.force (
    organisation text collate "C" not null,
    agreement uuid not null,
    number integer not null,
    starts timestamptz not null,
    ends timestamptz not null check (starts < ends),
    applied_at timestamptz,
    primary key (organisation, agreement, number),
    foreign key (organisation, agreement, number) references alliance.revision (organisation, agreement, number)
);
alter table alliance.force enable row level security, force row level security;
create policy concerned on alliance.force for select to marque_app using (
    (organisation, agreement, number) in (select r.organisation, r.agreement, r.number from alliance.revision r)
);
create policy derives on alliance.force to marque_owner using (true) with check (true);
grant select on alliance.force to marque_app;

-- organisation: whose right it is.
create table alliance.area_right (
    organisation text collate "C" not null,
    owner text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null,
    starts timestamptz not null,
    ends timestamptz not null,
    role text not null check (role in ('leads', 'co-decides', 'consulted', 'supplies', 'none')),
    sight text not null check (sight in ('all', 'own', 'none')),
    agreement uuid not null,
    number integer not null,
    primary key (organisation, owner, programme, process, starts),
    foreign key (owner, programme) references alliance.programme (organisation, id)
);
alter table alliance.area_right enable row level security, force row level security;
create policy own on alliance.area_right for select to marque_app using (organisation = (select foundation.organisation()));
-- Of an agreement that one takes part in; of one that one has left, those that were there before.
create policy concerned on alliance.programme for select to marque_app using (
    exists (
        select from alliance.area_right r
        where r.organisation = (select foundation.organisation()) and r.owner = programme.organisation and r.programme = programme.id
          and r.ends > programme.created_at
    ) or alliance.takes_part(organisation, agreement)
);
create policy derives on alliance.area_right to marque_owner using (true) with check (true);
grant select on alliance.area_right to marque_app;

-- What a transition left readable: rows of an area made before an instant.
create table alliance.kept (
    organisation text collate "C" not null,
    owner text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null,
    before timestamptz not null,
    primary key (organisation, owner, programme, process),
    foreign key (owner, programme) references alliance.programme (organisation, id)
);
alter table alliance.kept enable row level security, force row level security;
create policy own on alliance.kept for select to marque_app using (organisation = (select foundation.organisation()));
create policy derives on alliance.kept to marque_owner using (true) with check (true);
grant select on alliance.kept to marque_app;

create function alliance.derive(of_organisation text, of_agreement uuid) returns void language plpgsql security definer set search_path = '' as $$
begin
    -- Signing is rare; one at a time for an agreement keeps what is derived equal to what is signed.
    perform from alliance.agreement where organisation = of_organisation and id = of_agreement for update;

    with complete as (
        select r.number, greatest(r.effective::timestamp at time zone 'UTC', max(s.signed_at)) as starts
        from alliance.revision r join alliance.signature s using (organisation, agreement, number)
        where r.organisation = of_organisation and r.agreement = of_agreement
        group by r.number, r.effective, r.signatories
        having array_agg(s.signatory) @> r.signatories
    ), bounded as (
        select number, starts, coalesce(min(starts) over (order by number rows between 1 following and unbounded following), 'infinity') as ends
        from complete
    )
    insert into alliance.force as f (organisation, agreement, number, starts, ends)
    select of_organisation, of_agreement, number, starts, ends from bounded where starts < ends
    on conflict (organisation, agreement, number) do update set starts = excluded.starts, ends = excluded.ends
    where (f.starts, f.ends) is distinct from (excluded.starts, excluded.ends);

    delete from alliance.force f
    where f.organisation = of_organisation and f.agreement = of_agreement and exists (
        select from alliance.force later
        where later.organisation = f.organisation and later.agreement = f.agreement and later.number > f.number and later.starts <= f.starts
    );

    delete from alliance.area_right d using alliance.programme p
    where p.organisation = of_organisation and p.agreement = of_agreement and d.owner = p.organisation and d.programme = p.id;

    insert into alliance.area_right (organisation, owner, programme, process, starts, ends, role, sight, agreement, number)
    select party, p.organisation, p.id, process, f.starts, f.ends,
           coalesce(deviation #>> array['matrix', process, party], said #>> array['matrix', process, party], 'none'),
           coalesce(deviation #>> array['sight', process, party], said #>> array['sight', process, party], 'none'),
           f.agreement, f.number
    from alliance.force f
    join alliance.revision r using (organisation, agreement, number)
    cross join lateral (select r.document::jsonb) as parsed (said)
    join alliance.programme p on p.organisation = f.organisation and p.agreement = f.agreement
    cross join lateral (select said #> array['programmes', p.code]) as special (deviation)
    cross join lateral jsonb_array_elements_text(said -> 'parties') as parties (party)
    cross join lateral jsonb_object_keys(said -> 'matrix') as processes (process)
    where f.organisation = of_organisation and f.agreement = of_agreement;
end
$$;
revoke all on function alliance.derive(text, uuid) from public;

create function alliance.derive_after() returns trigger language plpgsql security definer set search_path = '' as $$
begin
    perform alliance.derive(new.organisation, new.agreement);
    return null;
end
$$;
create trigger derive after insert on alliance.signature for each row execute function alliance.derive_after();
create trigger derive after insert on alliance.programme for each row execute function alliance.derive_after();

-- Tables whose rows belong to an area, so that a transition reaches every one of them.
create table alliance.area_table (name regclass primary key);

-- From here to the end of the transaction the agreement stands still: nobody signs, applies, or founds a programme in it. Whoever asks first
-- whether they may write, and then writes, is otherwise refused by row-level security what they were just allowed.
create function alliance.hold(of_lead text, of_programme uuid) returns void language plpgsql security definer set search_path = '' as $$
begin
    perform from alliance.programme p join alliance.agreement a on a.organisation = p.organisation and a.id = p.agreement
    where p.organisation = of_lead and p.id = of_programme and foundation.organisation() = any (a.invited)
    for key share of a;
end
$$;
revoke all on function alliance.hold(text, uuid) from public;
grant execute on function alliance.hold(text, uuid) to marque_app;

-- Who writes under a revision whose successor was applied meanwhile comes too late: the row would escape what the transition did. Its lock is
-- the one that applying waits for, so that a row is either there when a transition looks, or is never written.
create function alliance.in_time() returns trigger language plpgsql security definer set search_path = '' as $$
declare
    of_agreement constant uuid := (select p.agreement from alliance.programme p where p.organisation = new.lead and p.id = new.programme);
begin
    perform from alliance.agreement a where a.organisation = new.lead and a.id = of_agreement for key share;
    if exists (
        select from alliance.force f
        where f.organisation = new.lead and f.agreement = of_agreement and f.applied_at is not null and f.starts > foundation.instant()
    ) then
        raise exception 'the agreement changed in this moment' using errcode = 'serialization_failure';
    end if;
    return new;
end
$$;

-- Row-level security of a table whose rows belong to an area: columns organisation, lead, programme, process, created_at.
-- `exists` rather than `in`: the planner then chooses between one look-up for each row of a page and one hash for a long scan.
create procedure alliance.guard_area(guarded regclass) language plpgsql as $$
declare
    right_now constant text := format($exists$exists (
            select from alliance.area_right r
            where r.organisation = (select foundation.organisation()) and r.owner = lead and r.programme = %1$s.programme
              and r.process = %1$s.process and r.starts <= (select foundation.instant()) and (select foundation.instant()) < r.ends
              and $exists$, guarded);
    mine constant text := 'organisation = (select foundation.organisation()) and ' || right_now || 'r.role <> ''none'')';
begin
    execute format('alter table %s enable row level security, force row level security', guarded);
    execute format($policy$create policy seen on %1$s for select to marque_app using (
            organisation = (select foundation.organisation()) or %2$s r.sight = 'all') or exists (
                select from alliance.kept k
                where k.organisation = (select foundation.organisation()) and k.owner = lead and k.programme = %1$s.programme
                  and k.process = %1$s.process and created_at < k.before
            ))$policy$, guarded, right_now);
    execute format('create policy added on %s for insert to marque_app with check (created_at = (select foundation.instant()) and %s)', guarded, mine);
    execute format('create policy changed on %s for update to marque_app using (%s) with check (%2$s)', guarded, mine);
    execute format('create policy removed on %s for delete to marque_app using (%s)', guarded, mine);
    execute format('create policy transitions on %s to marque_owner using (true) with check (true)', guarded);
    execute format('create trigger in_time before insert on %s for each row execute function alliance.in_time()', guarded);
    insert into alliance.area_table values (guarded);
end
$$;
