"""Models timed on a device: protocol, rounds, journal, records, estimates."""
