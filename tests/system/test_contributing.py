"""The examples in CONTRIBUTING.md work as it says, and pass the suites that it names."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from installed import install, run_beside

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
PACKAGES = ("nasprof", "spaces", "devices", "luts", "supernets", "profiler", "search", "tests")


def code(language, topic):
    match = re.search(rf"```{language} {topic}\n(.*?)```", TEXT, re.DOTALL)
    assert match, f"CONTRIBUTING.md has no {language} code about a {topic}"
    return match[1]


@dataclass(frozen=True)
class Example:
    """What the text says of one topic.

    Args:
        name: what the example is registered as.
        file: where it says the code belongs.
        registry: the registry's module and name.
        suite: the file that it says tests it.
        anchors: lines of the registry and the suite behind which their lines belong; None where
            the suite goes through the registry.
        passed: how many tests of the suite are of the example, at least.
        listed_in: the file that says what the suite tests, if that is another.
    """

    topic: str
    name: str
    file: str
    registry: tuple[str, str]
    suite: str
    anchors: tuple[str, str | None]
    passed: int
    listed_in: str | None = None

    @property
    def class_name(self):
        return code("text", f"{self.topic} registry").split(":")[-1].strip(' ",\n')

    @property
    def registry_file(self):
        path = self.registry[0].replace(".", "/")
        return f"{path}.py" if (ROOT / f"{path}.py").exists() else f"{path}/__init__.py"


EXAMPLES = [
    Example(
        "space",
        "three-convs",
        "spaces/three_convs.py",
        ("spaces.named", "spaces"),
        "tests/spaces/test_spaces.py",
        ('    "space",\n    {\n', "SPACES = {\n"),
        14,
    ),
    Example(
        "device",
        "here",
        "devices/here.py",
        ("devices.device", "device_kinds"),
        "tests/devices/test_here.py",
        ('    "device kind",\n    {\n', None),
        15,
    ),
    Example(
        "runtime",
        "reference",
        "devices/runner/adapters/reference_adapter.py",
        ("devices.runtimes", "runtimes"),
        "tests/devices/test_cpu_device.py",
        ('    "runtime",\n    {\n', "FORMATS = {\n"),
        20,
        "tests/support/device_suite.py",
    ),
    Example(
        "engine",
        "climber",
        "search/engines/climber.py",
        ("search.engines", "engines"),
        "tests/search/engines/test_engines.py",
        ('    "engine",\n    {\n', None),
        15,
    ),
    Example(
        "predictor",
        "least-squares",
        "search/predictors/least_squares.py",
        ("search.predictors.base", "predictors"),
        "tests/search/predictors/test_predictors.py",
        ('    "predictor",\n    {\n', "NAMES = [\n"),
        15,
    ),
    Example(
        "objective",
        "operations",
        "search/objectives/operations.py",
        ("search.objectives.base", "objectives"),
        "tests/search/objectives/test_objectives.py",
        ('    "objective",\n    {\n', "REGISTERED = {\n"),
        2,
    ),
    Example(
        "scheme",
        "pairs",
        "supernets/training/schemes/pairs.py",
        ("supernets.training.schemes", "schemes"),
        "tests/supernets/training/test_schemes.py",
        ('    "training scheme",\n    {\n', None),
        6,
    ),
    Example(
        "accuracy",
        "macs-line",
        "search/accuracy/macs_line.py",
        ("search.accuracy.base", "accuracy_models"),
        "tests/search/accuracy/test_accuracy.py",
        ('    "kind of accuracy model",\n    {\n', "MODELS = {\n"),
        4,
    ),
    Example(
        "format",
        "json",
        "luts/formats/json_format.py",
        ("luts.formats.base", "table_formats"),
        "tests/luts/test_table_formats.py",
        ('    "table format",\n    {\n', "NAMES = [\n"),
        9,
    ),
]
TOPICS = [example.topic for example in EXAMPLES]


CHOOSE = """
import os

def pytest_collection_modifyitems(items):
    chosen = dict(pair.split("=") for pair in os.environ["CHOSEN"].split(","))
    items[:] = [item for item in items if chosen[item.nodeid.split("::")[0]] in item.nodeid]
