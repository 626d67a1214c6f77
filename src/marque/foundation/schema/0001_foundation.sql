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

create table foundation.outbox (
    organisation text collate "C" not null check (organisation <> ''),
    id uuid not null,
    kind text not null,
    body jsonb not null,
    emitted_at timestamptz not null,
    attempts integer not null default 0,
    due_at timestamptz not null default '-infinity',
    failure text,
    handled_at timestamptz,
    primary key (organisation, id)
);
create index outbox_waiting on foundation.outbox (due_at, id) where handled_at is null;
alter table foundation.outbox enable row level security, force row level security;
create policy own on foundation.outbox to marque_app
    using (organisation = (select foundation.organisation())) with check (organisation = (select foundation.organisation()));
create policy worker on foundation.outbox to marque_worker using (true) with check (true);
grant insert on foundation.outbox to marque_app;
grant select, update on foundation.outbox to marque_worker;

-- A handler writes its row in the transaction of its effects: a second delivery finds it there.
create table foundation.handled (
    organisation text collate "C" not null,
    event uuid not null,
    handler text not null,
    at timestamptz not null,
    primary key (organisation, event, handler),
    foreign key (organisation, event) references foundation.outbox (organisation, id)
);
alter table foundation.handled enable row level security, force row level security;
create policy own on foundation.handled to marque_app
    using (organisation = (select foundation.organisation())) with check (organisation = (select foundation.organisation()));
grant select, insert on foundation.handled to marque_app;
