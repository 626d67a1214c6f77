-- The roles of Marque, once for each PostgreSQL server, by a superuser. Give them passwords or certificates of your own:
-- alter role marque_app password '…'. Nothing here is undone when it is run again.
do $$
begin
    perform pg_advisory_xact_lock(hashtext('marque roles'));
    if not exists (select from pg_roles where rolname = 'marque_owner') then
        create role marque_owner login nosuperuser nobypassrls nocreatedb nocreaterole;
    end if;
    if not exists (select from pg_roles where rolname = 'marque_app') then
        create role marque_app login nosuperuser nobypassrls nocreatedb nocreaterole;
    end if;
    if not exists (select from pg_roles where rolname = 'marque_worker') then
        create role marque_worker login nosuperuser nobypassrls nocreatedb nocreaterole;
    end if;
end
$$;
