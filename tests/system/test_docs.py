"""Commands and code that the documentation shows are ones that there are."""

import re
import shlex
from functools import partial
from pathlib import Path

import click
import pytest

from profiler.cli import main as nasprof
from search.cli import main as nassearch
from search.pnag import training
from search.pnag.settings import TrainingSettings

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SHOWN = re.compile(r"^(?: {4})?(?:\$ )?((?:nasprof|nassearch) \S.*)$", re.MULTILINE)
INLINE = re.compile(r"`((?:nasprof|nassearch) [^`\n]+)`")


def commands(page):
    """Command lines, in a sentence or in blocks that are indented or fenced."""
    text = page.read_text().replace("\\\n", " ")
    fenced = "\n".join(re.findall(r"^```sh.*?\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    indented = "\n".join(line for line in text.splitlines() if line.startswith("    "))
    return SHOWN.findall(f"{fenced}\n{indented}") + INLINE.findall(text)


def subcommand(program, words):
    """The command that these words name, and what is left of them."""
    command = {"nasprof": nasprof, "nassearch": nassearch}[program]
    while isinstance(command, click.Group):
        name, *words = words
        assert name in command.commands, f"{program} has no {name}"
        command = command.commands[name]
    return command, words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_shown_commands_and_their_options_exist(page):
    for line in commands(page):
        program, *words = shlex.split(line, comments=True)
        command, words = subcommand(program, words)
        known = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
        used = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert used <= {*known, "--help"}, line


def test_commands_are_found_where_they_are():
    found = [line for page in PAGES for line in commands(page)]
    assert len(found) > 80
    assert "nasprof devices" in found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        assert "://" in target or (page.parent / target).exists(), target


def test_the_code_of_the_readme(monkeypatch, capsys):
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    short = partial(training.train, settings=TrainingSettings(steps=3))
    monkeypatch.setattr(training, "train", short)
    exec(compile(code, "README.md", "exec"), {})
    assert "'space': 'ofa-mbv3'" in capsys.readouterr().out
