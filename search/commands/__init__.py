"""The subcommands of ``nassearch``, one a file."""
