-- Roll-outs: a published release, handed to cars group by group.
--
-- A roll-out is a row of the organisation whose cars they are, in the area where releases are signed; so are its groups and what its cars told.
-- Nobody writes its state: it follows from acts (`rollout_act`), rows of whoever acted, checked by a trigger. So a partner that decides there can
-- stop the roll-out of another, and do nothing else to it.
--
-- One at a time writes to a programme's roll-outs (`release.alone`): after an act that stops has committed, nothing more is handed out, and the
-- counts of a group are those of its cars at every commit.

create table release.rollout (
    organisation text collate "C" not null references alliance.organisation,
    id uuid not null,
    lead text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null default 'release-signature' check (process = 'release-signature'),
    created_at timestamptz not null,
    written_by uuid,
    name text not null check (name <> ''),
    -- Of the release, as it was published: these never change.
    release uuid not null,
    release_name text collate "C" not null,
    counter bigint not null check (counter > 0),
    model text collate "C" not null,
    markets text[] collate "C" not null,
    entitlement text collate "C" not null default '',
    -- By acts alone.
    state text collate "C" not null default 'draft' check (state in ('draft', 'waiting', 'running', 'paused', 'halted', 'finished', 'cancelled')),
    since timestamptz not null,
    reason text not null default '',
    details jsonb not null default '{}',
    decision uuid,
    -- The last car that was looked at for a group, of the pass over the fleet that is under way; empty: the next one begins.
    considered text collate "C" not null default '',
    primary key (organisation, id),
    foreign key (lead, programme) references alliance.programme (organisation, id)
);
create index rollout_area on release.rollout (lead, programme, process, id desc);
create index rollout_id on release.rollout (id);
create index rollout_release on release.rollout (release);
create index rollout_due on release.rollout (organisation, id) where state in ('waiting', 'running', 'halted');
call alliance.guard_area('release.rollout');
grant select, update (considered) on release.rollout to marque_app;
grant insert (
    organisation, id, lead, programme, process, created_at, written_by, name, release, release_name, counter, model, markets, entitlement, since
) on release.rollout to marque_app;

-- Counts are in cars, but for attempts and failures; they are always those of the group's rows in `rollout_car`.
create table release.rollout_group (
    organisation text collate "C" not null,
    rollout uuid not null,
    number integer not null check (number >= 0),
    lead text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null default 'release-signature' check (process = 'release-signature'),
    created_at timestamptz not null,
    said jsonb not null,
    models text[] collate "C" not null default '{}',
    markets text[] collate "C" not null default '{}',
    features text[] collate "C" not null default '{}',
    cars text[] collate "C" not null default '{}',
    share integer not null check (share between 1 and 1000000),
    attempts integer not null check (attempts > 0),
    retry_after interval not null,
    at_once integer not null default 0,
    silent_after interval not null,
    state text collate "C" not null default 'pending' check (state in ('pending', 'filing', 'open', 'passed')),
    opened_at timestamptz,
    passed_at timestamptz,
    in_markets text[] collate "C" not null default '{}',  -- those in which it was ever given cars
    of_cars integer not null default 0,
    waiting integer not null default 0,
    offered integer not null default 0,
    retry integer not null default 0,
    done integer not null default 0,
    failed integer not null default 0,
    declined integer not null default 0,
    gone integer not null default 0,
    exposed integer not null default 0,
    tried integer not null default 0,
    failures integer not null default 0,
    metres bigint not null default 0,
    disengagements bigint not null default 0,
    minimal_risk bigint not null default 0,
    accepted jsonb not null default '{}',  -- of these counts, what those who decide had seen when they agreed to go on after a halt
    primary key (organisation, rollout, number),
    foreign key (organisation, rollout) references release.rollout (organisation, id) deferrable initially deferred,
    check (of_cars = waiting + offered + retry + done + failed + declined + gone),
    check (least(waiting, offered, retry, done, failed, declined, gone, metres, disengagements, minimal_risk) >= 0 and exposed <= of_cars),
    check (state not in ('open', 'passed') or opened_at is not null)
);
create index rollout_group_of on release.rollout_group (rollout, number);
call alliance.guard_area('release.rollout_group');
grant select, insert on release.rollout_group to marque_app;
grant update (
    state, opened_at, passed_at, in_markets, of_cars, waiting, offered, retry, done, failed, declined, gone, exposed, tried, failures, metres, disengagements,
    minimal_risk, accepted
) on release.rollout_group to marque_app;

