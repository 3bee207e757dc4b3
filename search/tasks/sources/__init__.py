"""What tasks are drawn from: one file a source."""
