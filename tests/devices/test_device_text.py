"""Whatever a device says is read as what it is, or named; nothing of it is an error of Python's."""

from __future__ import annotations

import io
import json
import math
import random
import re
import zipfile

import numpy as np
import pytest
from mutations import damaged

from devices.adb.benchmark_check import check_result
from devices.adb.benchmark_output import parse_benchmark
from devices.adb.benchmark_round import Visits, operator_times
from devices.adb.json_runner import _check, _Replies
from devices.adb.onnxruntime_output import parse_perf_test
from devices.adb.shell_output import OutputReader, ShellResult
from devices.adb.state import (
    big_cores,
    parse_facts,
    parse_state,
    parse_thermalservice,
    taskset_mask,
    throttled,
)
from devices.adb.transfer import refusal, verify_files
from devices.arrays import read_arrays
from devices.errors import DeviceError, RunnerCrashed, RunnerRefused
from devices.foreign import MAX_TIME_MS, clean, cores_of, lines_of, number, printable, whole
from devices.replies import (
    RoundReplies,
    checked_hello,
    checked_load,
    context_of,
    operators_of,
    parse_reply,
)
from nasprof.errors import UsageError

CPU = "/sys/devices/system/cpu"
FACTS = (
    "@@props\nro.product.manufacturer=Google\nro.product.model=Pixel 7\n"
    "ro.build.version.release=14\n@@uname\nLinux 5.10.149 aarch64\n"
    '@@os\nPRETTY_NAME="Debian GNU/Linux 12"\n@@cpu\nmodel name\t: Cortex-A78\n'
    "@@board\nRaspberry Pi 4\n@@count\n8\n@@sysfs\n"
    + "".join(f"{CPU}/cpu{i}/cpufreq/cpuinfo_max_freq:{1_800_000 + i}\n" for i in range(8))
)
STATE = (
    "@@battery\nCurrent Battery Service state:\n  AC powered: false\n  USB powered: true\n"
    "  level: 87\n  scale: 100\n  temperature: 253\n@@thermal\nIsStatusOverride: false\n"
    "Thermal Status: 1\nCached temperatures:\n"
    "\tTemperature{mValue=31.5, mType=3, mName=skin, mStatus=0}\n"
    "Current temperatures from HAL:\n"
    "\tTemperature{mValue=41.25, mType=0, mName=cpu0, mStatus=0}\n"
    "\tTemperature{mValue=3.9, mType=6, mName=vbat, mStatus=0}\n"
    "Current cooling devices from HAL:\n"
    "@@load\n0.52 0.58 0.59 1/389 12345\n@@sysfs\n"
    f"{CPU}/cpu0/cpufreq/scaling_cur_freq:1200000\n{CPU}/cpu0/cpufreq/scaling_max_freq:1800000\n"
    f"{CPU}/cpu0/cpufreq/scaling_governor:schedutil\n"
    "/sys/class/thermal/thermal_zone0/type:cpu-big\n/sys/class/thermal/thermal_zone0/temp:41000\n"
    "/sys/class/thermal/cooling_device0/type:cpufreq-cpu0\n"
    "/sys/class/thermal/cooling_device0/cur_state:1\n"
)
BENCHMARK = (
    "STARTING!\nINFO: Initialized session in 92.884ms.\n"
    "count=1 curr=39759\n"
    "count=3 first=35851 curr=35900 min=35851 max=36001 avg=35917.3 std=62 p5=35851 "
    "median=35900 p95=36001\n"
    "Inference timings in us: Init: 92884, First inference: 39759, Warmup (avg): 39759, "
    "Inference (avg): 35917.3\n"
    "Note: as the benchmark tool itself affects memory footprint, the following is only "
    "APPROXIMATE.\nMemory footprint delta from the start of the tool (MB): init=5.1 overall=9.7\n"
    "Overall peak memory footprint (MB) via periodic monitoring: 20.5\n"
)
PROFILE = (
    BENCHMARK + "Operator-wise Profiling Info for Regular Benchmark Runs:\n"
    "============================== Run Order ==============================\n"
    "\t             [node type]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t"
    "[times called]\t[Name]\n"
    "\t                 CONV_2D\t   12.001\t   11.500\t 60.000%\t 60.000%\t     0.000\t"
    "        1\t[conv/relu]:0\n"
    "\t         FULLY_CONNECTED\t    8.100\t    7.500\t 40.000%\t100.000%\t     0.000\t"
    "        1\t[logits]:1\n"
    "\n============================== Top by Computation Time ===============\n"
    "CSV\n============================== Run Order ==============================\n"
    "node type, first, avg_ms, %, cdf%, mem KB, times called, name\n"
    "CONV_2D, 12.001, 11.5, 60%, 60%, 0, 1, conv\n"
)
GPU = (
    "INFO: Created TensorFlow Lite delegate for GPU.\n"
    "Explicitly applied GPU delegate, and the model graph will be completely executed by the "
    "delegate.\n" + BENCHMARK
)
LITERT = (
    "INFO: [environment.cc:30] Creating LiteRT environment with options\n"
    "INFO: Replacing 31 out of 31 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 1 "
    "partitions for subgraph 0.\n"
    "INFO: count=1 curr=8203\n"
    "INFO: count=3 first=8119 curr=8120 min=8100 max=8150 avg=8123 std=20\n"
    "INFO: \n========== BENCHMARK RESULTS ==========\n"
    "INFO: Model initialization: 12.34 ms\n"
    "INFO: Warmup (first):       8.20 ms\n"
    "INFO: Warmup (avg):         8.20 ms (1 runs)\n"
    "INFO: Inference (avg):      8.12 ms (3 runs)\n"
    "INFO: Overall footprint:    11.38 MB\n"
    "INFO: ======================================\n"
)
PERF_TEST = (
    "Session creation time cost: 0.0312 s\nFirst inference time cost: 12 ms\n"
    "Total inference time cost: 1.21 s\nTotal inference requests: 100\n"
    "Average inference time cost: 12.1 ms\nTotal inference run time: 1.22 s\n"
    "Number of inferences per second: 81.9\nAvg CPU usage: 98 %\n"
    "Peak working set size: 44535808 bytes\nMin Latency: 0.0118 s\nMax Latency: 0.0152 s\n"
    "P50 Latency: 0.0120 s\nP99 Latency: 0.0150 s\nP999 Latency: 0.0152 s\n"
)


