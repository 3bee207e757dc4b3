"""Plug-ins: packages that add to the registries, and those that fail to."""

import json
import re
from importlib import import_module
from pathlib import Path

import pytest
from installed import ROOT, install, run_beside

from nasprof.registry import Registry

PACKAGES = ("nasprof", "spaces", "devices", "luts", "supernets", "profiler", "search")
LISTED = re.findall(r"^\| `([\w.]+)` \|", (ROOT / "docs" / "plugins.md").read_text(), re.MULTILINE)

GOOD = """
from nasprof.registry import Registry
from luts.features import feature_sets

@feature_sets.register("nothing")
def nothing(space, genes, counts):
    return counts[:, :0]
"""
FUNCTION = """
from profiler.measuring.protocol import Protocol, protocols

def add():
    print("said while it is loaded")
    protocols.register("hasty")(Protocol("hasty"))
"""
LOOKUP = """
import json
from luts.features import feature_sets
from profiler.measuring.protocol import protocols
print(json.dumps([sorted(feature_sets), sorted(protocols)]))
"""
BUILTIN = ["blocks", "genes", "operators", "sizes"]

BROKEN = {
    "absent": ("no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
    "ends": ("ends", "SystemExit: 3"),
    "typo": ("typo", "SyntaxError: "),
    "half": ("half", "ZeroDivisionError: division by zero"),
    "clash": ("clash", "feature set 'sizes' is registered twice: by luts.features and by clash"),
    "unnamed": ("half:", "'half:' names no module"),
    "lacking": ("innocent:nowhere", "AttributeError: "),
    "number": ("innocent:NUMBER", "innocent:NUMBER is 5, expected a module or a function"),
    "nonsense": ("::!", "'::!' names no module"),
}
MODULES = {
    "ends": "raise SystemExit(3)",
    "typo": "def",
    "half": GOOD.replace("nothing", "halfway") + "\n1 / 0",
    "clash": GOOD.replace('"nothing"', '"sizes"'),
    "innocent": "NUMBER = 5",
}


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder with two packages that work."""
    install(tmp_path, "own-good", "good = own_good", {"own_good": GOOD})
    install(tmp_path, "own-function", "hurry = own_function:add", {"own_function": FUNCTION})
    return tmp_path


def test_what_packages_register_is_known_by_name(packages):
    done = run_beside(packages, "-c", LOOKUP)
    features, protocols = json.loads(done.stdout)
    assert features == sorted([*BUILTIN, "nothing"])
    assert "hasty" in protocols
    assert done.stderr == "said while it is loaded\n"


@pytest.mark.parametrize("name", BROKEN)
def test_one_that_fails_is_named_and_left_out(packages, name):
    reference, error = BROKEN[name]
    install(packages, f"bad-{name}", f"{name} = {reference}", MODULES)
    done = run_beside(packages, "-c", LOOKUP)
    features, protocols = json.loads(done.stdout)
    assert features == sorted([*BUILTIN, "nothing"])
    assert "hasty" in protocols
    (line,) = [line for line in done.stderr.splitlines() if "left out" in line]
    assert line.startswith(f"The plug-in {name} (bad-{name} 1.5) is left out: ")
    assert error in line


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"[nasprof.plugins]\nno equals sign\n", "its entry points cannot be read"),
        (b"\xff\xfe\x00[", None),
        (b"[nasprof.plug", None),
    ],
)
def test_metadata_that_cannot_be_read_breaks_nothing(packages, content, error):
    install(packages, "damaged", content)
    done = run_beside(packages, "-c", LOOKUP)
    assert "nothing" in json.loads(done.stdout)[0]
    assert ("left out" in done.stderr) == (error is not None)
    assert error is None or error in done.stderr


def test_a_package_without_metadata_is_loaded_all_the_same(packages):
    install(packages, "bare", "bare = bare", {"bare": GOOD.replace('"nothing"', '"bare"')})
    (packages / "bare-1.5.dist-info" / "METADATA").unlink()
    done = run_beside(packages, "-c", LOOKUP)
    assert "bare" in json.loads(done.stdout)[0]


def test_of_two_versions_the_one_that_is_imported_counts(packages):
    install(packages / "older", "own-good", "good = own_good", {"own_good": "1 / 0"})
    paths = f"import sys; sys.path.append({str(packages / 'older')!r})\n"
    done = run_beside(packages, "-c", paths + LOOKUP)
    assert "nothing" in json.loads(done.stdout)[0]
    assert "left out" not in done.stderr


@pytest.mark.parametrize("command", ["profiler", "search"])
def test_help_loads_none(packages, command):
    install(packages, "marks", "marks = marks", {"marks": "raise RuntimeError('loaded')"})
    commands = json.loads(
        run_beside(
            packages,
            "-c",
            f"import json; from {command}.cli import main; print(json.dumps(list(main.commands)))",
        ).stdout
    )
    assert commands
    script = (
        f"import sys; from {command}.cli import main\n"
        "for name in sys.argv[1:]:\n"
        "    main([*name.split(), '--help'], standalone_mode=False)"
    )
    done = run_beside(packages, "-c", script, "", *commands)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Usage:") == len(commands) + 1
    assert done.stderr == ""


def test_env_lists_them_with_what_they_add_or_why_they_do_not(packages):
    install(packages, "bad-half", "half = half", MODULES)
    done = run_beside(packages, "-m", "profiler", "env", "--json")
    assert done.returncode == 0, done.stderr
    good = {
        "name": "good",
        "reference": "own_good",
        "distribution": "own-good",
        "version": "1.5",
        "registered": [["feature set", "nothing"]],
        "error": None,
    }
    half = {
        "name": "half",
        "reference": "half",
        "distribution": "bad-half",
        "version": "1.5",
        "registered": [],
        "error": "ZeroDivisionError: division by zero",
    }
    hurry = {
        "name": "hurry",
        "reference": "own_function:add",
        "distribution": "own-function",
        "version": "1.5",
        "registered": [["protocol", "hasty"]],
        "error": None,
    }
    listed = json.loads(done.stdout)["plugins"]
    assert [one for one in listed if one["name"] in ("good", "half", "hurry")] == [
        half,
        hurry,
        good,
    ]
    text = run_beside(packages, "-m", "profiler", "env").stdout
    assert "  good (own-good 1.5): feature set nothing\n" in text
    assert "  half (bad-half 1.5): left out: ZeroDivisionError: division by zero\n" in text


def test_a_plug_in_may_look_up_names_while_it_is_loaded(packages):
    asks = "from spaces import get_space\nassert get_space('nasbench201').n_genes == 6"
    install(packages, "asks", "asks = asks", {"asks": asks})
    done = run_beside(packages, "-c", LOOKUP)
    assert "left out" not in done.stderr
    assert "nothing" in json.loads(done.stdout)[0]


def test_what_was_imported_before_is_not_registered_twice(packages):
    done = run_beside(packages, "-c", "import own_good\n" + LOOKUP)
    assert "nothing" in json.loads(done.stdout)[0]
    assert "left out" not in done.stderr


def test_every_registry_is_documented():
    made = re.compile(r"^(\w+)\b.*= Registry\(", re.MULTILINE)
    found = {
        f"{'.'.join(path.relative_to(ROOT).with_suffix('').parts).removesuffix('.__init__')}.{name}"
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for name in made.findall(path.read_text())
    }
    assert found == set(LISTED)


@pytest.mark.parametrize("listed", LISTED)
def test_every_registry_takes_what_others_add(listed, monkeypatch):
    module, _, name = listed.rpartition(".")
    registry = getattr(import_module(module), name)
    assert isinstance(registry, Registry)
    monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    thing = object()
    assert registry.register("a-name-of-a-plug-in")(thing) is thing
    assert registry.get("a-name-of-a-plug-in") is thing
    assert "a-name-of-a-plug-in" in list(registry)
