"""What searches evaluated: written, read, merged, summed up, exported."""