-- A car in a roll-out. attempt: how often it was handed the release; before: what was installed in its control units when it first was.
create table release.rollout_car (
    organisation text collate "C" not null,
    rollout uuid not null,
    vehicle text collate "C" not null,
    number integer not null,
    lead text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null default 'release-signature' check (process = 'release-signature'),
    created_at timestamptz not null,
    market text collate "C" not null,
    state text collate "C" not null default 'waiting'
        check (state in ('waiting', 'offered', 'retry', 'done', 'failed', 'declined', 'left')),
    attempt integer not null default 0 check (attempt >= 0 and (attempt > 0 or state in ('waiting', 'left', 'done'))),
    first_at timestamptz,
    offered_at timestamptz,
    due_at timestamptz check ((due_at is not null) = (state = 'retry')),
    answered_at timestamptz,
    before jsonb,
    metres bigint not null default 0,
    disengagements bigint not null default 0,
    minimal_risk bigint not null default 0,
    primary key (organisation, rollout, vehicle),
    foreign key (organisation, rollout, number) references release.rollout_group (organisation, rollout, number) deferrable initially deferred,
    foreign key (organisation, lead, programme, vehicle) references release.car (organisation, lead, programme, vehicle) deferrable initially deferred
);
-- One release at a time: whatever a car answers, it is clear to what.
create unique index rollout_car_offered on release.rollout_car (organisation, lead, programme, vehicle) where state = 'offered';
create index rollout_car_of on release.rollout_car (organisation, lead, programme, vehicle);
create index rollout_car_group on release.rollout_car (organisation, rollout, number, state);
call alliance.guard_area('release.rollout_car');
grant select, insert on release.rollout_car to marque_app;
grant update (state, attempt, first_at, offered_at, due_at, answered_at, before, metres, disengagements, minimal_risk) on release.rollout_car
    to marque_app;

-- What a car told in a manifest, once for each counter, never changed. rollout: to which it was counted; null: to none. was, became: of the car.
create table release.rollout_told (
    organisation text collate "C" not null,
    lead text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null default 'release-signature' check (process = 'release-signature'),
    vehicle text collate "C" not null,
    counter bigint not null check (counter > 0),
    created_at timestamptz not null,
    at timestamptz not null,
    rollout uuid,
    number integer,
    attempt integer not null default 0,
    told text collate "C" not null check (told in ('started', 'installed', 'failed', 'refused', 'declined', 'road')),
    was text collate "C" not null default '',
    became text collate "C" not null default '',
    problem text not null default '',
    attack text not null default '',
    manifest text collate "C" not null default '',
    consented timestamptz,
    recorded boolean not null default false,
    primary key (organisation, lead, programme, vehicle, counter)
);
create index rollout_told_of on release.rollout_told (organisation, rollout, number) where attack <> '';
create index rollout_told_unrecorded on release.rollout_told (organisation, created_at)
    where not recorded and became in ('done', 'failed', 'declined');
create index rollout_told_answers on release.rollout_told (organisation, rollout, created_at) where became in ('done', 'failed');
call alliance.guard_area('release.rollout_told');
grant select, insert on release.rollout_told to marque_app;
grant update (recorded) on release.rollout_told to marque_app;

