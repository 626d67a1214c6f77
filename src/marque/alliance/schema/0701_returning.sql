-- An address is of one person who is there. Who has left and comes back is another person, with another key: were it the same one, what was
-- done in between with an old key would count. The index is among the present, and leads with the organisation.
alter table alliance.person drop constraint person_organisation_email_key;
create unique index person_email on alliance.person (organisation, email) where left_at is null;
