-- Requirements and decisions that two companies have together.
--
-- A row of `requirement` is one version of one side of a requirement: it never changes, so the history is complete, and what was readable
-- on a day stays exactly that. The requirement itself is what rows with one id say together. `side`: whose words they are, for ever;
-- `organisation`: whose row it is, which a transition may change.

create table alliance.requirement (
    organisation text collate "C" not null,
    id uuid not null,
    side text collate "C" not null,
    version integer not null check (version > 0),
    lead text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null,
    created_at timestamptz not null,
    written_by uuid,
    status text collate "C" not null check (status in ('draft', 'proposed', 'accepted', 'rejected', 'withdrawn')),
    number text not null default '',
    title text not null default '',
    text text not null default '',
    rationale text not null default '',
    verification text not null default '',
    parent uuid check (parent <> id),
    position integer not null default 0,
    identifier text collate "C" not null default '',
    attributes jsonb not null default '[]',
    primary key (organisation, id, side, version),
    foreign key (lead, programme) references alliance.programme (organisation, id),
    foreign key (side, written_by) references alliance.person (organisation, id)
);
create index requirement_area on alliance.requirement (lead, programme, process, id desc, side, version desc);
create index requirement_own on alliance.requirement (organisation, lead, programme, process, id desc, side, version desc);
create index requirement_id on alliance.requirement (id, side, version desc);
call alliance.guard_area('alliance.requirement');
grant select, insert on alliance.requirement to marque_app;

-- The number given last to a side of which a transition destroyed rows: what stood there is gone, that it was counted is not.
create table alliance.requirement_number (
    organisation text collate "C" not null,
    requirement uuid not null,
    version integer not null,
    primary key (organisation, requirement)
);
alter table alliance.requirement_number enable row level security, force row level security;
create policy counts on alliance.requirement_number to marque_owner using (true) with check (true);

create function alliance.remember_number() returns trigger language plpgsql security definer set search_path = '' as $$
begin
    insert into alliance.requirement_number as n (organisation, requirement, version)
    select side, id, max(version) from gone group by side, id
    on conflict (organisation, requirement) do update set version = greatest(n.version, excluded.version);
    return null;
end
$$;
create trigger remember_number after delete on alliance.requirement referencing old table as gone
    for each statement execute function alliance.remember_number();

-- The last version of the actor's own side, whoever has its rows now: a number is never given twice.
create function alliance.last_version(of_requirement uuid) returns integer language sql stable security definer set search_path = '' as $$
    select greatest(
        coalesce((select max(version) from alliance.requirement where id = of_requirement and side = foundation.organisation()), 0),
        coalesce((select version from alliance.requirement_number
                  where organisation = foundation.organisation() and requirement = of_requirement), 0)
    )
$$;
revoke all on function alliance.last_version(uuid) from public;
grant execute on function alliance.last_version(uuid) to marque_app;

create function alliance.write_side() returns trigger language plpgsql set search_path = '' as $$
begin
    if new.side <> new.organisation or new.written_by is distinct from foundation.person() then
        raise exception 'a side is written by its own organisation, in the name of who acts' using errcode = 'insufficient_privilege';
    end if;
    if new.version > alliance.last_version(new.id) + 1 then
        raise exception 'versions follow one another' using errcode = 'check_violation';
    end if;
    if exists (
        select from alliance.requirement r
        where r.id = new.id and (r.lead, r.programme, r.process) is distinct from (new.lead, new.programme, new.process)
    ) then
        raise exception 'all sides of a requirement are of one area' using errcode = 'check_violation';
    end if;
    return new;
end
$$;
create trigger write_side before insert on alliance.requirement for each row execute function alliance.write_side();

create table alliance.requirement_comment (
    organisation text collate "C" not null,
    id uuid not null,
    requirement uuid not null,
    side text collate "C" not null,
    lead text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null,
    created_at timestamptz not null,
    written_by uuid,
    text text not null check (text <> ''),
    primary key (organisation, id),
    foreign key (lead, programme) references alliance.programme (organisation, id),
    foreign key (side, written_by) references alliance.person (organisation, id)
);
create index requirement_comment_of on alliance.requirement_comment (requirement, id);
call alliance.guard_area('alliance.requirement_comment');
grant select, insert on alliance.requirement_comment to marque_app;

create table alliance.requirement_relation (
    organisation text collate "C" not null,
    id uuid not null,
    source uuid not null,
    target uuid not null,
    kind text not null check (kind <> ''),
    identifier text collate "C" not null default '',
    lead text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null,
    created_at timestamptz not null,
    primary key (organisation, id),
    foreign key (lead, programme) references alliance.programme (organisation, id)
);
create index requirement_relation_area on alliance.requirement_relation (lead, programme, process, id);
create index requirement_relation_from on alliance.requirement_relation (source);
call alliance.guard_area('alliance.requirement_relation');
grant select, insert, delete on alliance.requirement_relation to marque_app;

-- Whoever speaks of a requirement sees it, in the area named: a row about a hidden one cannot be told from one about nothing.
create function alliance.speak_of() returns trigger language plpgsql set search_path = '' as $$
declare
    named uuid;
