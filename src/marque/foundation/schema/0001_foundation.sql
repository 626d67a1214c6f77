-- What every room builds on: who acts, and the outbox.

create schema foundation;
grant usage on schema foundation to marque_app, marque_worker;
revoke all on schema public from public;

-- Who acts, and when, in this transaction; null outside of one, so that a forgotten tenant sees nothing.
create function foundation.organisation() returns text stable parallel safe
    return nullif(current_setting('marque.organisation', true), '');
create function foundation.person() returns uuid stable parallel safe
    return nullif(current_setting('marque.person', true), '')::uuid;
create function foundation.instant() returns timestamptz stable parallel safe
    return nullif(current_setting('marque.instant', true), '')::timestamptz;

-- For tables that only grow: a trigger, because a policy would let an owner of the table pass.
create function foundation.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end
$$;

-- `position` is the order of emission: a transaction that begins after another was committed gets higher ones. Ids cannot tell, since the
-- clocks of two machines differ.
create table foundation.outbox (
    organisation text collate "C" not null check (organisation <> ''),
    id uuid not null,
    position bigint generated always as identity,
    kind text not null,
    body jsonb not null,
    emitted_at timestamptz not null,
    attempts integer not null default 0,  -- deliveries begun
    failures integer not null default 0,  -- of them, failed by the event's own fault
    unfinished integer not null default 0,  -- begun since one came to an end: more than one means killed workers
    due_at timestamptz not null default '-infinity',
    failure text not null default '',
    handled_at timestamptz,
    parked_at timestamptz,
    primary key (organisation, id)
);
create index outbox_waiting on foundation.outbox (organisation, position) where handled_at is null and parked_at is null;
create index outbox_parked on foundation.outbox (organisation, position) where parked_at is not null;
create index outbox_done on foundation.outbox (handled_at) where handled_at is not null;
alter table foundation.outbox enable row level security, force row level security;
create policy own on foundation.outbox to marque_app
    using (organisation = (select foundation.organisation())) with check (organisation = (select foundation.organisation()));
create policy reads on foundation.outbox for select to marque_worker using (true);
create policy works on foundation.outbox for update to marque_worker using (true) with check (true);
create policy forgets on foundation.outbox for delete to marque_worker using (handled_at is not null);
create policy counts on foundation.outbox for select to marque_owner using (true);
create policy emits on foundation.outbox for insert to marque_owner with check (organisation = (select foundation.organisation()));
grant insert (organisation, id, kind, body, emitted_at) on foundation.outbox to marque_app;
grant select, delete, update (attempts, failures, unfinished, due_at, failure, handled_at, parked_at) on foundation.outbox to marque_worker;

-- No payload: it would be heard by every role, and one word for a whole transaction is enough.
create function foundation.wake() returns trigger language plpgsql as $$
begin
    perform pg_notify('marque_outbox', '');
    return null;
end
$$;
create trigger wakes after insert on foundation.outbox for each statement execute function foundation.wake();

-- A handler writes its row in the transaction of its effects: a second delivery finds it there.
create table foundation.handled (
    organisation text collate "C" not null,
    event uuid not null,
    handler text not null,
    at timestamptz not null,
    primary key (organisation, event, handler),
    foreign key (organisation, event) references foundation.outbox (organisation, id) on delete cascade
);
alter table foundation.handled enable row level security, force row level security;
create policy own on foundation.handled to marque_app
    using (organisation = (select foundation.organisation())) with check (organisation = (select foundation.organisation()));
grant select, insert on foundation.handled to marque_app;

-- How the outbox stands, over all organisations and naming none: for health and metrics, which belong to nobody.
create function foundation.outbox_state(out waiting bigint, out oldest_at timestamptz, out parked bigint)
language sql stable security definer set search_path = '' as $$
    select
        (select count(*) from foundation.outbox where handled_at is null and parked_at is null),
        (select min(emitted_at) from foundation.outbox where handled_at is null and parked_at is null),
        (select count(*) from foundation.outbox where parked_at is not null)
$$;
revoke all on function foundation.outbox_state() from public;
grant execute on function foundation.outbox_state() to marque_app, marque_worker;
