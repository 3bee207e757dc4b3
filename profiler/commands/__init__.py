"""One file a subcommand of ``nasprof``. Heavy libraries are imported when a command runs."""
