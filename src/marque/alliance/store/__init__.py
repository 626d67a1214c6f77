"""The SQL of this room, by subject; private to it."""