def check_words(value):
    """Nothing in a value that cannot be shown, written, or that is no number."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    text.encode()
    if isinstance(value, dict):
        for key, each in value.items():
            check_words(key)
            check_words(each)
    elif isinstance(value, str):
        assert printable(value) == value
        assert len(value) <= 2000


@pytest.mark.parametrize("seed", range(4))
def test_facts(seed):
    for text in damaged((FACTS,), 600, seed):
        facts = parse_facts(text)
        check_words(facts)
        assert 0 < facts.get("cores", 1) <= 8192, text
        assert all(0 < khz <= 10**8 for khz in facts.get("max_khz", {}).values()), text
        cores = big_cores(facts.get("max_khz", {}), 4)
        assert len(taskset_mask(cores or ())) <= 2048


@pytest.mark.parametrize("seed", range(4))
def test_states(seed):
    calm = parse_state(STATE)
    for text in damaged((STATE,), 600, seed):
        state = parse_state(text)
        check_words(state)
        assert 0 <= state.get("battery", {}).get("level", 0) <= 100
        assert -100 <= state.get("battery", {}).get("temperature_c", 0) <= 200
        assert 0 < state.get("temperature_c", 1) < 200, text
        assert 0 <= state.get("thermal_status", 0) <= 6
        assert throttled(state, calm) in (True, False)


def check_time(ms, text):
    """A time that stands in the text, in microseconds."""
    assert math.isfinite(ms)
    assert ms >= 0
    seen = "\n".join(lines_of(text))
    units = (1e-3, 1.0, 1e3) if "BENCHMARK RESULTS" in text else (1e-3,)
    stated = [number(word) for word in re.findall(r"[\d.e+-]+", seen)]
    values = [value * unit for value in stated if value is not None for unit in units]
    assert any(math.isclose(ms, value, rel_tol=1e-9) for value in values), text


def test_undamaged_benchmarks():
    for text, mean_ms in ((BENCHMARK, 35.9173), (PROFILE, 35.9173), (LITERT, 8.123)):
        assert check_result(parse_benchmark(text), 0, 3).mean_ms == pytest.approx(mean_ms)
    assert check_result(parse_benchmark(GPU), 0, 3, "gpu").count == 3


@pytest.mark.parametrize("seed", range(4))
def test_benchmarks(seed):
    for text in damaged((BENCHMARK, PROFILE, GPU, LITERT), 400, seed):
        result = parse_benchmark(text)
        check_words([result.problems, result.unknown_flags, result.model_errors, result.flags])
        check_words({**result.memory_mb, **result.delegates})
        for op in result.ops:
            check_words([op.name, op.node_type, op.first_ms, op.avg_ms, op.memory_kb, op.start_ms])
            assert 0 <= op.share <= 1.01
            assert op.avg_ms >= 0
        for delegate in (None, "gpu"):
            try:
                timing = check_result(result, 0, 3, delegate)
            except (RunnerRefused, RunnerCrashed):
                continue
            check_time(timing.mean_ms, text)
            assert timing.count == 3
        try:
            times = operator_times(text, 0, 3, None)
        except (RunnerRefused, RunnerCrashed):
            continue
        check_words(times)
        assert all(ms >= 0 for ms in times.values())


@pytest.mark.parametrize("seed", range(2))
def test_rounds_of_benchmarks(seed):
    single = BENCHMARK.replace("count=3 first=35851", "count=1 first=35851")
    texts = (f"{single}\n@@end 0\n{single}\n@@end 0\n{single}\n@@end 0\n",)
    for text in damaged(texts, 300, seed):
        came = []
        visits = Visits(
            ["a", "b", "a"], 1, None, lambda name, samples, came=came: came.append(samples)
        )
        progress = sum(visits.line(line) for line in text.split("\n"))
        assert progress <= 3, "it would be waited for without an end"
        try:
            visits.check()
        except (RunnerRefused, RunnerCrashed) as error:
            check_words(error.message)
        else:
            assert len(came) == 3
        for samples in [*came, *visits.cut_short().values()]:
            check_words({**samples.context, "times": samples.wall_ms})
            check_time(samples.wall_ms[0], text)


@pytest.mark.parametrize("seed", range(4))
def test_perf_tests(seed):
    for text in damaged((PERF_TEST,), 300, seed):
        try:
            result = parse_perf_test(text)
        except RunnerRefused:
            continue
        figures = [result.session_ms, result.min_ms, result.max_ms, result.cpu_percent]
        check_words([result.mean_ms, *figures, result.peak_memory_mb])
        check_words([*result.percentiles_ms, *result.percentiles_ms.values()])
        assert result.count >= 1
        assert all(value >= 0 for value in [result.mean_ms, *figures] if value is not None)


HELLO = {"op": "hello", "runtime": "onnxruntime", "threads": 1, "affinity": [3], "options": {}}
REPLIES = (
    '{"ok": "hello", "runtime": "onnxruntime", "runtime_version": "1.20.1", "threads": 1, '
    '"affinity": [3], "python": "3.11.2", "pid": 12, "wall_resolution_ns": 1, '
    '"cpu_clock": "thread", "facts": {"provider": "CPUExecutionProvider"}}',
    '{"ok": "load", "name": "m", "load_ms": 12.5, "inputs": [{"name": "x", "shape": [1, 3], '
    '"dtype": "float32"}], "outputs": [{"name": "y", "shape": [1], "dtype": "float32"}]}',
    '{"ok": "samples", "name": "m", "wall_ms": [1.5, 1.25], "cpu_ms": [1.5, 1.25], "context": '
    '{"elapsed_ms": 3.1, "own_cores": 1.0, "other_cores": null, "involuntary_switches": 0}}',
    '{"ok": "round", "context": {"elapsed_ms": 400.5, "other_cores": 0.1}}',
    '{"ok": "profile", "name": "m", "times_ms": [["conv", 0.5], ["gemm", 0.25]]}',
    '{"error": "load", "kind": "refused", "message": "model file m does not exist"}',
)


@pytest.mark.parametrize("seed", range(6))
def test_answers_of_a_runner(seed):
    for line in damaged(REPLIES, 1000, seed):
        for read in (
            lambda reply: check_words(checked_hello(reply, HELLO)),
            lambda reply: json.dumps(checked_load(reply, "m"), ensure_ascii=False).encode(),
            lambda reply: check_samples(*RoundReplies(["m"], 2).visit(reply)),
            lambda reply: check_words(context_of(reply)),
            lambda reply: json.dumps(operators_of(reply, "m"), ensure_ascii=False).encode(),
        ):
            try:
                reply = parse_reply(line)
                if reply is not None:
                    read(reply)
            except (RunnerCrashed, RunnerRefused) as error:
                check_words(error.message)


def check_samples(name, samples):
    assert name == "m"
    for values in (samples.wall_ms, samples.cpu_ms or [0.0, 0.0]):
        assert len(values) == 2
        assert all(type(v) in (int, float) and 0 <= v <= MAX_TIME_MS for v in values)
    check_words(samples.context)


@pytest.mark.parametrize("seed", range(2))
def test_rounds_of_a_runner(seed):
    talk = "\n".join((REPLIES[0], REPLIES[1], REPLIES[2], REPLIES[3], "a warning"))
    asked = {"hello", "load", "round"}
    for text in damaged((talk,), 400, seed):
        visits = RoundReplies(["m"], 2)
        came = []

        def keep(reply, visits=visits, came=came):
            if reply["ok"] == "samples":
                came.append(visits.visit(reply))

        replies = _Replies(4, keep)
        try:
            for line in text.split("\n"):
                replies.line(line)
            _check(replies, 0, asked)
            checked_hello(replies.by_kind["hello"], HELLO)
            context_of(replies.by_kind["round"])
            visits.check()
        except (RunnerCrashed, RunnerRefused) as error:
            check_words(error.message)
            check_words(error.remedy)
        else:
            check_samples(*came[0])


class Shell:
    """A device whose every command says the same."""

    def __init__(self, output):
        self.output = output

    def shell(self, command, timeout_s=10.0):
        return ShellResult(self.output, 0)


def test_listings_of_files(tmp_path):
    files = {}
    for number_of in range(3):
        files[f"{number_of}-m.onnx"] = tmp_path / f"{number_of}-m.onnx"
        files[f"{number_of}-m.onnx"].write_text("x" * number_of)
    sums = (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  0-m.onnx\n"
        "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  1-m.onnx\n"
        "5dde896887f6754c9b15bfe3a441ae4806df2fde94001311e08bf110622e0bbe  2-m.onnx\n"
    )
    listing = f"0 0-m.onnx\n1 1-m.onnx\n2 2-m.onnx\n3 total\n@@sha256sum\n{sums}"
    assert verify_files(Shell(listing), "/data", files) == "sha256"
    for text in damaged((listing,), 600):
        try:
            assert verify_files(Shell(text), "/data", files) in ("sha256", "size")
        except DeviceError as error:
            check_words(error.message)
    space = "Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/x 1000 10 990 1% /data\n"
    for text in damaged((space,), 600):
        check_words(refusal(Shell(text), "/data/x", 10**7, "").message)


def test_output_of_commands():
    rng = random.Random(2)
    marker = "@@rc-01234567="
    for text in damaged((f"one\ntwo\nthree\n{marker}0\n",), 1500):
        reader = OutputReader(marker, None)
        data = text.encode("utf-8", "surrogatepass")
        while data:
            size = rng.randint(1, 20)
            reader.feed(data[:size])
            data = data[size:]
        assert reader.exit_code is None or 0 <= reader.exit_code <= 255
        check_words(reader.exit_code)
        assert all(printable(line) == line for line in reader.lines)


def test_archives_of_outputs():
    stream = io.BytesIO()
    np.savez(stream, y=np.arange(6.0).reshape(2, 3), label=np.array(["a", "b"]))
    whole_file = stream.getvalue()
    rng = random.Random(3)
    assert read_arrays(whole_file)["y"].tolist() == [[0, 1, 2], [3, 4, 5]]
    read = 0
    for _ in range(3000):
        data = bytearray(whole_file)
        for _ in range(rng.choice((1, 1, 2, 5))):
            match rng.randrange(3):
                case 0:
                    data[rng.randrange(len(data))] = rng.randrange(256)
                case 1:
                    spot = rng.randrange(len(data))
                    data[spot : spot + 4] = rng.choice((b"\xff\xff\xff\xff", b"\0\0\0\0"))
                case _:
                    del data[rng.randrange(len(data)) :]
                    data += b"x"
        try:
            arrays = read_arrays(bytes(data))
        except RunnerCrashed as error:
            check_words(error.message)
        else:
            read += 1
            assert sum(array.nbytes for array in arrays.values()) <= len(data)
    assert read < 3000


# --- single cases --------------------------------------------------------------------------------


def test_a_temperature_that_is_no_number_is_left_out():
    sensor = "Temperature{{mValue={}, mType=0, mName=cpu, mStatus=0}}"
    for value in ("--", "-", "1.2.3", "1e999", "-1e999", "E", 5000 * "9"):
        assert parse_thermalservice(sensor.format(value)).temperatures_c == {}
    assert parse_thermalservice(sensor.format("41.5")).temperatures_c == {"cpu": 41.5}


@pytest.mark.parametrize("count", [4992 * "9", "0", "-8", "8193", "٨", "8 9", "8.0", "1e1"])
def test_a_number_of_cores_that_cannot_be_is_left_out(count):
    assert "cores" not in parse_facts(f"@@count\n{count}\n")


@pytest.mark.parametrize("core", ["10000000000", "8192", 5000 * "9", "٣"])
def test_a_core_that_cannot_be_is_left_out(core):
    line = f"{CPU}/cpu{core}/cpufreq/cpuinfo_max_freq:1800000"
    assert parse_facts(f"@@sysfs\n{line}\n") == {}


@pytest.mark.parametrize(
    "text",
    ["0-99999999999", "99999999999", "3-1", "-1", "a", "1-", "-", "0-3,", "1;2", 9999 * "1,"],
)
def test_what_is_no_list_of_cores(text):
    assert cores_of(text) is None


def test_lists_of_cores():
    assert cores_of("0-3,7\n") == {0, 1, 2, 3, 7}
    assert cores_of(" 8191 ") == {8191}


@pytest.mark.parametrize("core", [10**10, -1, 8192])
def test_a_mask_of_cores_that_cannot_be_is_refused(core):
    with pytest.raises(UsageError, match="cannot exist"):
        taskset_mask([core])


NO_TIMES = (
    "[true, 1]",
    "[-1, 1]",
    "[NaN, 1]",
    "[Infinity, 1]",
    "[1e999, 1]",
    "[1e300, 1]",
    f"[{4000 * '9'}, 1]",
    '["1", 2]',
    "[null, 1]",
    "[[1], 2]",
    "[1]",
    "[1, 2, 3]",
    "{}",
    "null",
    "1",
)


@pytest.mark.parametrize("times", NO_TIMES)
def test_times_that_are_none_are_refused(times):
    line = REPLIES[2].replace("[1.5, 1.25]", times, 1)
    with pytest.raises(RunnerCrashed, match="damaged"):
        RoundReplies(["m"], 2).visit(parse_reply(line))


def test_a_round_of_other_models_or_of_too_many_is_refused():
    reply = parse_reply(REPLIES[2])
    visits = RoundReplies(["m", "n"], 2)
    visits.visit(reply)
    with pytest.raises(RunnerCrashed, match="about 'm'"):
        visits.visit(reply)
    with pytest.raises(RunnerCrashed, match="no samples of n"):
        visits.check()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"ok": "hello", "x": ' + 100 * "[" + 100 * "]" + "}", "levels"),
        ('{"ok": "hello", "x": ' + 5000 * "9" + "}", "5000 digits"),
        ('{"ok": "hello", "x": NaN}', "NaN"),
        ('{"ok": "hello", "ok": "round"}', "twice"),
        ('{"ok": "hello", "x": "' + (9 << 20) * "x" + '"}', "longer than"),
    ],
)
def test_answers_that_are_too_much(line, said):
    with pytest.raises(RunnerCrashed, match=said):
        parse_reply(line)


@pytest.mark.parametrize(
    "line", ["", "{", "{}", "[1]", "null", '{"a": 1}', 10**5 * "[", "{" * 10**5 + "}"]
)
def test_what_is_no_answer(line):
    assert parse_reply(line) is None


def test_a_runner_that_answers_without_an_end_is_refused():
    replies = _Replies(2)
    replies.line(REPLIES[0])
    replies.line(REPLIES[1])
    with pytest.raises(RunnerCrashed, match="more than it was asked"):
        replies.line(REPLIES[1])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"runtime": "litert"}, "runtime"),
        ({"threads": True}, "threads"),
        ({"threads": 2}, "threads"),
        ({"affinity": [10**10]}, "affinity"),
        ({"affinity": [True]}, "affinity"),
        ({"affinity": "0-3"}, "affinity"),
        ({"affinity": [2]}, "affinity"),
        ({"affinity": None}, "affinity"),
    ],
)
def test_a_runner_that_is_another_than_asked_for_is_refused(change, said):
    with pytest.raises(RunnerCrashed, match=said):
        checked_hello({**json.loads(REPLIES[0]), **change}, HELLO)


def npz(write):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        write(archive)
    return stream.getvalue()


def header(shape, dtype="<f8"):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"shape": shape, "fortran_order": False, "descr": dtype}
    )
    return stream.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        lambda archive: archive.writestr("y.npy", header((1 << 37,))),
        lambda archive: archive.writestr("y.npy", header((-1,))),
        lambda archive: archive.writestr("y.npy", header((1,), "|O") + bytes(8)),
        lambda archive: archive.writestr("y", header((1,)) + bytes(8)),
        lambda archive: archive.writestr("y.npy", "no array"),
        lambda archive: archive.writestr("y.npy", bytes(10**8), zipfile.ZIP_DEFLATED),
        lambda archive: [archive.writestr(f"{i}.npy", b"") for i in range(4001)],
    ],
    ids=["empty", "cut", "1 TB", "negative", "objects", "no .npy", "text", "packed", "many"],
)
def test_archives_that_promise_too_much(data):
    with pytest.raises(RunnerCrashed, match="cannot be read"):
        read_arrays(npz(data) if callable(data) else data)


def test_what_cannot_be_shown_does_not_join_the_digits_beside_it():
    assert check_result(parse_benchmark(BENCHMARK), 0, 3).mean_ms == pytest.approx(35.9173)
    for between in ("\0", "\x08", "\u202e", "\x9b", "\ud800"):
        with pytest.raises(RunnerRefused):
            check_result(parse_benchmark(BENCHMARK.replace("35917.3", f"3{between}5917.3")), 0, 3)
    assert parse_facts("@@count\n1\x002\n") == {}
    assert parse_facts("@@board\nRaspberry Pi 4\0\n")["board"] == "Raspberry Pi 4"


def test_words_for_people_are_on_one_line_and_short():
    assert clean("\x1b[31mred\x1b[0m\nand\x07 \u202eblue\ud800") == "red and blue"
    assert clean(1000 * "x") == 199 * "x" + "…"
    assert clean("naïve 東京 ±1") == "naïve 東京 ±1"
    assert "\x1b" not in str(DeviceError("\x1b[2Jgone", "do \x9b31mthis"))


@pytest.mark.parametrize("text", ["", "-", "1.5", "1e3", "٣", "0x1", 19 * "9", "1_0", "1 2"])
def test_what_is_no_whole_number(text):
    assert whole(text) is None


@pytest.mark.parametrize(
    "text", ["", "-", ".", "nan", "inf", "1e999", "--", "1.2.3", "1e9999", "٣"]
)
def test_what_is_no_number(text):
    assert number(text) is None


def test_numbers():
    assert [number(text) for text in ("1", "1.", ".5", "+2e3", " 7 ")] == [1, 1, 0.5, 2000, 7]
    assert number("-1") is None
    assert number("-1", -2) == -1
    assert whole("007") == 7
