"""Whatever is run reports to nobody, and leaves nothing where its user did not ask for it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import peers
import pytest
from onnx import TensorProto, helper

from devices import RunSettings, open_device
from devices.runner.archive import runner_archive
from devices.runner.telemetry import SILENT

ROOT = Path(__file__).parents[2]
WATCH = Path(__file__).parents[1] / "support" / "network_watch.py"
NOT_WATCHED = "NOT WATCHED: this system has no network namespaces for its users"
ASKS_AFTER_S = 15
"""ONNX Runtime 1.31 looks its collector up about ten seconds after it was imported."""
BRIEF = "fixed:runs=2,rounds=2,warmup=0"
COMMAND = "from {}.cli import main; main()"
IMPORTING = f"import time, onnxruntime; time.sleep({ASKS_AFTER_S})"
LOWERING = f"""
import time
import numpy as np
from pathlib import Path
from profiler.lowering import FileOptions, lower
from spaces import get_space
from spaces.weights import random_weights
space = get_space("ofa-mbv3")
network = space.network(space.sample(1, np.random.default_rng(0))[0])
weights = random_weights(network, np.random.default_rng(0))
lower(network, weights, Path("a.onnx"), "onnx", FileOptions("int8"))
time.sleep({ASKS_AFTER_S})
"""
LOOKING_UP = """
import contextlib, socket
with contextlib.suppress(OSError):
    socket.create_connection(("collector.example", 443), timeout=1)