-- What was done to a roll-out, by whom; entries are never changed. side: the organisation that did it, for ever.
create table release.rollout_act (
    organisation text collate "C" not null references alliance.organisation,
    id uuid not null,
    side text collate "C" not null,
    rollout uuid not null,
    lead text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null default 'release-signature' check (process = 'release-signature'),
    created_at timestamptz not null,
    person uuid,
    act text collate "C" not null check (act in (
        'draft', 'launch', 'start', 'return', 'pause', 'resume', 'halt', 'ask-resume', 'cancel', 'withdraw', 'open', 'wait-filing', 'pass', 'finish'
    )),
    number integer,
    state text collate "C" not null default '',
    reason text not null default '',
    details jsonb not null default '{}',
    decision uuid,
    primary key (organisation, id),
    foreign key (side, person) references alliance.person (organisation, id)
);
create index rollout_act_of on release.rollout_act (rollout, id desc);
call alliance.guard_area('release.rollout_act');
grant select on release.rollout_act to marque_app;
grant insert (organisation, id, side, rollout, lead, programme, process, created_at, person, act, number, reason, details, decision)
    on release.rollout_act to marque_app;

-- Where a release stands with a market's authority; the last entry holds.
create table release.filing (
    organisation text collate "C" not null references alliance.organisation,
    id uuid not null,
    lead text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null default 'release-signature' check (process = 'release-signature'),
    side text collate "C" not null,
    created_at timestamptz not null,
    written_by uuid not null,
    release uuid not null,
    market text collate "C" not null check (market <> ''),
    state text collate "C" not null check (state in ('not-filed', 'not-needed', 'filed', 'approval-needed', 'approved', 'refused')),
    reference text not null default '',
    note text not null default '',
    primary key (organisation, id),
    foreign key (lead, programme) references alliance.programme (organisation, id),
    foreign key (side, written_by) references alliance.person (organisation, id)
);
create index filing_of on release.filing (lead, programme, process, release, market, created_at desc, id desc);
call alliance.guard_area('release.filing');
grant select, insert on release.filing to marque_app;

-- The record of one update of one car (after UN R156, 7.1.2), as signed by the server: an envelope, whole.
create table release.update_record (
    organisation text collate "C" not null,
    lead text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null default 'release-signature' check (process = 'release-signature'),
    vehicle text collate "C" not null,
    counter bigint not null,
    created_at timestamptz not null,
    rollout uuid not null,
    digest text collate "C" not null,
    envelope bytea not null,
    primary key (organisation, lead, programme, vehicle, counter)
);
create index update_record_rollout on release.update_record (organisation, rollout, vehicle);
call alliance.guard_area('release.update_record');
grant select, insert on release.update_record to marque_app;

-- Until the end of the transaction nobody else writes to the programme's roll-outs.
create function release.alone(of_lead text, of_programme uuid) returns void language sql set search_path = '' as $$
    select pg_advisory_xact_lock(hashtextextended('marque roll-outs ' || of_lead || '/' || of_programme, 0))
$$;

-- What the planner knows of the cars of roll-outs, after many came in at once: autovacuum comes a minute later, and finds long queries waiting.
create function release.count_rollout_cars() returns void language plpgsql security definer set search_path = '' as $$
begin
    analyze release.rollout_car;
end
$$;
revoke all on function release.count_rollout_cars() from public;
grant execute on function release.count_rollout_cars() to marque_app;

-- A stable number of roll-out and car, from 0 before 1,000,000: the first 32 bits of SHA-256 of "roll-out/car", scaled.
create function release.place(of_rollout uuid, of_vehicle text) returns integer language sql immutable parallel safe set search_path = '' as $$
    select ((('x' || encode(substr(sha256(convert_to(of_rollout || '/' || of_vehicle, 'UTF8')), 1, 4), 'hex'))::bit(32)::bigint & 4294967295)
            * 1000000 >> 32)::integer
$$;

-- An act moves its roll-out, or is refused: the table of `rollouts.rules`, and who may what.
create function release.act_on_rollout() returns trigger language plpgsql security definer set search_path = '' as $$
declare
    before release.rollout;
    after text;
