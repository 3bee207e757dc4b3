"""Lookup tables: what each block of a space costs on a device."""
