"""The package in examples/plugin, installed by pip, is known to every command."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from installed import install, run_beside

from search.quality.indicators import hypervolume, non_dominated

ROOT = Path(__file__).resolve().parents[2]
SMALL, LARGE = "01221200", "22222222"
OBJECTIVES = "macs,receptive_field"

ENUMERATE = """
import json
import numpy as np
from spaces import get_space

space = get_space("chain")
genes = np.indices((3,) * 8).reshape(8, -1).T.astype(np.int8)
assert len(genes) == space.size == 6561
arms = np.array([0, 2, 4])[genes]
steps = np.array([1, 2, 2, 4, 4, 4, 8, 8])  # pixels between the values that a position reads
fields = (3 + arms @ steps).tolist()
print(json.dumps([space.macs(genes).tolist(), space.params(genes).tolist(), fields]))
"""
"""Every network of the space, without any engine."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plug-in as pip installs it, beside one that fails."""
    folder = tmp_path_factory.mktemp("plugin")
    # Building leaves folders in the sources.
    source = shutil.copytree(ROOT / "examples" / "plugin", folder / "source")
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            *options,
            "--target",
            folder / "site",
            source,
        ],
        check=True,
        timeout=200,
    )
    broken = {"broken_plugin": "import a_module_that_nobody_has"}
    install(folder / "site", "nasprof-broken", "broken = broken_plugin", broken)
    return folder / "site"


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Callable[..., object]:
    """Run a command in a folder with two architectures; the failing plug-in is always named."""
    (tmp_path / "small.json").write_text(json.dumps(SMALL))
    (tmp_path / "large.json").write_text(json.dumps(LARGE))
    folders = {name: str(tmp_path / name) for name in ("NASPROF_DATA", "NASPROF_CONFIG")}

    def start(package, *arguments):
        done = run_beside(installed, "-m", package, *arguments, cwd=tmp_path, **folders)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("The plug-in broken (nasprof-broken 1.5) is left out: Modu") == 1
        return done

    return start


@pytest.fixture(scope="module")
def everything(installed: Path):
    """MACs, parameters and receptive field of all networks ``(6561, 3)``."""
    done = run_beside(installed, "-c", ENUMERATE)
    assert done.returncode == 0, done.stderr
    return np.array(json.loads(done.stdout), float).T


def test_env_lists_what_it_adds(installed):
    done = run_beside(installed, "-m", "profiler", "env", "--json")
    plugins = {plugin["name"]: plugin for plugin in json.loads(done.stdout)["plugins"]}
    assert plugins["chain"]["registered"] == [
        ["space", "chain"],
        ["objective", "receptive_field"],
        ["engine", "sweep"],
    ]
    assert (plugins["chain"]["distribution"], plugins["chain"]["version"]) == (
        "nasprof-chain",
        "0.1.0",
    )
    assert plugins["chain"]["error"] is None
    assert "a_module_that_nobody_has" in plugins["broken"]["error"]


def test_its_networks_are_described_and_measured(run):
    described = json.loads(run("profiler", "describe", "--arch", "small.json", "--json").stdout)
    quick = ("--runtime", "onnxruntime", "--protocol", "quick:rounds=2,repeats=0")
    arch = ("--device", "cpu", "--arch", "small.json", "large.json")
    small, large = json.loads(run("profiler", "measure", *arch, *quick, "--json").stdout)
    assert small["arch"]["blocks"][:3] == ["identity", "mb3_k3", "mb6_k5"]
    assert small["arch"] == described[0]["arch"]
    assert small["model"]["macs"] == described[0]["macs"] < large["model"]["macs"] == 105_660_928
    assert small["model"]["params"] < large["model"]["params"] == 2_932_586
    assert min(small["latency_ms"]["median"], large["latency_ms"]["median"]) > 0


def test_its_blocks_make_a_table_that_predicts(run):
    protocol = ("--protocol", "table:visits=1,rounds=2,repeats=0", "--device", "cpu")
    few = ("--audit", "2", "--calibrate", "2", "--answers", "2")
    run("profiler", "build-lut", "--space", "chain", *protocol, *few, "-o", "chain.json")
    arch = ("--arch", "small.json", "large.json")
    predicted = run("profiler", "predict", "--lut", "chain.json", *arch, "--json")
    assert [row["name"] for row in json.loads(predicted.stdout)] == ["small", "large"]


def test_its_engine_finds_the_front_that_enumeration_finds(run, everything):
    macs, field = everything[:, 0], everything[:, 2]
    values = np.stack([macs, -field], 1)
    exact = np.unique(values[non_dominated(values)], axis=0)
    assert len(exact) == 29
    worst = values.max(0)

    def front(*engine):
        arguments = ("--objectives", OBJECTIVES, "-o", "runs", "--json")
        done = run("search", "run", "--engine", *engine, *arguments)
        result = json.loads(done.stdout)
        points = [
            [row["values"]["macs"], -row["values"]["receptive_field"]] for row in result["front"]
        ]
        return result["evaluations"], np.unique(points, axis=0)

    evaluations, swept = front("sweep")
    assert evaluations == 6561
    assert np.array_equal(swept, exact)
    assert np.array_equal(front("exact")[1], exact)
    # Worker processes know the space as well.
    workers = ("--executor", "processes", "--workers", "2")
    evaluations, found = front("nsga2", "--evals", "600", *workers)
    assert evaluations == 600
    share = hypervolume(found, worst) / hypervolume(exact, worst)
    assert 0.97 < share <= 1


def test_its_engine_finds_the_one_network_that_is_least_of_both(run, everything):
    arguments = ("--space", "chain", "--objectives", "macs,params", "-o", "runs", "--json")
    result = json.loads(run("search", "run", "--engine", "sweep", *arguments).stdout)
    (least,) = result["front"]
    found = [least["values"][name] for name in ("macs", "params")]
    assert found == everything[:, :2].min(0).tolist()


def test_its_engine_refuses_a_space_that_it_would_never_get_through(installed, tmp_path):
    arguments = ("--space", "ofa-mbv3", "--objectives", "macs,params")
    done = run_beside(
        installed, "-m", "search", "run", "--engine", "sweep", *arguments, cwd=tmp_path
    )
    assert done.returncode == 2
    assert "goes through 100000 combinations at most" in done.stderr
