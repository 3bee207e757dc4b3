"""Commands and code that the documentation shows are ones that there are."""

import logging
import re
import shlex
from dataclasses import replace
from pathlib import Path

import click
import onnxruntime
import pytest
from trade_offs import generator_for, mobile

from devices import find_profile, open_device
from luts import write_cost_model
from nasprof.settings import setting_infos
from profiler.cli import main as nasprof
from profiler.measuring.protocol import parse_protocol
from search.cli import main as nassearch
from search.commands.engine_settings import row_of
from search.engines import engines
from search.pnag.checkpoint import write_generator
from search.pnag.stored import shelf

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


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a table of this machine, made in no time; it is entered."""
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    models = mobile()
    facts = models.cost.provenance
    known = {
        "device_fingerprint": open_device(find_profile("cpu")).fingerprint(),
        "runtime_version": onnxruntime.__version__,
        "protocol": parse_protocol("table:visits=1,rounds=2,repeats=0").to_dict(),
    }
    table = replace(models.cost, provenance={**facts, **known})
    write_cost_model(table, tmp_path / "data" / "luts" / f"{table.name}.json")
    return tmp_path


def code_of(page):
    return "\n".join(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))


def test_the_code_of_the_readme(home, capsys):
    exec(compile(code_of(ROOT / "README.md"), "README.md", "exec"), {})
    first, second = capsys.readouterr().out.splitlines()
    assert "'space': 'ofa-mbv3'" in first
    assert float(second.split()[0]) == 20.0
    assert {path.name for path in (home / "out").iterdir()} == {
        f"{budget}.{suffix}" for budget in ("12ms", "20ms") for suffix in ("json", "onnx", "tflite")
    }


@pytest.mark.parametrize("page", [ROOT / "docs/python.md"], ids=lambda page: page.name)
def test_the_code_of_the_pages(page, home, monkeypatch):
    # Kept for these models, so that it answers; the README's code does without.
    write_generator(generator_for("mobile"), shelf.path(mobile()))
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    code = code_of(page).replace("steps=800", "steps=3")
    exec(compile(code, page.name, "exec"), {})
    assert {"answers.png", "front.png", "mine.npz"} <= {path.name for path in home.iterdir()}


def test_the_table_of_settings_is_that_of_the_engines():
    text = (ROOT / "docs" / "search.md").read_text()
    shown = [line for line in text.splitlines() if re.match(r"\| `[\w-]+` \| `\w+` \| ", line)]
    assert shown == [
        "| `{}` | `{}` | {} | {} | {} | {} |".format(name, *row_of(info))
        for name in engines
        for info in setting_infos(type(engines.get(name).settings))
    ]


def test_the_code_of_own_models(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = ROOT / "docs" / "models.md"
    exec(compile(code_of(page), page.name, "exec"), {})
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"mine.onnx", "mine.pt"}
