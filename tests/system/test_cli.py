"""The command lines as their users see them: output, errors and exit codes."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from profiler.cli import main as nasprof
from search.cli import main as nassearch
from spaces import get_space

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SMALL = {
    "space": "ofa-mbv3",
    "resolution": 28,
    "classes": 10,
    "stem_width": 8,
    "stage_widths": [8, 16, 24, 32, 48],
    "stage_strides": [1, 2, 2, 1, 1],
    "head_widths": [192, 192],
    "depths": [2] * 5,
    "kernel_sizes": [3] * 20,
    "expand_ratios": [3] * 20,
}


@pytest.fixture
def run() -> Callable[..., object]:
    def invoke(group, *args):
        return CliRunner().invoke(group, [str(arg) for arg in args])

    return invoke


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.json"
    path.write_text(json.dumps(SMALL))
    return path


@pytest.mark.parametrize("module", ["profiler.cli", "search.cli"])
def test_help_imports_nothing_heavy(module):
    heavy = ["numpy", "torch", "onnx", "onnxruntime", "ai_edge_litert", "adb_shell", "matplotlib"]
    code = (
        f"import sys\nfrom {module} import main\n"
        "main(['--help'], standalone_mode=False)\n"
        f"print([name for name in {[*heavy, 'sklearn', 'pymoo', 'rich', 'scipy']} "
        "if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "Usage:" in done.stdout


@pytest.mark.parametrize("command", ["nasprof", "nassearch"])
def test_the_installed_commands_run(command):
    script = Path(sys.executable).with_name(command)
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{command}, version ")


def test_describe_lists_architectures_in_input_order(run):
    paths = [EXAMPLES / f"{name}.json" for name in ("large", "small", "medium")]
    result = run(nasprof, "describe", "--arch", *paths, "--json")
    items = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [item["macs"] for item in items] == [566170656, 121278672, 250746944]
    for item, path in zip(items, paths, strict=True):
        assert set(item) == {"arch", "genes", "macs", "params", "blocks"}
        assert item["arch"] == json.loads(path.read_text())
        assert sum(block["macs"] for block in item["blocks"]) == item["macs"]
        assert sum(block["params"] for block in item["blocks"]) == item["params"]
    space = get_space("ofa-mbv3")
    assert space.decode(np.array([item["genes"] for item in items], np.int8)) == [
        item["arch"] for item in items
    ]


def test_describe_shows_a_table_of_blocks(run):
    result = run(nasprof, "describe", "--arch", EXAMPLES / "small.json")
    assert result.exit_code == 0
    assert "121.3 M MACs" in result.stdout
    assert "block10" in result.stdout


def test_sampled_architectures_can_be_described(run, tmp_path):
    path = tmp_path / "archs.json"
    drawn = run(nassearch, "sample", "-n", 4, "--resolution", 160, "-o", path, "--json")
    described = run(nasprof, "describe", "--arch", path, "--json")
    assert drawn.exit_code == described.exit_code == 0
    assert [item["arch"] for item in json.loads(described.stdout)] == json.loads(drawn.stdout)
    assert all(arch["resolution"] == 160 for arch in json.loads(drawn.stdout))


def test_sampling_repeats_with_its_seed_and_shows_a_table(run):
    first, again, other = (
        run(nassearch, "sample", "-n", 3, "--seed", seed, "--space", "nasbench201", "--json").stdout
        for seed in (1, 1, 2)
    )
    assert first == again != other
    table = run(nassearch, "sample", "-n", 3, "--set", "classes=10", "--strategy", "uniform")
    assert table.exit_code == 0
    assert "M MACs" in table.stdout


def test_samples_are_drawn_as_the_strategy_says(run):
    """Uniform draws cover the middle of the range of MACs, the biased ones of the default all."""

    def extent(*args):
        drawn = run(nassearch, "sample", "-n", 300, *args, "--json")
        space = get_space("ofa-mbv3")
        macs = space.macs(space.encode(json.loads(drawn.stdout))) / 1e6
        return macs.min(), macs.max()

    low, high = extent("--strategy", "uniform")
    assert 150 < low < high < 450
    low, high = extent()
    assert low < 140
    assert high > 530
    assert (low, high) == extent("--strategy", "biased")


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["describe"], 2, "Missing option '--arch'"),
        (["describe", "--arch", "nowhere.json"], 2, "cannot read nowhere.json: No such file"),
        (["describe", "--arhc", "x"], 2, "No such option"),
        (["export", "--arch", "{small}", "--format", "onxn"], 2, "no model format is called"),
        (["export", "--arch", "{small}", "--precision", "int4"], 2, "cannot be written at"),
        (["export", "--arch", "{small}", "--batch", "0"], 2, "--batch"),
        (["export", "--arch", "{small}", "--weights", "none.npz"], 2, "none.npz"),
        (["export", "--arch", "{small}", "--calibration", "none.npy"], 2, "none.npy"),
        (["measure", "--device", "pxiel", "--arch", "{small}"], 2, "no device is called 'pxiel'"),
        (["measure", "--device", "cpu"], 2, "--arch"),
        (["measure", "--arch", "{small}", "--protocol", "qick"], 2, "qick"),
        (["measure", "--arch", "{small}", "--runtime", "onxx"], 2, "onxx"),
        (["measure", "--arch", "{small}", "--threads", "0"], 2, "--threads"),
        (["measure", "--model", "none.onnx"], 2, "none.onnx"),
        (["measure", "--model", "{small}"], 2, "expected a model file"),
    ],
)
def test_bad_usage_exits_2_and_says_what_was_wrong(run, small, args, code, message):
    result = run(nasprof, *(str(arg).format(small=small) for arg in args))
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "args",
    [
        ["sample", "--space", "ofa"],
        ["sample", "--set", "classes"],
        ["sample", "--set", "classes=ten"],
        ["sample", "--set", "clases=10"],
        ["sample", "--resolution", "225"],
        ["sample", "-n", "0"],
    ],
)
def test_bad_usage_of_nassearch_exits_2(run, args):
    result = run(nassearch, *args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error" in result.stderr


@pytest.mark.parametrize("name", ["onnx", "tflite", "torch"])
def test_export_writes_files_and_records(run, small, tmp_path, name):
    out = tmp_path / "models"
    result = run(nasprof, "export", "--arch", small, "--format", name, "-o", out, "--json")
    assert result.exit_code == 0, result.stderr
    (item,) = json.loads(result.stdout)
    assert Path(item["path"]).read_bytes()
    assert item["size_bytes"] == Path(item["path"]).stat().st_size
    again = json.loads(
        run(nasprof, "export", "--arch", small, "--format", name, "-o", out, "--json").stdout
    )
    if name != "torch":  # TorchScript names its types anew each time
        assert again[0]["sha256"] == item["sha256"]


def test_export_names_files_apart(run, small, tmp_path):
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / "small.json"
    twin.write_text(json.dumps([SMALL, SMALL | {"kernel_sizes": [5] * 20}]))
    args = ["--arch", small, twin, twin, "--batch", 2, "-o", tmp_path, "--json"]
    items = json.loads(run(nasprof, "export", *args).stdout)
    assert len({item["path"] for item in items}) == len(items) == 5
    assert Path(items[0]["path"]).name == "small-b2.onnx"
    table = run(nasprof, "export", "--arch", small, "-o", tmp_path)
    assert table.exit_code == 0
    assert "small.onnx" in table.stdout


def test_export_to_a_place_that_cannot_be_written_exits_1(run, small):
    result = run(nasprof, "export", "--arch", small, "-o", "/proc/nasprof")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "cannot write /proc/nasprof" in result.stderr


def test_devices_lists_every_profile_with_reasons(run, tmp_path, monkeypatch):
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices" / "broken.toml").write_text("kind = 3\n")
    (tmp_path / "devices" / "strange.toml").write_text('kind = "toaster"\n')
    monkeypatch.setenv("NASPROF_CONFIG", str(tmp_path))
    result = run(nasprof, "devices", "--json")
    items = {item["device"]: item for item in json.loads(result.stdout)}
    assert result.exit_code == 0
    assert {"cpu", "gpu", "pixel", "android", "broken", "strange"} <= set(items)
    assert items["cpu"]["reachable"] is True
    assert "field 'kind' is 3" in items["broken"]["detail"]
    assert "no device kind is called 'toaster'" in items["strange"]["detail"]
    table = run(nasprof, "devices")
    assert table.exit_code == 0
    assert "cpu" in table.stdout


def test_env_prints_what_a_bug_report_needs(run):
    facts = json.loads(run(nasprof, "env", "--json").stdout)
    assert facts["packages"]["onnxruntime"][0].isdigit()
    assert facts["machine"]["cpu"]
    assert "version" in run(nasprof, "env").stdout


QUICK = "fixed:runs=5,rounds=2,warmup=1"


def test_measure_prints_json_in_input_order(run, small, tmp_path):
    cell = tmp_path / "cell.txt"
    cell.write_text("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|")
    saved = tmp_path / "deep" / "results.jsonl"
    args = ["measure", "--device", "cpu", "--protocol", QUICK, "--json", "--save", saved]
    result = run(nasprof, *args, "--arch", cell, small)
    assert result.exit_code == 0, result.stderr
    items = json.loads(result.stdout)
    assert [item["name"] for item in items] == ["cell", "small"]
    assert [item["arch"]["space"] for item in items] == ["nasbench201", "ofa-mbv3"]
    for item in items:
        assert (item["device"], item["runtime"]) == ("cpu", "onnxruntime")
        assert item["protocol"]["runs"] == 5
        assert len(item["samples_ms"]) >= 10
        fastest, slowest = min(item["samples_ms"]), max(item["samples_ms"])
        assert fastest <= item["latency_ms"]["trimmed_mean"] <= slowest
        assert item["cpu_ms"]["trimmed_mean"] > 0
        assert item["overhead_ms"] < item["latency_ms"]["trimmed_mean"]
        assert isinstance(item["flags"], list)
    lines = [json.loads(line) for line in saved.read_text().splitlines()]
    printed = [{key: value for key, value in item.items() if key != "speed"} for item in items]
    assert sorted(lines, key=lambda line: line["name"]) == printed
    assert all(item["speed"] is None for item in items), "there is no table of this device"


def test_model_files_of_one_name_and_third_party_runtimes_are_measured(run, small, tmp_path):
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        run(nasprof, "export", "--arch", small, "-o", folder)
    paths = [folder / "small.onnx" for folder in folders]
    runtime = "devices.runner.adapters.onnxruntime_adapter:Adapter"
    args = ["--runtime", runtime, "--protocol", QUICK, "--json"]
    result = run(nasprof, "measure", "--model", *paths, *args)
    assert result.exit_code == 0, result.stderr
    assert [item["name"] for item in json.loads(result.stdout)] == ["small.onnx", "small.onnx-2"]
    result = run(nasprof, "measure", "--arch", small, *args)
    assert result.exit_code == 2
    assert "no model format belongs to runtime" in result.stderr


@pytest.mark.parametrize("runtime", ["litert", "torch"])
def test_measure_with_every_runtime(run, small, runtime):
    result = run(
        nasprof, "measure", "--arch", small, "--runtime", runtime, "--protocol", QUICK, "--csv"
    )
    assert result.exit_code == 0, result.stderr
    header, line = result.stdout.splitlines()
    assert dict(zip(header.split(","), line.split(","), strict=True))["runtime"] == runtime


def test_measure_model_files_and_plot_them(run, small, tmp_path):
    run(nasprof, "export", "--arch", small, "--format", "tflite", "-o", tmp_path)
    plot = tmp_path / "plot.png"
    args = ["--model", tmp_path / "small.tflite", "--protocol", QUICK, "--plot", plot]
    result = run(nasprof, "measure", *args)
    assert result.exit_code == 0, result.stderr
    assert "litert" in result.stdout
    assert "small.tflite" in result.stdout
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_measure_a_truncated_model_exits_1_and_names_it(run, small, tmp_path):
    run(nasprof, "export", "--arch", small, "-o", tmp_path)
    path = tmp_path / "small.onnx"
    path.write_bytes(path.read_bytes()[:5000])
    result = run(nasprof, "measure", "--model", path, "--protocol", QUICK)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "small.onnx" in result.stderr
    assert "Traceback" not in result.stderr


def test_measure_on_cpus_asked_for(run, small):
    import os

    cpu = max(os.sched_getaffinity(0))
    args = ["--affinity", cpu, "--threads", 1, "--protocol", QUICK, "--json"]
    result = run(nasprof, "measure", "--arch", small, *args)
    assert json.loads(result.stdout)[0]["affinity"] == [cpu]
    result = run(nasprof, "measure", "--arch", small, "--affinity", "1-x")
    assert result.exit_code == 2
    assert "affinity is '1-x'" in result.stderr


def test_an_interrupted_measurement_keeps_what_it_has(small, tmp_path):
    """Ctrl-C during a long measurement: exit code, saved samples, no process left."""
    import signal
    import time

    saved = tmp_path / "results.jsonl"
    script = Path(sys.executable).with_name("nasprof")
    args = ["measure", "--arch", small, "--protocol", "fixed:rounds=100000,runs=5"]
    process = subprocess.Popen(
        [script, *args, "--save", saved], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    time.sleep(6)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert stdout == ""
    assert "marked where incomplete" in stderr
    record = json.loads(saved.read_text())
    assert record["flags"].count("incomplete") == 1
    assert record["stopped"] == "interrupted"
    assert len(record["samples_ms"]) >= 5


def test_a_folder_is_no_place_for_results_which_is_said_before_measuring(run, small, tmp_path):
    result = run(nasprof, "measure", "--arch", small, "--protocol", QUICK, "--save", tmp_path)
    assert result.exit_code == 2
    assert "is a directory" in result.stderr
    assert result.stdout == ""


def test_results_that_cannot_be_saved_are_still_shown(run, small):
    result = run(
        nasprof, "measure", "--arch", small, "--protocol", QUICK, "--json", "--save", "/dev/full"
    )
    assert result.exit_code == 1
    assert json.loads(result.stdout)[0]["samples_ms"]
    assert "cannot append to /dev/full: No space left on device" in result.stderr
