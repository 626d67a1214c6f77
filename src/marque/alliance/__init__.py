"""Organisations, brands, programmes, agreements, rights, audit: who may see, decide, sign and sell what, and since when."""
