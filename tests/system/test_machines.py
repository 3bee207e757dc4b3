"""Homes, containers and terminals as people have them: fallbacks and named errors."""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from devices import Profile, RunSettings, Samples, host, list_profiles, open_device
from devices.cgroup import cpu_quota
from devices.contention import CONTENDED, LIMITED, mark_contention
from devices.errors import DeviceError
from devices.gpu import query_gpu
from devices.local import LocalSession
from luts.files import cost_model_files
from nasprof.errors import NasprofError, UsageError
from nasprof.locking import held_alone, locked, open_alone
from nasprof.reader import brief, is_number
from nasprof.temporary import TemporaryFolder
from nasprof.user_folders import config_folder, data_folder, described, files_in
from profiler.cli import main as nasprof
from profiler.measuring.schedule import BESIDE
from profiler.reports.measurements import FLAG_WORDS

ROOT = Path(__file__).resolve().parents[2]
SMALL = ROOT / "examples" / "small.json"
TABLE = "cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224"
QUICK = ["--protocol", "fixed:runs=2,rounds=2,warmup=0"]


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., object]:
    """Runs ``nasprof ARGS`` in a process that may not look into what is forbidden to it."""
    nasprof = [sys.executable, "-m", "profiler"]

    def run(*args, program=nasprof, **options):
        environment = {
            **os.environ,
            "HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT),
            **options.pop("environment", {}),
        }
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "NASPROF_DATA", "NASPROF_CONFIG"):
            environment.pop(name, None)
        done = subprocess.run(
            [*_as_anybody(), *program, *args],
            env=environment,
            check=False,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": tmp_path} | options,
        )
        for text in (done.stdout, done.stderr):
            assert b"Traceback" not in (text or b""), text
            assert b"Exception ignored" not in (text or b""), text
        return done

    return run


def _as_anybody():
    """What makes root heed permissions."""
    if os.geteuid():
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root heeds no permissions, and there is no setpriv to change that")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]


@pytest.fixture(params=["shut", "a file", "nowhere", "shut below"])
def home(request: pytest.FixtureRequest, tmp_path: Path):
    """A home folder of which nothing can be had."""
    folder = tmp_path / "home"
    below = [folder / ".config" / "nasprof", folder / ".local" / "share" / "nasprof"]
    shut = {"shut": [folder], "shut below": below}.get(request.param, [])
    for path in shut:
        path.mkdir(parents=True)
        path.chmod(0)
    yield {"a file": "/dev/null", "nowhere": "/proc/1/nowhere"}.get(request.param, str(folder))
    for path in shut:
        path.chmod(0o700)


def commands_of(model):
    return [
        ["lut", "list", "--json"],
        ["devices", "--json"],
        ["env", "--json"],
        ["predict", "--arch", str(SMALL), "--lut", TABLE, "--json"],
        ["measure", "--model", str(model), "--arch", str(SMALL), *QUICK, "--json"],
    ]


IN_TURN = """
import json, sys
from click.testing import CliRunner
from profiler.cli import main
for args in json.loads(sys.argv[1]):
    done = CliRunner().invoke(main, args)
    print(json.dumps([args, done.exit_code, done.stdout, done.stderr]))
"""


