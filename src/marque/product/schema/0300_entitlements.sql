-- What happened to a car that matters for what its software may do: delivered, given a release, bought, renewed, cancelled, resold. What it is
-- entitled to follows from these by rules (`entitlements.py`); nobody writes that down. `owner`: whoever the seller's own system calls so; no person
-- is named here.

create table product.car_event (
    organisation text collate "C" not null,
    id uuid not null,
    lead text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null check (process = 'after-sales'),
    created_at timestamptz not null,
    written_by uuid,
    car text collate "C" not null check (car ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$'),
    kind text collate "C" not null check (kind in ('delivered', 'updated', 'bought', 'renewed', 'cancelled', 'resold')),
    feature text not null default '' check ((feature <> '') = (kind in ('bought', 'renewed', 'cancelled'))),
    owner text collate "C" not null default '' check ((owner <> '') = (kind in ('delivered', 'resold'))),
    body jsonb not null default '{}',
    primary key (organisation, id),
    foreign key (lead, programme) references alliance.programme (organisation, id)
);
create index car_event_of on product.car_event (lead, programme, process, car, created_at, id);
call alliance.guard_area('product.car_event');
grant select, insert on product.car_event to marque_app;
