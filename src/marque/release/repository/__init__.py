"""Building the two-party repository: keys, root, roles, the director's metadata, and a repository as a folder."""
