"""Tables over ADB: many models at once, long rounds, devices that vanish in the middle of one.

The daemon, the shell, the file transfer, Python and its runtimes are real. The phone's sensors and
the program benchmark_model are stood in for by tests/support/adbd.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import peers
import pytest

from devices.adb import model_files, packing
from devices.adb.address import TcpAddress
from devices.adb.connection import AdbConnection
from devices.adb.packing import batches, push_files, write_archive
from devices.adb.workspace import Workspace
from devices.errors import DeviceError, DeviceFull, DeviceLost, DeviceUnreachable, RunnerRefused
from devices.profile_files import open_device
from devices.settings import RunSettings
from profiler.lowering import lower
from spaces import get_space
from spaces.graph import Network
from spaces.weights import random_weights

pytestmark = pytest.mark.adbd

ADBD = Path(__file__).parents[2] / "support" / "adbd"
DOUBLE = ADBD / "benchmark_model_double.sh"
FAULTY = Path(__file__).parents[2] / "support" / "faulty_adapter.py"
FORMATS = {"onnxruntime": "onnx", "litert": "tflite"}


@pytest.fixture(scope="module", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def phone(tmp_path_factory: pytest.TempPathFactory):
    library = tmp_path_factory.mktemp("library")
    shutil.copy(FAULTY, library)
    with peers.running_phone(
        binds={ADBD / "phone": "/opt/phone/bin", library: "/opt/faulty"}
    ) as phone:
        yield phone


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., object]:
    """Gives the model files of a whole table's blocks for a runtime."""
    folder = tmp_path_factory.mktemp("blocks")
    known = {}

    def write(runtime):
        if runtime not in known:
            vocabulary = get_space("ofa-mbv3", resolution=224).vocabulary
            known[runtime] = {}
            for number, block in enumerate(vocabulary):
                path = folder / f"{number}.{FORMATS[runtime]}"
                network = Network.of(block)
                weights = random_weights(network, np.random.default_rng(number))
                lower(network, weights, path, FORMATS[runtime])
                known[runtime][f"block {number}"] = path
        return known[runtime]

    return write


def runner_on(phone, **options):
    options = {"python": "env PYTHONPATH=/opt/faulty python3", "timeout_s": 30, **options}
    return open_device(phone.profile(runner="json", **options))


def tool_on(phone, **options):
    options = {"benchmark_model": str(DOUBLE), "timeout_s": 20, **options}
    return open_device(phone.profile(**options))


@pytest.fixture
def double(tmp_path: Path) -> Callable[..., object]:
    """Model files for the double of benchmark_model, by name."""

    def write(names, **directives):
        for name in names:
            lines = {"us": 1000, "name": name, **directives}
            text = "".join(f"{key}={value}\n" for key, value in lines.items())
            (tmp_path / f"{name}.tflite").write_text(text)
        return {name: tmp_path / f"{name}.tflite" for name in names}

    return write


def count_calls(monkeypatch, owner, name):
    """Count the calls of a method, which goes on working."""
    calls = []
    method = getattr(owner, name)

    def counted(self, *arguments):
        calls.append(arguments)
        return method(self, *arguments)

    monkeypatch.setattr(owner, name, counted)
    return calls


# --- many files ----------------------------------------------------------------------------------


def test_a_tables_models_travel_as_one_archive_and_only_once(phone, blocks, monkeypatch):
    models = blocks("onnxruntime")
    assert len(models) == 93
    with runner_on(phone).open(RunSettings("onnxruntime")) as session:
        sent = count_calls(monkeypatch, AdbConnection, "send")
        asked = count_calls(monkeypatch, AdbConnection, "shell")
        session.load(models)
        assert [remote.rpartition("/")[2] for _, remote, *_ in sent] == [
            "archive.tar", "requests.jsonl",
        ]  # fmt: skip
        assert len(asked) < 10
        found = phone.shell("cd /data/local/tmp/nasprof-*; ls; ls models*/ | wc -l").output
        assert "archive.tar" not in found
        assert found.split()[-1] == "93"
        sent.clear()
        session.load({"again": models["block 7"], "block 3": models["block 3"]})
        assert [remote.rpartition("/")[2] for _, remote, *_ in sent] == ["requests.jsonl"]
        taken = session.run_round(["again", "block 7"], 1, 3)
        assert session.provenance()["push_verified_by"] == ["sha256"]
    assert all(len(samples.wall_ms) == 3 for samples in taken.values())
    assert phone.leftovers() == ""


