"""The room's SQL, by subject; nobody else's."""
