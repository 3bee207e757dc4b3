"""Model files ready to be measured: lowered from architectures, or one's own."""
