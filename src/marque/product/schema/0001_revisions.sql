-- Revisions of what makes a model line: each a text that never changes, in the area whose leaders it is up to.
--
-- A revision counts once the decision about it (`alliance.decision`, subject `product/<id>`) is taken: who decides there says so, nobody writes
-- it here. `side`: whose words they are, for ever; `organisation`: whose row it is, which a transition may change. Rows are inserted and read by
-- who serves, never changed: only a transition reaches them.

create schema product;
grant usage on schema product to marque_app;

create table product.revision (
    organisation text collate "C" not null,
    id uuid not null,
    side text collate "C" not null,
    kind text collate "C" not null,
    part text collate "C" not null check (part ~ '^[A-Za-z][A-Za-z0-9_./-]{0,119}$'),
    lead text collate "C" not null,
    programme uuid not null,
    process text collate "C" not null,
    created_at timestamptz not null,
    written_by uuid not null,
    previous text collate "C" not null default '',
    digest text collate "C" not null,
    text text not null,
    note text not null default '',
    -- Where it is meant to hold: from its first day, before `ends`; an empty list is everywhere.
    starts date,
    ends date check (starts < ends),
    markets text[] collate "C" not null default '{}',
    plants text[] collate "C" not null default '{}',
    model_years integer[] not null default '{}',
    primary key (organisation, id),
    foreign key (lead, programme) references alliance.programme (organisation, id),
    foreign key (side, written_by) references alliance.person (organisation, id),
    check ((kind, process) in (
        ('vehicle', 'product-definition'), ('rules', 'product-definition'), ('line', 'product-definition'),
        ('module', 'software-supply'), ('software', 'software-supply'),
        ('bill', 'manufacture'),
        ('prices', 'sales'), ('taxes', 'sales'), ('publication', 'sales')
    ))
);
create index revision_part on product.revision (lead, programme, process, kind, part, created_at desc, id desc);
create index revision_area on product.revision (lead, programme, process, id desc);
create index revision_digest on product.revision (lead, programme, digest);
create index revision_id on product.revision (id);
create index revision_own on product.revision (organisation, kind, part);
call alliance.guard_area('product.revision');
grant select, insert on product.revision to marque_app;

create function product.write_revision() returns trigger language plpgsql set search_path = '' as $$
begin
    if new.side <> new.organisation or new.written_by is distinct from foundation.person() then
        raise exception 'a revision is written by its own organisation, in the name of who acts' using errcode = 'insufficient_privilege';
    end if;
    new.digest := encode(sha256(convert_to(new.text, 'UTF8')), 'hex');
    return new;
end
$$;
create trigger write_revision before insert on product.revision for each row execute function product.write_revision();

-- The decision about a revision, and since when it counts. With its owner's rights: who was left a revision to read still learns that it counted.
create function product.standing(
    of_lead text, of_programme uuid, of_process text, of_revision uuid, out decision uuid, out state text, out assented_at timestamptz
) language sql stable security definer set search_path = '' as $$
    select d.id, d.state, case when d.state = 'taken' then d.decided_at end
    from alliance.decision d
    where d.lead = of_lead and d.programme = of_programme and d.process = of_process and d.subject = 'product/' || of_revision
    order by d.state = 'taken' desc, d.state = 'open' desc, d.id desc
    limit 1
$$;
revoke all on function product.standing(text, uuid, text, uuid) from public;
grant execute on function product.standing(text, uuid, text, uuid) to marque_app;

-- Of a part, the revision that holds there and then: the last written of those that count by this instant and are meant for it. Among all rows,
-- for who sees only some of them must not take an older one for it; told to those who have to do with the area.
create function product.in_force(
    of_lead text, of_programme uuid, of_process text, of_kind text, of_part text, on_day date, in_market text, at_plant text, of_year integer
) returns uuid language sql stable security definer set search_path = '' as $$
    select r.id
    from product.revision r
    cross join lateral product.standing(r.lead, r.programme, r.process, r.id) as s
    where r.lead = of_lead and r.programme = of_programme and r.process = of_process and r.kind = of_kind and r.part = of_part
      and s.assented_at <= foundation.instant()
      and (r.starts is null or r.starts <= on_day) and (r.ends is null or on_day < r.ends)
      and (r.markets = '{}' or in_market = any (r.markets))
      and (r.plants = '{}' or at_plant = any (r.plants))
      and (r.model_years = '{}' or of_year = any (r.model_years))
      and (
          exists (
              select from alliance.area_right mine
              where mine.organisation = foundation.organisation() and mine.owner = of_lead and mine.programme = of_programme
                and mine.process = of_process and mine.starts <= foundation.instant() and foundation.instant() < mine.ends
                and (mine.role <> 'none' or mine.sight <> 'none')
          ) or exists (
              select from alliance.kept k
              where k.organisation = foundation.organisation() and k.owner = of_lead and k.programme = of_programme and k.process = of_process
                and r.created_at < k.before
          )
      )
    order by r.created_at desc, r.id desc
    limit 1
$$;
revoke all on function product.in_force(text, uuid, text, text, text, date, text, text, integer) from public;
grant execute on function product.in_force(text, uuid, text, text, text, date, text, text, integer) to marque_app;