"""
"""Of each suite the tests of one example, as ``-k`` chooses them."""


def clone(folder):
    """A copy of what the examples are added to, compiled where that is."""
    being_written = shutil.ignore_patterns("*.pyc.*")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / "clone" / package, ignore=being_written)
    shutil.copy(ROOT / "pyproject.toml", folder / "clone")
    return folder / "clone"


def add_line(path, anchor, lines):
    text = path.read_text()
    assert text.count(anchor) == 1, f"{anchor!r} is not once in {path}"
    path.write_text(text.replace(anchor, anchor + lines))


def run_suites(clone, *paths):
    """What the suites that the text names say, each filtered to its example."""
    for example in EXAMPLES:
        suite = example.suite
        if example.topic == "device":
            (clone / suite).write_text(code("python", "device suite"))
        elif example.anchors[1] is not None:
            line = code("text", f"{example.topic} suite")
            add_line(clone / (example.listed_in or suite), example.anchors[1], line)
    (clone / "choose.py").write_text(CHOOSE)
    # What is covered there is not this tree.
    environment = {name: value for name, value in os.environ.items() if "COV" not in name}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, [*paths, clone]))
    environment["CHOSEN"] = ",".join(f"{one.suite}={one.name}" for one in EXAMPLES)
    suites = [example.suite for example in EXAMPLES]
    command = [sys.executable, "-m", "pytest", "-v", "-pno:cacheprovider", "-pchoose"]
    done = subprocess.run(
        # To rewrite assertions takes longer than most of these tests.
        [*command, "--assert=plain", *suites],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        timeout=230,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def said_in_repository(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the suites say where all examples are files and lines of this repository."""
    copy = clone(tmp_path_factory.mktemp("repository"))
    for example in EXAMPLES:
        source = code("python", example.topic)
        # The runner knows itself by no name: on a board it has another.
        source = source.replace("from devices.runner import models", "from .. import models")
        (copy / example.file).write_text(source)
        line = code("text", f"{example.topic} registry")
        add_line(copy / example.registry_file, example.anchors[0], line)
    return run_suites(copy)


@pytest.fixture(scope="module")
def said_with_packages(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the suites say where each example is a package of its own."""
    folder = tmp_path_factory.mktemp("packages")
    for example in EXAMPLES:
        install_example(folder / "installed", example)
    return run_suites(clone(folder), folder / "installed")


def passes(example, said):
    """Whether the suite of an example ran and nothing in it failed."""
    outcomes = re.findall(rf"^{re.escape(example.suite)}::.* ([A-Z]+) +\[", said, re.MULTILINE)
    assert set(outcomes) <= {"PASSED", "SKIPPED"}, said[-9000:]
    return outcomes.count("PASSED") >= example.passed


@pytest.mark.parametrize("example", EXAMPLES, ids=TOPICS)
def test_an_example_in_this_repository_passes_its_suite(example, said_in_repository):
    assert f"`{example.file}`" in TEXT
    assert f"`{example.registry_file}`" in TEXT
    assert f"`{example.suite}`" in TEXT
    assert passes(example, said_in_repository), said_in_repository[-9000:]


@pytest.mark.parametrize("example", EXAMPLES, ids=TOPICS)
def test_an_example_in_a_package_of_its_own_passes_its_suite(example, said_with_packages):
    assert passes(example, said_with_packages), said_with_packages[-9000:]


def install_example(folder, example):
    """Install an example as a plug-in."""
    name = f"contributed-{example.topic}"
    module = name.replace("-", "_")
    install(folder, name, f"{example.topic} = {module}", plugin_modules(example, module))


def plugin_modules(example, module):
    """The sources of a plug-in with the example, by module."""
    source = code("python", example.topic)
    if example.topic == "runtime":
        return {"own_reference": source, module: code("python", "runtime plugin")}
    origin, registry = example.registry
    decorated = f"@{registry}.register({example.name!r})\n"
    declared = re.compile(rf"((?:@.*\n)*class {example.class_name}\b)")
    assert len(declared.findall(source)) == 1
    source = declared.sub(lambda match: decorated + match[1], source)
    return {module: f"from {origin} import {registry}\n{source}"}


def nasprof(tmp_path, topic, *arguments):
    """What a command says where the example of a topic is installed."""
    (example,) = (example for example in EXAMPLES if example.topic == topic)
    if not (tmp_path / "installed").exists():
        install_example(tmp_path / "installed", example)
    folders = {"NASPROF_CONFIG": str(tmp_path), "NASPROF_DATA": str(tmp_path)}
    done = run_beside(tmp_path / "installed", "-m", "profiler", *arguments, "--json", **folders)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_profile_makes_the_device_known_to_commands(tmp_path):
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices" / "process.toml").write_text(code("toml", "device"))
    listed = {item["device"]: item for item in nasprof(tmp_path, "device", "devices")}
    assert listed["process"]["reachable"]
    arch = ("--arch", str(ROOT / "examples" / "small.json"))
    protocol = ("--protocol", "quick:rounds=2,repeats=0")
    measure = ("measure", *arch, "--device", "process", *protocol)
    (measured,) = nasprof(tmp_path, "device", *measure)
    assert measured["device"] == "process"
    assert measured["latency_ms"]["median"] > 0


def test_a_runtime_of_a_package_measures_architectures_in_its_format(tmp_path):
    small = {"space": "nasbench201", "resolution": 8, "channels": 4, "cells": 1, "classes": 4}
    cell = "|none~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|none~2|"
    (tmp_path / "cell.json").write_text(json.dumps(small | {"cell": cell}))
    arch = ("--arch", str(tmp_path / "cell.json"), "--device", "cpu", "--runtime", "reference")
    protocol = ("--protocol", "quick:rounds=1,runs=1,repeats=0,sentinel=off")
    (measured,) = nasprof(tmp_path, "runtime", "measure", *arch, *protocol)
    assert (measured["runtime"], measured["model"]["format"]) == ("reference", "onnx")
    assert measured["latency_ms"]["median"] > 0