"""
OWN = f"""
import time
from search.objectives import UserFunction
assert UserFunction.of("own:function").load()({{}}) == 1
time.sleep({ASKS_AFTER_S})
"""


UNATTENDED = (
    "CI",
    "TF_BUILD",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "CIRCLECI",
    "TRAVIS",
    "JENKINS_URL",
    "CODEBUILD_BUILD_ID",
    "BUILDKITE",
    "TEAMCITY_VERSION",
    "APPVEYOR",
    "BITBUCKET_BUILD_NUMBER",
)
"""Where one of these is set, ONNX Runtime 1.31 asks nobody anyway."""


class Fresh:
    """A user who was never here: empty folders, and a network that nobody else is in."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("home", "tmp", "work"):
            (folder / name).mkdir(parents=True)
        kept = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
        self.environment = kept | {
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            "PYTHONPATH": os.pathsep.join([str(ROOT), kept.get("PYTHONPATH", "")]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "RES_OPTIONS": "timeout:1 attempts:1",
        }
        for name in (*SILENT, *UNATTENDED, "NASPROF_DATA", "NASPROF_CONFIG"):
            self.environment.pop(name, None)

    def start(self, *command, watched=False, **environment):
        if watched:
            inner = [sys.executable, str(WATCH), str(self.folder / "traffic.json"), *command]
            command = ["unshare", "-rn", *inner]
        return subprocess.Popen(
            command,
            cwd=self.folder / "work",
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *command, **options):
        process = self.start(*command, **options)
        said, _ = process.communicate()
        assert process.returncode == 0, said
        return said

    def can_watch(self):
        """Whether there is a network of one's own."""
        return shutil.which("unshare") and not self.start("true", watched=True).wait()

    @property
    def left(self):
        """What lies in the home and in the folder for temporary files."""
        places = (self.folder / "home", self.folder / "tmp")
        return [str(path) for place in places for path in place.rglob("*")]

    @property
    def traffic(self):
        """Whom it wanted to reach."""
        return json.loads((self.folder / "traffic.json").read_text())


@pytest.fixture
def fresh(tmp_path: Path):
    return Fresh(tmp_path / "fresh")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of one operator."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 8]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "one", [x], [y])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path_factory.mktemp("model") / "one.onnx"
    path.write_bytes(made.SerializeToString())
    return path


@pytest.fixture(scope="module", autouse=True)
def waiting(tmp_path_factory: pytest.TempPathFactory):
    """Folders, and processes in them that are watched until they would have asked somebody."""
    tmp_path = tmp_path_factory.mktemp("waiting")
    folders = {
        name: Fresh(tmp_path / name) for name in ("asking", "plain", "board", "lowering", "own")
    }
    if not folders["asking"].can_watch():
        yield folders, {}
        return
    (tmp_path / "runner.pyz").write_bytes(runner_archive())
    hello = {"op": "hello", "runtime": "onnxruntime", "threads": 1}
    (tmp_path / "requests").write_text(json.dumps(hello) + "\n")
    script = f"(cat requests; sleep {ASKS_AFTER_S}) | {sys.executable} runner.pyz"
    own = folders["own"].folder / "work" / "own.py"
    own.write_text("import onnxruntime\n\ndef function(arch):\n    return 1\n")
    commands = {
        "asking": [sys.executable, "-c", LOOKING_UP],
        "plain": [sys.executable, "-c", IMPORTING],
        "board": ["sh", "-c", f"cd {tmp_path}; {script}"],
        "lowering": [sys.executable, "-c", LOWERING],
        "own": [sys.executable, "-c", OWN],
    }
    started = {name: folders[name].start(*commands[name], watched=True) for name in commands}
    yield folders, started
    for process in started.values():
        process.kill()
        process.wait()
        process.stdout.close()


def nasprof(*arguments):
    return [sys.executable, "-c", COMMAND.format("profiler"), *arguments]


@pytest.mark.parametrize("wish", [{}, SILENT, dict.fromkeys(SILENT, "0")])
def test_measuring_leaves_nothing_whatever_the_user_set(fresh, model, wish):
    said = fresh.run(*nasprof("measure", "--protocol", BRIEF, "--model", str(model)), **wish)
    assert "one" in said
    assert fresh.left == []


@pytest.mark.parametrize("runtime", ["onnxruntime", "litert", "torch"])
def test_measuring_an_architecture_leaves_nothing(fresh, runtime):
    precision = "fp32" if runtime == "torch" else "int8"
    arch = str(ROOT / "examples" / "small.json")
    options = ("--runtime", runtime, "--precision", precision, "--protocol", BRIEF)
    fresh.run(*nasprof("measure", *options, "--arch", arch))
    assert fresh.left == []


def test_training_a_generator_leaves_nothing(fresh):
    table = "cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224"
    settings = ("--set", "knots=3", "--set", "steps=3", "-o", "generator.npz")
    start = [sys.executable, "-c", COMMAND.format("search")]
    fresh.run(*start, "train", "--lut", table, *settings)
    assert (fresh.folder / "work" / "generator.npz").exists()
    assert fresh.left == []


def test_nobody_is_asked_for_anything(waiting):
    """All of it waits at once, and while the other tests run."""
    folders, started = waiting
    if not started:
        pytest.skip(NOT_WATCHED)
    for name, process in started.items():
        said, _ = process.communicate()
        assert process.returncode == 0, f"{name}: {said}"
    assert folders["asking"].traffic, "somebody was asked, and nothing was seen"
    for name in started.keys() - {"asking", "plain"}:
        assert (folders[name].traffic, folders[name].left) == ([], []), name
    # Where it was not told to be silent: what leaves an identifier asks while it is watched.
    assert bool(folders["plain"].traffic) == bool(folders["plain"].left)


@pytest.mark.adbd
def test_measuring_on_a_board_leaves_nothing_there(tmp_path, model, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with peers.running_phone() as phone:
        home = "/data/local/tmp/own"
        phone.shell(f"mkdir {home}")
        python = f"env HOME={home} XDG_CACHE_HOME={home}/cache TMPDIR={home} python3"
        device = open_device(phone.profile(runner="json", python=python))
        with device.open(RunSettings("onnxruntime")) as session:
            session.load({"one": model})
            assert session.run_round(["one"], 1, 3)["one"].wall_ms
        assert phone.shell(f"find {home}").output.split() == [home]


RAY = """
import sys
sys.path.append({tests!r})
from pathlib import Path
import numpy as np
import made_up_objectives as made_up
from made_up_objectives import problem_of
from trade_offs import CELLS
from search.executors import open_executor
problem = problem_of(CELLS, made_up.total)
genes = CELLS.sample(2, np.random.default_rng(0))
with open_executor("ray", problem, workers=1) as executor:
    executor.submit(0, genes)
    [(_, found)] = executor.wait()
    np.testing.assert_array_equal(found.values, problem.values(genes))
    folder = executor._folder
    assert folder.stat().st_mode & 0o777 == 0o700, oct(folder.stat().st_mode)
    assert (folder / "ray").is_dir()
assert not folder.exists()
"""


def test_a_ray_of_its_own_asks_nobody(fresh):
    """Costs about 10 s: a Ray is started and stopped."""
    pytest.importorskip("ray", reason="RAY IS NOT INSTALLED")
    if not fresh.can_watch():
        pytest.skip(NOT_WATCHED)
    code = RAY.format(tests=str(Path(__file__).parents[1] / "support"))
    fresh.run(sys.executable, "-c", code, watched=True)
    assert fresh.traffic == []
    assert fresh.left == []
