-- How the jobs stand, over all organisations and naming none: for health and metrics, which belong to nobody.
create function jobs.state(out waiting bigint, out running bigint, out failed bigint)
language sql stable security definer set search_path = '' as $$
    select
        count(*) filter (where status = 'todo' and (scheduled_at is null or scheduled_at <= now())),
        count(*) filter (where status = 'doing'),
        count(*) filter (where status = 'failed')
    from jobs.procrastinate_jobs
$$;
revoke all on function jobs.state() from public;
grant execute on function jobs.state() to marque_app, marque_worker;
