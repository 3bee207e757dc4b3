"""Lookup tables: built, completed, audited, and the one that a user keeps of a device."""