def test_what_is_shipped_works_without_a_home(command, home, model):
    """In one process, which takes less time."""
    commands = commands_of(model)
    program = [sys.executable, "-c", IN_TURN, json.dumps(commands)]
    done = command(program=program, environment={"HOME": home})
    assert done.returncode == 0, done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [args for args, *_ in said] == commands
    for args, status, stdout, stderr in said:
        assert status == 0, (args, stderr)
        assert json.loads(stdout), args


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A measured network."""
    path = tmp_path_factory.mktemp("saved") / "saved.jsonl"
    measured = CliRunner().invoke(
        nasprof, ["measure", "--arch", str(SMALL), *QUICK, "--save", str(path)]
    )
    assert measured.exit_code == 0, measured.output
    return path


def test_what_is_ones_own_is_refused_in_one_line(command, home, saved):
    for args in (
        ["fit", "--measurements", saved, "-o", "mine"],
        ["build-lut", "--space", "nasbench201", "--audit", "0", "--calibrate", "0"],
        ["predict", "--arch", SMALL, "--lut", "mine"],
    ):
        done = command(*args, environment={"HOME": home})
        assert done.returncode in {1, 2}, args
        assert done.stderr.startswith(b"Error: "), done.stderr


def test_an_unknown_name_says_that_ones_own_could_not_be_read(command, tmp_path):
    shut = tmp_path / ".local" / "share" / "nasprof" / "luts"
    shut.mkdir(parents=True)
    shut.chmod(0)
    done = command("predict", "--arch", SMALL, "--lut", "mine")
    shut.chmod(0o700)
    assert done.returncode == 2
    assert f"{shut} (which cannot be read: Permission denied)".encode() in done.stderr


def test_a_user_without_a_home_folder(monkeypatch):
    """As in a container that is run as any number (docker -u 1234)."""

    def unknown(number):
        raise KeyError(number)

    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "NASPROF_DATA", "NASPROF_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for place in (config_folder, data_folder):
        with pytest.raises(UsageError, match="no home folder"):
            place()
    assert "cpu" in list_profiles()
    assert TABLE in cost_model_files.known()
    assert "no home folder" in cost_model_files.own_described()
    with pytest.raises(UsageError, match="'mine'"):
        cost_model_files.find("mine")
    with pytest.raises(UsageError, match="no home folder"):
        cost_model_files.path("mine")
    found = CliRunner().invoke(nasprof, ["env", "--json"])
    assert found.exit_code == 0, found.output
    assert "no home folder" in json.loads(found.stdout)["adb"]["key"]
    monkeypatch.setenv("NASPROF_DATA", "~/own")
    with pytest.raises(UsageError, match="no home folder"):
        data_folder()


def test_a_folder_in_words(tmp_path):
    assert described(lambda: tmp_path) == str(tmp_path)
    assert described(lambda: tmp_path / "none") == str(tmp_path / "none")
    (tmp_path / "b.json").touch()
    (tmp_path / "a.json").touch()
    (tmp_path / "c.txt").touch()
    assert [path.name for path in files_in(lambda: tmp_path, ".json")] == ["a.json", "b.json"]


def test_without_a_place_for_temporary_files(monkeypatch, model):
    """A root that is read-only, and nothing mounted at /tmp."""
    monkeypatch.setattr(tempfile, "tempdir", "/proc/nowhere")
    with pytest.raises(NasprofError, match="no place for temporary files") as caught:
        TemporaryFolder()
    assert "TMPDIR" in caught.value.remedy
    done = CliRunner().invoke(nasprof, ["measure", "--model", str(model), *QUICK])
    assert done.exit_code == 1
    assert "no place for temporary files" in done.stderr
    assert CliRunner().invoke(nasprof, ["env"]).exit_code == 0


# Outputs.


def test_a_table_in_ascii(command, model):
    done = command(
        "measure", "--model", model, *QUICK, environment={"PYTHONIOENCODING": "ascii"}
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"+-95 %" in done.stdout
    assert done.stdout.isascii()


@pytest.mark.parametrize("args", [["lut", "list"], ["lut", "list", "--json"], ["--help"], ["env"]])
def test_an_output_that_cannot_be_written(command, args):
    with Path("/dev/full").open("wb") as full:
        done = command(*args, stdout=full)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].endswith(b"No space left on device"), done.stderr
    assert done.stderr.startswith(b"Error: ")


def test_a_reader_that_has_seen_enough(command):
    ours, theirs = os.pipe()
    os.close(ours)
    with os.fdopen(theirs, "wb") as pipe:
        done = command("lut", "list", "--json", stdout=pipe)
    assert done.returncode == 1
    assert done.stderr == b""


def test_a_file_name_that_is_no_text(command, model, tmp_path):
    odd = os.fsencode(model.parent) + b"/caf\xe9.onnx"
    shutil.copy(os.fsencode(model), odd)
    saved = tmp_path / "saved.jsonl"
    done = command("measure", "--model", odd, *QUICK, "--save", saved)
    assert done.returncode == 0, done.stderr
    assert rb"caf\xe9.onnx" in done.stdout
    [record] = map(json.loads, saved.read_text(encoding="utf-8").splitlines())
    assert os.fsencode(record["name"]) == b"caf\xe9.onnx"
    done = command("measure", "--model", odd, *QUICK, "--json")
    assert json.loads(done.stdout)[0]["name"] == record["name"]
    done = command("measure", "--model", odd + b".none")
    assert done.returncode in {1, 2}
    assert rb"caf\xe9.onnx" in done.stderr


# Values that are no values.


@pytest.mark.parametrize("text", ["9" * 5000, "[" * 100_000, '{"a":' * 100_000])
def test_settings_of_senseless_size(model, text):
    done = CliRunner().invoke(nasprof, ["measure", "--model", str(model), "--set", f"a={text}"])
    assert done.exit_code == 2
    assert isinstance(done.exception, SystemExit)
    assert len(done.output) < 1000


@pytest.mark.parametrize("text", ["Infinity", "NaN", "-1", "0", "true", "9" * 400, "1e7", '"a"'])
@pytest.mark.parametrize("device", ["cpu", "android"])
def test_times_that_are_none(model, text, device):
    args = ["measure", "--model", str(model), "--device", device, "--set", f"timeout_s={text}"]
    done = CliRunner().invoke(nasprof, args)
    assert done.exit_code == 2
    assert "field 'timeout_s' is" in done.stderr
    assert len(done.stderr) < 300


def test_numbers_of_any_size_in_messages():
    assert brief(10**5000) == "'a number of 16610 bits'"
    assert brief([10**5000]) == "['a number of 16610 bits']"
    assert not is_number(10**400)
    assert is_number(10**17)


@pytest.mark.parametrize("path", ["~nobody-here/benchmark_model", "a\0b"])
def test_a_tool_in_the_home_of_nobody(path):
    from devices.adb.benchmark_tool import find_tool
    from devices.adb.options import AdbOptions

    with pytest.raises(UsageError, match="benchmark_model"):
        find_tool(AdbOptions(benchmark_model=path))


# File systems without locks.


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    def refuse(stream, operation):
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.parametrize("no_locks", [errno.ENOLCK, errno.EOPNOTSUPP], indirect=True)
def test_without_locks_work_goes_on_with_a_warning(no_locks, tmp_path, caplog):
    path = tmp_path / "journal"
    with open_alone(path) as stream:
        stream.write(b"a")
    with locked(path), held_alone(tmp_path / "lock", lambda: None):
        pass
    assert path.read_bytes() == b"a"
    assert f"{path} cannot be locked" in caplog.text
    with TemporaryFolder(parent=tmp_path) as folder:
        assert folder.is_dir()
    assert not folder.exists()


@pytest.mark.parametrize("no_locks", [errno.EIO], indirect=True)
def test_a_lock_that_fails_otherwise_is_an_error(no_locks, tmp_path):
    with pytest.raises(OSError, match="Input/output"):
        open_alone(tmp_path / "journal")
    with pytest.raises(NasprofError, match="cannot lock"), held_alone(tmp_path / "l", lambda: None):
        pass


# CPU quotas.


def tree(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


CGROUPS = {
    "v2 in a container": (
        {
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/cpu.max": "50000 100000\n",
            "sys/fs/cgroup/cpu.stat": "usage_usec 9\nnr_periods 40\nnr_throttled 7\n",
        },
        (0.5, 7),
    ),
    "v2, the outer group is tighter": (
        {
            "proc/self/cgroup": "0::/pod/app\n",
            "sys/fs/cgroup/pod/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/pod/cpu.stat": "nr_throttled 3\n",
            "sys/fs/cgroup/pod/app/cpu.max": "400000 100000\n",
            "sys/fs/cgroup/pod/app/cpu.stat": "nr_throttled 1\n",
        },
        (1.5, 4),
    ),
    "v2 without": (
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"},
        None,
    ),
    "v1": (
        {
            "proc/self/cgroup": "4:cpu,cpuacct:/docker/abc\n3:cpuset:/\n0::/\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.stat": "nr_periods 4\nnr_throttled 2\n",
        },
        (2.0, 2),
    ),
    "v1 without": (
        {
            "proc/self/cgroup": "1:cpu:/\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        },
        None,
    ),
    "nonsense": (
        {"proc/self/cgroup": "x\n0::/../..\n", "sys/fs/cgroup/cpu.max": "1 0 0\n"},
        None,
    ),
    "nothing": ({}, None),
}


@pytest.mark.parametrize("name", CGROUPS)
def test_cpu_quotas(tmp_path, name):
    files, expected = CGROUPS[name]
    quota = cpu_quota(tree(tmp_path, files))
    assert (quota and (quota.cores, quota.stops)) == expected


def test_what_a_quota_takes_is_not_called_other_work():
    context = {"elapsed_ms": 500.0, "run_delay_ms": 246.0, "other_cores": 0.0}
    held, disturbed = Samples([500.0], [250.0]), Samples([500.0], [250.0])
    mark_contention(held, 1, context, "a CPU quota of 0.5 cores stopped it in 5 periods")
    assert held.flags == [LIMITED]
    assert held.context["limited_because"][0] == "a CPU quota of 0.5 cores stopped it in 5 periods"
    mark_contention(disturbed, 1, context)
    assert disturbed.flags == [CONTENDED]
    both = Samples([500.0], [250.0])
    mark_contention(both, 1, context | {"other_cores": 0.9}, "a quota")
    assert set(both.flags) == {CONTENDED, LIMITED} == BESIDE
    free = Samples([500.0], [499.0])
    mark_contention(free, 1, {"elapsed_ms": 500.0, "run_delay_ms": 1.0}, "a quota")
    assert free.flags == []


def test_the_advice_is_about_the_quota():
    assert "end it" not in FLAG_WORDS[LIMITED]
    assert "quota" in FLAG_WORDS[LIMITED]
    assert "container" in FLAG_WORDS[CONTENDED]


def test_more_threads_than_cpus_are_told(model):
    cpu = min(host.available_cpus())
    with LocalSession(RunSettings("onnxruntime", 3, (cpu,))) as session:
        session.load({"m": model})
        assert session._allowance(0) == "3 threads share 1 CPUs: no more may be used"
        session.run_round(["m"], 0, 3)


def test_a_quota_that_stopped_a_round_is_told(model, monkeypatch, tmp_path):
    files = dict(CGROUPS["v2 in a container"][0])
    monkeypatch.setattr("devices.local.cpu_quota", lambda: cpu_quota(tree(tmp_path, files)))
    with LocalSession(RunSettings("onnxruntime")) as session:
        assert session._allowance(7) is None
        words = session._allowance(5)
    assert words == "a CPU quota of 0.5 cores stopped it in 2 periods"
    monkeypatch.setattr(host, "cpu_quota", lambda: cpu_quota(tmp_path))
    assert host.state([0])["cpu_quota_cores"] == 0.5


# What nvidia-smi says is foreign text.


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"A GPU, with a comma, 80",
        b"A GPU, 1_000",
        b"A GPU, nan",
        b"A GPU, 1e999",
        b"A GPU, " + b"9" * 5000,
        b"A GPU, 80\nB GPU, 80",
        b"\xff\xfe, x",
    ],
)
def test_odd_answers_of_nvidia_smi_are_named(tmp_path, monkeypatch, answer):
    (tmp_path / "answer").write_bytes(answer)
    _smi(tmp_path, monkeypatch, f"#!/bin/sh\ncat {tmp_path / 'answer'}\n")
    with pytest.raises(DeviceError, match="nvidia-smi") as caught:
        query_gpu(0, {"name": "gpu", "memory.total": "memory_mb"})
    assert len(str(caught.value)) < 300
    assert not open_device(Profile("gpu", "gpu")).check().ok


@pytest.mark.parametrize("answer", ["[N/A]", "N/A", "ERR!", "[Unknown Error]", "[Not Supported]"])
def test_what_nvidia_smi_does_not_know_is_none(tmp_path, monkeypatch, answer):
    _smi(tmp_path, monkeypatch, f"#!/bin/sh\necho 'A GPU, {answer}, 1.5'\n")
    fields = {"name": "gpu", "memory.total": "memory_mb", "power.draw": "power_w"}
    assert query_gpu(0, fields) == {"gpu": "A GPU", "memory_mb": None, "power_w": 1.5}


def test_an_nvidia_smi_that_cannot_be_started(tmp_path, monkeypatch):
    _smi(tmp_path, monkeypatch, "no program")
    with pytest.raises(DeviceError, match="nvidia-smi cannot be started"):
        query_gpu(0, {"name": "gpu"})


def _smi(folder, monkeypatch, text):
    path = folder / "bin" / "nvidia-smi"
    path.parent.mkdir()
    path.write_text(text)
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")


def test_streams_that_are_no_files_are_left_alone(monkeypatch):
    """As in a notebook, where a command's function may be called too."""
    from nasprof.streams import flush_output, take_every_character

    monkeypatch.setattr(sys, "stdout", io.StringIO())
    take_every_character()
    assert flush_output() is None
    monkeypatch.setattr(sys, "stdout", None)
    assert flush_output() is None
