"""Install into the environment of the Python that runs this: with uv, in a third of pip's time.

Run: VENV/bin/python scripts/install.py ARGUMENTS, those of ``pip install``.

uv is handed what pip has been told of indexes, certificates and constraints. Where uv is not to be
had, where pip has been told what is not understood here, and where uv fails, pip installs.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

PIP = (sys.executable, "-m", "pip")
PIP_INSTALL = (*PIP, "install", "--quiet", "--no-compile", "--disable-pip-version-check")
# As with pip, the best version of all indexes is taken, and nothing else configures it.
UV_INSTALL = (
    *(sys.executable, "-m", "uv", "pip", "install", "--python", sys.executable),
    *("--quiet", "--no-config", "--index-strategy", "unsafe-best-match"),
)
VARIABLES = {
    "cert": ("SSL_CERT_FILE", None),
    "constraint": ("UV_CONSTRAINT", " "),
    "default-timeout": ("UV_HTTP_TIMEOUT", None),
    "extra-index-url": ("UV_EXTRA_INDEX_URL", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "index-url": ("UV_DEFAULT_INDEX", None),
    "timeout": ("UV_HTTP_TIMEOUT", None),
}
"""By setting of pip: the variable that tells uv the same, and what stands between several values,
which are between blanks for pip."""
IRRELEVANT = {
    *("config-file", "disable-pip-version-check", "no-color", "no-input", "progress-bar"),
    *("quiet", "require-virtualenv", "retries", "root-user-action", "verbose"),
}
"""Settings of pip with no bearing on what is installed."""


def pip_settings() -> dict[str, str]:
    """What files and variables tell ``pip install``: a variable wins, then its own section."""
    lines = run([*PIP, "config", "list"]).stdout.splitlines()
    settings = {}
    for section in ("global", "install", ":env:"):
        for line in lines:
            name, _, value = line.partition("=")
            if name.startswith(f"{section}."):
                settings[name.removeprefix(f"{section}.")] = str(ast.literal_eval(value))
    return settings


def variables_of_uv(settings: Mapping[str, str]) -> dict[str, str] | None:
    """What tells uv the same as pip's settings; None if uv cannot be told all of them."""
    if settings.keys() - VARIABLES - IRRELEVANT:
        return None
    variables = {}
    for setting, (variable, between) in VARIABLES.items():
        if setting in settings:
            value = settings[setting]
            variables[variable] = value if between is None else between.join(value.split())
    return variables


def run(command: Sequence[str], **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command and keep what it says."""
    return subprocess.run(
        command, env=os.environ | variables, capture_output=True, text=True, check=False
    )


def main() -> int:
    """Install, and return the exit status."""
    arguments = sys.argv[1:]
    said = ""
    variables = variables_of_uv(pip_settings())
    if variables is not None:
        done = run([*PIP_INSTALL, "--retries", "1", "-c", "constraints.txt", "uv"])
        if done.returncode == 0:
            # An option that has a variable would replace it, where pip takes both.
            words = ["--index" if word == "--extra-index-url" else word for word in arguments]
            done = run([*UV_INSTALL, *words], **variables)
            if done.returncode == 0:
                return 0
        said = done.stdout + done.stderr
    status = subprocess.run([*PIP_INSTALL, *arguments], check=False).returncode
    if status:
        print(said, end="", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
