"""From an architecture to a measured latency: lowering, measuring, and the ``nasprof`` command."""