def test_models_that_fill_more_than_an_archive_travel_in_several(monkeypatch, tmp_path):
    monkeypatch.setattr(packing, "ARCHIVE_BYTES", 100)
    sizes = {"a": 40, "b": 60, "c": 1, "d": 500, "e": 5, "f": 95}
    files = {name: tmp_path / name for name in sizes}
    for name, path in files.items():
        path.write_bytes(bytes(sizes[name]))
    assert [list(batch) for batch in batches(files)] == [["a", "b"], ["c"], ["d"], ["e", "f"]]
    assert list(batches({})) == []


def test_links_and_foreign_owners_do_not_reach_the_device(tmp_path):
    import tarfile

    (tmp_path / "file").write_bytes(b"x" * 9)
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.link(tmp_path / "file", tmp_path / "twin")
    names = ("file", "link", "twin")
    write_archive({name: tmp_path / name for name in names}, tmp_path / "tar")
    with tarfile.open(tmp_path / "tar") as archive:
        entries = archive.getmembers()
    assert [entry.name for entry in entries] == list(names)
    assert all(entry.isreg() and entry.size == 9 for entry in entries)
    assert {(entry.uid, entry.gid, entry.mode) for entry in entries} == {(0, 0, 0o644)}


@pytest.fixture(scope="module")
def boxes():
    """Android's toybox and a busybox, as Debian packs them."""
    folder = peers.cache_folder("boxes")
    if not (folder / "ready").exists():
        scratch = folder / "debs"
        scratch.mkdir(parents=True, exist_ok=True)
        command = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download"]
        done = subprocess.run(
            [*command, "toybox", "busybox-static"],
            cwd=scratch, capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
        if done.returncode:
            pytest.skip(f"TOYBOX AND BUSYBOX NOT TESTED: {done.stderr.strip()[-300:]}")
        for package in scratch.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, folder], check=True)
        (folder / "ready").touch()
    return folder / "bin"


@pytest.fixture
def files(tmp_path: Path, rng: np.random.Generator):
    """Files with the names that models get on a device."""
    paths = {f"{number}-m.onnx": tmp_path / f"{number}" for number in range(5)}
    for path in paths.values():
        path.write_bytes(rng.bytes(200_000))
    return paths


@pytest.fixture
def workspace_on() -> Iterator[Callable[..., object]]:
    made = []

    def make(phone):
        made.append(Workspace(AdbConnection(TcpAddress("127.0.0.1", phone.port))))
        made[-1].open()
        return made[-1]

    yield make
    for workspace in made:
        workspace.close()


def contents(phone):
    """Sizes of the files in the workspaces on a phone."""
    found = phone.shell("cd /data/local/tmp && find nasprof-* -type f -exec wc -c {} +").output
    return [int(line.split()[0]) for line in found.splitlines() if "total" not in line]


BROKEN = "#!/bin/sh\necho broken >&2\nexit 127\n"
HALF = "#!/bin/sh\n[ $1 = --help ] || { echo 'cannot do that'; exit 1; }\n"


@pytest.mark.parametrize(
    ("box", "scripts", "sends"),
    [
        ("toybox", {"tar": BROKEN, "sha256sum": BROKEN}, 1),
        ("busybox", {"tar": BROKEN, "sha256sum": BROKEN}, 1),
        (None, {"tar": BROKEN}, 5),
        (None, {"tar": HALF}, 6),
    ],
    ids=["toybox", "busybox", "no tar", "a tar that does not unpack"],
)
def test_any_tar_will_do_and_none_as_well(
    request, workspace_on, files, tmp_path, monkeypatch, box, scripts, sends
):
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("toybox", "busybox"):
        if name == box:
            shutil.copy(request.getfixturevalue("boxes") / name, programs)
        else:
            scripts = {**scripts, name: BROKEN}
    for name, text in scripts.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    with peers.running_phone(binds={programs: "/opt/phone/bin"}) as phone:
        workspace = workspace_on(phone)
        sent = count_calls(monkeypatch, AdbConnection, "send")
        assert push_files(workspace, "models0", files) == "sha256"
        assert len(sent) == sends
        assert contents(phone) == [200_000] * 5
        for name, path in files.items():
            pulled = workspace.connection.pull(workspace.path(f"models0/{name}"))
            assert pulled == path.read_bytes()
        workspace.close()


