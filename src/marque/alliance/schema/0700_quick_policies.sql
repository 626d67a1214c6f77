-- Row-level security that costs a page of rows little: one look-up in an index for each row.
--
-- `exists` left the choice to the planner, which for a page of fifty read every right that the organisation has into a hash, and planned each
-- statement for both ways. A scalar sub-query has only the one: `limit 1` makes it that, and is true at most once.

-- What a row of an area is seen by: one's own, where one sees all, or what a transition kept readable.
create function alliance.seen_in_area(guarded regclass) returns text language sql stable set search_path = '' as $$
    select format($policy$
        organisation = (select foundation.organisation())
        or (
            select true from alliance.area_right r
            where r.organisation = (select foundation.organisation()) and r.owner = lead and r.programme = %1$s.programme
              and r.process = %1$s.process and r.starts <= (select foundation.instant()) and (select foundation.instant()) < r.ends
              and r.sight = 'all'
            limit 1
        )
        or exists (
            select from alliance.kept k
            where k.organisation = (select foundation.organisation()) and k.owner = lead and k.programme = %1$s.programme
              and k.process = %1$s.process and created_at < k.before
        )$policy$, guarded)
$$;
revoke all on function alliance.seen_in_area(regclass) from public;

create or replace procedure alliance.guard_area(guarded regclass) language plpgsql as $$
declare
    mine constant text := format($policy$
        organisation = (select foundation.organisation()) and exists (
            select from alliance.area_right r
            where r.organisation = (select foundation.organisation()) and r.owner = lead and r.programme = %1$s.programme
              and r.process = %1$s.process and r.starts <= (select foundation.instant()) and (select foundation.instant()) < r.ends
              and r.role <> 'none'
        )$policy$, guarded);
begin
    execute format('alter table %s enable row level security, force row level security', guarded);
    execute format('create policy seen on %s for select to marque_app using (%s)', guarded, alliance.seen_in_area(guarded));
    execute format('create policy added on %s for insert to marque_app with check (created_at = (select foundation.instant()) and %s)', guarded, mine);
    execute format('create policy changed on %s for update to marque_app using (%s) with check (%2$s)', guarded, mine);
    execute format('create policy removed on %s for delete to marque_app using (%s)', guarded, mine);
    execute format('create policy transitions on %s to marque_owner using (true) with check (true)', guarded);
    execute format('create trigger in_time before insert on %s for each row execute function alliance.in_time()', guarded);
    insert into alliance.area_table values (guarded);
end
$$;

do $$
declare
    guarded regclass;
begin
    for guarded in select name from alliance.area_table loop
        execute format('alter policy seen on %s using (%s)', guarded, alliance.seen_in_area(guarded));
    end loop;
end
$$;

alter policy concerned on alliance.decision using (
    organisation = (select foundation.organisation()) or (select foundation.organisation()) = any (deciders) or (
        select true from alliance.area_right r
        where r.organisation = (select foundation.organisation()) and r.owner = lead and r.programme = decision.programme
          and r.process = decision.process and r.starts <= (select foundation.instant()) and (select foundation.instant()) < r.ends
          and r.role <> 'none'
        limit 1
    )
);
alter policy concerned on alliance.decision_act using ((
    select true from alliance.decision d where d.organisation = opener and d.id = decision limit 1
));

-- Likewise what belongs to a revision: `in` read every revision that one sees, for one signature.
alter policy concerned on alliance.signature using ((
    select true from alliance.revision r
    where r.organisation = signature.organisation and r.agreement = signature.agreement and r.number = signature.number limit 1
));
alter policy concerned on alliance.force using ((
    select true from alliance.revision r
    where r.organisation = force.organisation and r.agreement = force.agreement and r.number = force.number limit 1
));
alter policy concerned on alliance.transition_step using ((
    select true from alliance.revision r
    where r.organisation = transition_step.organisation and r.agreement = transition_step.agreement and r.number = transition_step.number limit 1
));