begin
    perform release.alone(new.lead, new.programme);
    select * into before from release.rollout
    where id = new.rollout and (lead, programme) = (new.lead, new.programme) for update;
    if before.id is null then
        raise exception 'there is no such roll-out' using errcode = 'foreign_key_violation';
    end if;
    if new.side <> new.organisation or new.person is distinct from foundation.person() then
        raise exception 'an act is by who acts' using errcode = 'insufficient_privilege';
    end if;
    if new.organisation <> before.organisation and not (new.act in ('pause', 'halt', 'withdraw') and exists (
        select from alliance.area_right r
        where r.organisation = new.organisation and r.owner = new.lead and r.programme = new.programme and r.process = new.process
          and r.starts <= foundation.instant() and foundation.instant() < r.ends and r.role in ('leads', 'co-decides')
    )) then
        raise exception 'of another''s roll-out only those who decide do anything: stop it' using errcode = 'insufficient_privilege';
    end if;
    after := case
        when new.act = 'draft' and before.state = 'draft' then 'draft'
        when new.act = 'launch' and before.state = 'draft' then 'waiting'
        when new.act = 'start' and before.state = 'waiting' then 'running'
        when new.act = 'return' and before.state = 'waiting' then 'draft'
        when new.act = 'pause' and before.state = 'running' then 'paused'
        when new.act = 'resume' and before.state in ('paused', 'halted') then 'running'
        when new.act = 'ask-resume' and before.state = 'halted' then 'halted'
        when new.act = 'halt' and before.state in ('running', 'paused') then 'halted'
        when new.act = 'withdraw' and before.state in ('draft', 'waiting', 'running', 'paused', 'halted') then 'halted'
        when new.act = 'cancel' and before.state not in ('finished', 'cancelled') then 'cancelled'
        when new.act = 'finish' and before.state = 'running' then 'finished'
        when new.act in ('open', 'wait-filing', 'pass') and before.state = 'running' then 'running'
    end;
    if after is null then
        raise exception 'this act is not possible in the state of the roll-out' using errcode = 'check_violation';
    end if;
    if (new.act = 'start' or new.act = 'resume' and before.state = 'halted') and not exists (
        select from alliance.decision d
        where d.id = before.decision and (d.lead, d.programme, d.process) = (before.lead, before.programme, before.process) and d.state = 'taken'
    ) then
        raise exception 'the decision on this roll-out is not taken' using errcode = 'insufficient_privilege';
    end if;
    new.state := after;
    if new.act not in ('draft', 'open', 'wait-filing', 'pass') then
        update release.rollout
        set state = after, decision = case when new.act in ('halt', 'withdraw') then null else coalesce(new.decision, decision) end,
            since = case when state = after then since else new.created_at end,
            reason = case when new.act = 'ask-resume' then reason else new.reason end,
            details = case when new.act = 'ask-resume' then details else new.details end
        where organisation = before.organisation and id = before.id;
    end if;
    return new;
end
$$;
create trigger act before insert on release.rollout_act for each row execute function release.act_on_rollout();

-- What the periodic job looks after: organisation and roll-out.
create function release.due_rollouts() returns table (organisation text, rollout uuid) language sql stable security definer set search_path = '' as $$
    select r.organisation, r.id from release.rollout r
    where r.state in ('waiting', 'running') or r.state = 'halted' and r.decision is not null
    order by r.organisation, r.id
$$;
revoke all on function release.due_rollouts() from public;
grant usage on schema release to marque_worker;
grant execute on function release.due_rollouts() to marque_worker;

-- Who has answers of cars of which no record was made yet.
create function release.unrecorded() returns setof text language sql stable security definer set search_path = '' as $$
    select distinct t.organisation from release.rollout_told t where not t.recorded and t.became in ('done', 'failed', 'declined')
$$;
revoke all on function release.unrecorded() from public;
grant execute on function release.unrecorded() to marque_worker;