@pytest.mark.parametrize(
    "damage",
    ["printf x >> 3-m.onnx", "rm 3-m.onnx", "printf x | dd of=3-m.onnx conv=notrunc 2>/dev/null"],
)
def test_a_file_that_was_damaged_on_its_way_is_named(
    phone, workspace_on, files, monkeypatch, damage
):
    monkeypatch.setattr(packing, "_UNPACK", f"{packing._UNPACK}\n{damage}\n")
    workspace = workspace_on(phone)
    with pytest.raises(DeviceError, match=r"models0/3-m.onnx arrived damaged"):
        push_files(workspace, "models0", files)
    assert contents(phone) == []
    workspace.close()


def test_a_device_that_fills_up_while_unpacking_is_named_and_left_clean(
    workspace_on, files, monkeypatch
):
    # The archive fits, but not what is in it as well.
    with peers.running_phone(data_size=1_500_000) as phone:
        workspace = workspace_on(phone)
        with pytest.raises(DeviceFull, match="no space left"):
            push_files(workspace, "models0", files)
        assert contents(phone) == []
        monkeypatch.setattr(packing, "ARCHIVE_BYTES", 500_000)
        many = {f"more {name}": path for name, path in files.items()}
        for number, path in enumerate(many.values()):
            path.write_bytes(bytes([number]) * 400_000)
        with pytest.raises(DeviceFull, match="no space left"):
            model_files.ModelFiles(workspace).push(many)
        assert contents(phone) == [], "the archives that did fit were left"
        workspace.close()


# --- rounds --------------------------------------------------------------------------------------


def test_a_round_is_one_invocation_however_many_visits(phone, blocks, double, monkeypatch):
    for session, models in (
        (runner_on(phone).open(RunSettings("litert")), dict(list(blocks("litert").items())[:3])),
        (tool_on(phone).open(RunSettings("litert")), double("abc")),
    ):
        with session:
            session.load(models)
            calls = count_calls(monkeypatch, Workspace, "run")
            told = []
            order = list(models) * 5
            taken = session.run_round(order, 1, 2, lambda *visit, told=told: told.append(visit))
        assert len(calls) == 1
        assert [name for name, _ in told] == order
        for name, samples in taken.items():
            visits = [visit.wall_ms for told_name, visit in told if told_name == name]
            assert samples.wall_ms == [ms for visit in visits for ms in visit]
            assert [len(visit) for visit in visits] == [2] * 5


@pytest.fixture(params=["json", "benchmark_model"])
def slow_session(
    request: pytest.FixtureRequest, phone, double: Callable[..., object], tmp_path: Path
) -> Callable[..., object]:
    """Opens a session with a model "m" and how many runs of it take more than three seconds."""

    def open_session(**options):
        if request.param == "json":
            path = tmp_path / "nap.onnx"
            path.write_text("nap")
            session = runner_on(phone, **options).open(RunSettings("faulty_adapter:Adapter"))
            models, runs = {"m": path}, 18
        else:
            session = tool_on(phone, **options).open(RunSettings("litert"))
            models, runs = double("m"), 130
        session.load(models)
        return session, runs

    return open_session


def test_visits_are_told_while_the_round_goes_on_and_heat_is_noticed(phone, slow_session):
    running = []

    def arrived(name, samples):
        if not running:
            found = phone.leftovers()
            running.append("runner.pyz" in found or "round.sh" in found)
            phone.shell("echo '2 48.5' > /data/heat")

    session, runs = slow_session(cool_limit_s=0)
    with session:
        samples = session.run_round(["m"] * runs, 0, 1, arrived)["m"]
        phone.shell("rm /data/heat")
    assert running == [True]
    assert len(samples.wall_ms) == runs
    assert samples.context["temperature_c"] == [30.5, 48.5]
    assert samples.context["cooled_s"] == 0
    assert "throttled" in samples.flags


