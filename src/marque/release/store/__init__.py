"""The room's SQL, by subject; nobody else reads its tables."""
