"""Measurements and tables for people."""
