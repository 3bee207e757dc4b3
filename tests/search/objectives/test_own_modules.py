"""``module:function`` imports that module, and puts nothing in the place of any other."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from nasprof.errors import UsageError
from search.objectives import UserFunction
from search.objectives.own_module import import_own

ROOT = Path(__file__).parents[3]
LIBRARIES = ("numpy", "scipy", "ray", "optuna", "pymoo", "torch", "pandas", "matplotlib", "spaces")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the user is; what is imported meanwhile is forgotten afterwards."""
    folder = tmp_path / "own folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    modules, finders = dict(sys.modules), list(sys.meta_path)
    yield folder
    for name in sys.modules.keys() - modules.keys():
        del sys.modules[name]
    sys.meta_path[:] = finders
    import_own.__globals__["_own_files"].cache_clear()


def write(folder, **files):
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/', 1)}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def call(reference):
    return UserFunction.of(reference).load()({})


@pytest.mark.parametrize("executor", ["serial", "processes", "ray"])
def test_files_with_names_of_other_modules_change_nothing(folder, executor):
    """A search in a folder in which nearly every name is taken; with Ray it costs some 10 s."""
    if executor == "ray":
        pytest.importorskip("ray", reason="RAY IS NOT INSTALLED")
    for name in (*sys.stdlib_module_names, *LIBRARIES):
        (folder / f"{name}.py").write_text(f"raise SystemExit('the wrong {name} was imported')\n")
    (folder / "size.txt").write_text("7")
    text = "import colorsys, os\n\ndef size(arch):\n    return int(open('size.txt').read())\n"
    write(folder, mine=text)
    options = "--engine random --space nasbench201 --objectives macs,size=mine:size --evals 6"
    others = f"--executor {executor} --workers 1 --plot front.png"
    command = "from search.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", command, "run", *options.split(), *others.split()],
        env=os.environ | {"PYTHONPATH": str(ROOT), "NASPROF_DATA": str(folder / "data")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "size" in done.stdout
    assert (folder / "front.png").exists()


def test_the_folder_is_on_no_path(folder):
    write(folder, own_alone="def f(arch):\n    return 1\n", own_other="")
    path = list(sys.path)
    assert call("own_alone:f") == 1
    assert sys.path == path
    assert find_spec("own_other") is None


def test_files_beside_a_module_are_found_by_it(folder):
    write(
        folder,
        own_main="import own_beside\n\ndef f(arch):\n"
        "    import own_late\n    return own_beside.two() + own_late.FOUR\n",
        own_beside="from own_package.part import ONE\n\ndef two():\n    return 2 * ONE\n",
        own_late="import importlib\nFOUR = importlib.import_module('own_further').FOUR\n",
        own_further="FOUR = 4\n",
        own_package____init__="",
        own_package__part="from .unit import ONE\n",
        own_package__unit="ONE = 1\n",
    )
    assert call("own_main:f") == 6


def test_a_module_of_a_package_is_found(folder):
    write(folder, own_pack____init__="", own_pack__part="def f(arch):\n    return 3\n")
    write(folder, own_space__part="def f(arch):\n    return 4\n")  # no __init__.py
    assert call("own_pack.part:f") == 3
    assert call("own_space.part:f") == 4


def test_what_a_library_would_like_to_have_is_not_taken_from_the_folder(folder, tmp_path):
    installed = tmp_path / "installed"
    installed.mkdir()
    optional = "try:\n    import own_optional as found\nexcept ImportError:\n    found = None\n"
    (installed / "own_library.py").write_text(optional)
    write(folder, own_user="import own_library\n\ndef f(arch):\n    return own_library.found\n")
    write(folder, own_optional="raise SystemExit('imported')\n")
    sys.path.append(str(installed))
    try:
        assert call("own_user:f") is None
    finally:
        sys.path.remove(str(installed))


@pytest.mark.parametrize("taken", ["colorsys", "json", "search", "antigravity"])
def test_a_name_that_is_taken_is_the_users_only_where_it_was_named(folder, taken):
    write(folder, **{taken: "def f(arch):\n    return 5\n"})
    assert call(f"{taken}:f") == 5
    assert call(f"{taken}:f") == 5
    if taken != "antigravity":  # opens a browser
        assert Path(importlib.import_module(taken).__file__).parent != folder
    assert Path(find_spec(taken).origin).parent != folder


def test_a_package_whose_name_is_taken(folder):
    write(
        folder,
        json____init__="",
        json__part="from .unit import SIX\n\ndef f(arch):\n    return SIX\n",
    )
    write(folder, json__unit="SIX = 6\n")
    assert call("json.part:f") == 6
    assert "part" not in dir(importlib.import_module("json"))


def test_a_folder_of_data_hides_no_module(folder):
    (folder / "statistics").mkdir()
    assert UserFunction.of("statistics:mean").load()([1, 3]) == 2


def test_two_folders_may_have_modules_of_one_name(folder, tmp_path, monkeypatch):
    write(folder, own_twice="def f(arch):\n    return 'first'\n")
    other = tmp_path / "other"
    other.mkdir()
    write(other, own_twice="def f(arch):\n    return 'second'\n")
    first = UserFunction.of("own_twice:f")
    monkeypatch.chdir(other)
    second = UserFunction.of("own_twice:f")
    assert [each.load()({}) for each in (first, second, first)] == ["first", "second", "first"]


def test_a_module_is_executed_once(folder):
    write(
        folder, own_once="import sys\nsys.own_times = getattr(sys, 'own_times', 0) + 1\nf = len\n"
    )
    for _ in range(3):
        assert call("own_once:f") == 0
    assert sys.own_times == 1
    del sys.own_times


def test_a_folder_that_was_removed_is_named(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(UsageError, match=r"own_gone:f: the current folder, .* was removed"):
        UserFunction.of("own_gone:f")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("import own_missing", "No module named 'own_missing'"),
        ("def f(:", "SyntaxError"),
        ("f = '\udcff'", "cannot be imported"),
    ],
)
def test_a_module_that_cannot_be_imported_is_named(folder, text, reason):
    (folder / "own_broken.py").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError, match="own_broken:f: module 'own_broken'") as error:
        UserFunction.of("own_broken:f")
    assert reason in error.value.message
    (folder / "own_broken.py").write_text("def f(arch):\n    return 'mended'\n")
    os.utime(folder / "own_broken.py", (0, 0))
    assert call("own_broken:f") == "mended"