def test_a_round_may_last_longer_than_any_answer(slow_session):
    session, runs = slow_session(timeout_s=3)
    with session:
        start = time.monotonic()
        taken = session.run_round(["m"] * runs, 0, 1)
        assert time.monotonic() - start > 3, "the round was too short to tell"
    assert len(taken["m"].wall_ms) == runs


def test_a_visit_that_fails_is_not_told_but_its_samples_are_kept(phone, double):
    models = double("a") | double("b", do="crash", after=6)
    told = []
    with tool_on(phone).open(RunSettings("litert")) as session:
        session.load(models)
        with pytest.raises(DeviceError, match="SIGSEGV") as caught:
            session.run_round(list("abab"), 1, 3, lambda name, _: told.append(name))
    assert told == ["a", "b", "a"]
    kept = {name: len(samples.wall_ms) for name, samples in caught.value.partial.items()}
    assert kept == {"a": 6, "b": 5}


def test_whoever_fails_while_being_told_does_not_spoil_the_session(phone, blocks):
    def arrived(name, samples):
        raise OSError("the journal's disk is full")

    with runner_on(phone).open(RunSettings("onnxruntime")) as session:
        session.load({"m": blocks("onnxruntime")["block 92"]})
        with pytest.raises(OSError, match="journal"):
            session.run_round(["m"] * 1000, 1, 10, arrived)
        assert len(session.run_round(["m"], 1, 10)["m"].wall_ms) == 10
    assert phone.leftovers() == ""


# --- devices that vanish and return --------------------------------------------------------------


class Listener:
    """Told of visits; does something at one of them."""

    def __init__(self, at=0, act=lambda: None):
        self.visits = []
        self._at, self._act = at, act

    def __call__(self, name, samples):
        self.visits.append((name, list(samples.wall_ms)))
        if len(self.visits) == self._at:
            self._act()

    def joined(self):
        """All samples by name."""
        by_name = {}
        for name, wall_ms in self.visits:
            by_name.setdefault(name, []).extend(wall_ms)
        return by_name


@pytest.mark.parametrize(
    ("runtime", "away"), [("onnxruntime", False), ("litert", True)],
    ids=["the daemon is killed and starts again", "the device is gone for a while"],
)  # fmt: skip
def test_a_device_that_dies_at_the_40th_visit_gives_the_table_when_it_is_back(
    tmp_path_factory, blocks, runtime, away
):
    models = blocks(runtime)
    rng = np.random.default_rng(5)
    order = [name for _ in range(4) for name in rng.permutation(list(models)).tolist()]
    with peers.running_phone() as phone:
        first = Listener(40, phone.stop if away else phone.kill_daemon)
        with runner_on(phone).open(RunSettings(runtime)) as session:
            session.load(models)
            with pytest.raises(DeviceLost) as caught:
                session.run_round(order, 1, 20, first)
            assert 40 <= len(first.visits) < len(order)
            assert [name for name, _ in first.visits] == order[: len(first.visits)]
            partial = caught.value.partial
            assert {n: taken.wall_ms for n, taken in partial.items()} == first.joined()
            if away:
                with pytest.raises((DeviceUnreachable, DeviceLost)):
                    session.run_round(order, 1, 3)
                phone.start()
            second = Listener()
            taken = session.run_round(order, 1, 3, second)
        assert [name for name, _ in second.visits] == order
        assert {name: s.wall_ms for name, s in taken.items()} == second.joined()
        assert Counter(len(s.wall_ms) for s in taken.values()) == {12: 93}
        phone.wait_until_clean()


# --- operator profiles ---------------------------------------------------------------------------


def test_benchmark_model_gives_operator_times_as_it_prints_them(phone, double):
    with tool_on(phone).open(RunSettings("litert")) as session:
        session.load(double("m"))
        assert session.profile("m", 1, 5) == {"[stem]:0": 0.75, "[block0]:1": 0.25}
    with tool_on(phone, benchmark_flags=["--bogus=1"]).open(RunSettings("litert")) as session:
        session._models = double("m")
        with pytest.raises(RunnerRefused, match="bogus"):
            session.profile("m", 1, 5)
