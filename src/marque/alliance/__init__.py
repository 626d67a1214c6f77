"""Organisations, brands, programmes, agreements, rights, audit: who may see, decide, sign and sell what, and since when."""

SHARED_TABLES = ("alliance.area_table", "alliance.audit_node", "alliance.audit_checkpoint", "alliance.audit_signature")
"""Tables of no organisation, on purpose: which tables have areas; hashes of the audit log, which say nothing of what was hashed."""
UNIQUE_EVERYWHERE = ("alliance.key_public_key_key", "alliance.passkey_public_key_key", "alliance.passkey_credential_id_key")
"""Uniqueness over all organisations, on purpose: one key stands for one person, or one side could sign for both."""

__all__ = ["SHARED_TABLES", "UNIQUE_EVERYWHERE"]