begin
    foreach named in array (case tg_table_name
        when 'requirement_comment' then array[(to_jsonb(new) ->> 'requirement')::uuid]
        else array[(to_jsonb(new) ->> 'source')::uuid, (to_jsonb(new) ->> 'target')::uuid]
    end) loop
        if not exists (
            select from alliance.requirement r
            where r.id = named and (r.lead, r.programme) = (new.lead, new.programme)
        ) then
            raise exception 'there is no such requirement' using errcode = 'foreign_key_violation';
        end if;
    end loop;
    return new;
end
$$;
create trigger speak_of before insert on alliance.requirement_comment for each row execute function alliance.speak_of();
create trigger speak_of before insert on alliance.requirement_relation for each row execute function alliance.speak_of();

-- Decisions belong to all who decide; no transition moves or destroys them. Everything but what is asked follows from acts, by triggers.
create table alliance.decision (
    organisation text collate "C" not null,
    id uuid not null,
    lead text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null,
    subject text collate "C" not null check (subject <> ''),
    title text not null check (title <> ''),
    question text not null default '',
    opened_by uuid not null,
    created_at timestamptz not null,
    agreement uuid not null,
    number integer not null,
    deciders text[] collate "C" not null check (cardinality(deciders) > 0),
    round integer not null default 1,
    state text collate "C" not null default 'open' check (state in ('open', 'taken', 'refused', 'withdrawn')),
    decided_at timestamptz check ((decided_at is null) = (state = 'open')),
    primary key (organisation, id),
    foreign key (lead, programme) references alliance.programme (organisation, id),
    foreign key (lead, agreement, number) references alliance.revision (organisation, agreement, number),
    foreign key (organisation, opened_by) references alliance.person (organisation, id)
);
create index decision_area on alliance.decision (lead, programme, process, id desc);
create index decision_subject on alliance.decision (lead, programme, process, subject);
create index decision_id on alliance.decision (id);
create index decision_open on alliance.decision (lead, agreement) where state = 'open';
alter table alliance.decision enable row level security, force row level security;
create policy concerned on alliance.decision for select to marque_app using (
    organisation = (select foundation.organisation()) or (select foundation.organisation()) = any (deciders) or exists (
        select from alliance.area_right r
        where r.organisation = (select foundation.organisation()) and r.owner = lead and r.programme = decision.programme
          and r.process = decision.process and r.starts <= (select foundation.instant()) and (select foundation.instant()) < r.ends
          and r.role <> 'none'
    )
);
create policy opens on alliance.decision for insert to marque_app with check (
    organisation = (select foundation.organisation()) and created_at = (select foundation.instant())
    and opened_by = (select foundation.person()) and exists (
        select from alliance.area_right r
        where r.organisation = (select foundation.organisation()) and r.owner = lead and r.programme = decision.programme
          and r.process = decision.process and r.starts <= (select foundation.instant()) and (select foundation.instant()) < r.ends
          and r.role <> 'none'
    )
);
create policy settles on alliance.decision to marque_owner using (true) with check (true);
grant select on alliance.decision to marque_app;
grant insert (organisation, id, lead, programme, process, subject, title, question, opened_by, created_at) on alliance.decision to marque_app;

create table alliance.decision_act (
    organisation text collate "C" not null,
    id uuid not null,
    opener text collate "C" not null,
    decision uuid not null,
    round integer not null,
    kind text collate "C" not null check (kind in ('approve', 'reject', 'withdraw', 'reopen')),
    person uuid not null,
    reason text not null default '',
    created_at timestamptz not null,
    primary key (organisation, id),
    foreign key (opener, decision) references alliance.decision (organisation, id),
    foreign key (organisation, person) references alliance.person (organisation, id)
);
create unique index decision_act_vote on alliance.decision_act (organisation, opener, decision, round) where kind in ('approve', 'reject');
create index decision_act_of on alliance.decision_act (opener, decision);
alter table alliance.decision_act enable row level security, force row level security;
create policy concerned on alliance.decision_act for select to marque_app using (
    exists (select from alliance.decision d where d.organisation = opener and d.id = decision)
);
create policy acts on alliance.decision_act for insert to marque_app with check (
    organisation = (select foundation.organisation()) and created_at = (select foundation.instant()) and person = (select foundation.person())
    and exists (select from alliance.decision d where d.organisation = opener and d.id = decision)
);
create policy settles on alliance.decision_act for select to marque_owner using (true);
grant select on alliance.decision_act to marque_app;
grant insert (organisation, id, opener, decision, kind, person, reason, created_at) on alliance.decision_act to marque_app;
create trigger only_grows before update or delete on alliance.decision_act for each row execute function foundation.refuse_change();

-- Who decides in an area at an instant, and by which revision.
create function alliance.deciders(in_lead text, in_programme uuid, in_process text, at timestamptz,
                                  out agreement uuid, out number integer, out deciders text[])
