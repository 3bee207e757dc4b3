"""Commands as their users see them: exit code, stdout, stderr."""

from __future__ import annotations

import json

from click.testing import CliRunner


def console(group):
    """A function that runs a command of the group, whose errors are never tracebacks."""

    def invoke(*args):
        result = CliRunner().invoke(group, [str(arg) for arg in args])
        assert "Traceback" not in result.output
        return result

    return invoke


def accepted(result):
    """The JSON that a command printed, and nothing else, to stdout."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(result, code=2):
    """What a command that did nothing said."""
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    return result.stderr