language sql stable security definer set search_path = '' as $$
    select r.agreement, r.number, array_agg(r.organisation order by r.organisation)
    from alliance.area_right r
    where r.owner = in_lead and r.programme = in_programme and r.process = in_process and r.starts <= at and at < r.ends
      and r.role in ('leads', 'co-decides')
    group by r.agreement, r.number
$$;
revoke all on function alliance.deciders(text, uuid, text, timestamptz) from public;

-- Whom an act in an area concerns: those with a role in it, or (seeing) those to whom all its rows are open. Nobody learns it from outside.
create function alliance.concerned(in_lead text, in_programme uuid, in_process text, seeing boolean) returns text[]
language sql stable security definer set search_path = '' as $$
    select coalesce(array_agg(r.organisation order by r.organisation), '{}')
    from alliance.area_right r
    where r.owner = in_lead and r.programme = in_programme and r.process = in_process
      and r.starts <= foundation.instant() and foundation.instant() < r.ends
      and case when seeing then r.sight = 'all' else r.role <> 'none' end
      and exists (
          select from alliance.area_right mine
          where mine.organisation = foundation.organisation() and mine.owner = in_lead and mine.programme = in_programme
            and mine.process = in_process and mine.starts <= foundation.instant() and foundation.instant() < mine.ends
            and (mine.role <> 'none' or mine.sight = 'all')
      )
$$;
revoke all on function alliance.concerned(text, uuid, text, boolean) from public;
grant execute on function alliance.concerned(text, uuid, text, boolean) to marque_app;

create function alliance.pin_decision() returns trigger language plpgsql security definer set search_path = '' as $$
declare
    pinned record;
begin
    select * into pinned from alliance.deciders(new.lead, new.programme, new.process, foundation.instant());
    if pinned.deciders is null then
        raise exception 'nobody decides in this area' using errcode = 'check_violation';
    end if;
    new.agreement := pinned.agreement;
    new.number := pinned.number;
    new.deciders := pinned.deciders;
    return new;
end
$$;
create trigger pin before insert on alliance.decision for each row execute function alliance.pin_decision();
create trigger in_time before insert on alliance.decision for each row execute function alliance.in_time();

-- Whoever causes it, an approval or a change of the agreement: what is taken is told of.
create function alliance.settle(of_organisation text, of_decision uuid) returns void language sql security definer set search_path = '' as $$
    with votes as (
        select d.deciders, d.state,
               array_agg(a.organisation) filter (where a.kind = 'approve') as approved, bool_or(a.kind = 'reject') as rejected
        from alliance.decision d
        left join alliance.decision_act a
          on a.opener = d.organisation and a.decision = d.id and a.round = d.round and a.organisation = any (d.deciders)
        where d.organisation = of_organisation and d.id = of_decision
        group by d.organisation, d.id
    ), settled as (
        update alliance.decision
        set state = case when votes.rejected then 'refused' else 'taken' end, decided_at = foundation.instant()
        from votes
        where organisation = of_organisation and id = of_decision and decision.state = 'open'
          and (votes.rejected or votes.approved @> votes.deciders)
        returning decision.id, subject, decision.state
    )
    insert into foundation.outbox (organisation, id, kind, body, emitted_at)
    select foundation.organisation(), gen_random_uuid(), 'alliance.decision-taken', jsonb_build_object('decision', id, 'subject', subject),
           foundation.instant()
    from settled where state = 'taken'
$$;
revoke all on function alliance.settle(text, uuid) from public;

create function alliance.act_on_decision() returns trigger language plpgsql security definer set search_path = '' as $$
declare
    before alliance.decision;
    pinned record;
begin
    select * into before from alliance.decision where organisation = new.opener and id = new.decision for update;
    if before.id is null or not (case new.kind
        when 'withdraw' then before.state = 'open' and new.organisation = before.organisation
        when 'reopen' then before.state in ('refused', 'withdrawn')
                           and (new.organisation = before.organisation or new.organisation = any (before.deciders))
        else before.state = 'open' and new.organisation = any (before.deciders)
    end) then
        raise exception 'this act is not possible in the state of the decision' using errcode = 'check_violation';
    end if;
    new.round := before.round;
    if new.kind = 'withdraw' then
        update alliance.decision set state = 'withdrawn', decided_at = foundation.instant()
        where organisation = before.organisation and id = before.id;
    elsif new.kind = 'reopen' then
        select * into pinned from alliance.deciders(before.lead, before.programme, before.process, foundation.instant());
        new.round := before.round + 1;
        update alliance.decision
        set state = 'open', decided_at = null, round = new.round, agreement = pinned.agreement, number = pinned.number, deciders = pinned.deciders
        where organisation = before.organisation and id = before.id;
    end if;
    return new;
end
$$;
create trigger act before insert on alliance.decision_act for each row execute function alliance.act_on_decision();

create function alliance.settle_after() returns trigger language plpgsql security definer set search_path = '' as $$
begin
    perform alliance.settle(new.opener, new.decision);
    return null;
end
$$;
create trigger settle after insert on alliance.decision_act for each row execute function alliance.settle_after();
