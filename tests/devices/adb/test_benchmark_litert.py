"""Output of LiteRT 2.x's benchmark_model, and every form of Android's log."""

from __future__ import annotations

import re

import pytest
from data_files import DATA

from devices.adb.benchmark_check import check_result
from devices.adb.benchmark_output import parse_benchmark
from devices.errors import RunnerCrashed, RunnerRefused


def read(name):
    return (DATA / "benchmark_model" / f"litert2_{name}.txt").read_text()


def test_litert_2_is_read_by_its_count_lines_and_checked_by_its_block():
    result = parse_benchmark(read("cpu"))
    assert check_result(result, 0, 1).mean_ms == pytest.approx(8.123)
    assert (result.init_ms, result.first_ms, result.warmup.mean_ms) == (4.478, 9.12, 9.12)
    assert result.flags == []


def test_litert_2_tells_memory_runs_and_the_accelerator():
    result = parse_benchmark(read("gpu"))
    timing = check_result(result, 0, 10, "gpu")
    assert (timing.mean_ms, timing.count, timing.p95_ms) == (3.1046, 10, 3.14)
    assert result.memory_mb == {"init": 91.74, "overall": 96.02, "peak": 120.5}
    assert result.delegates == {"npu": "not", "gpu": "completely"}
    assert result.flags == []
    with pytest.raises(RunnerRefused, match="NPU accelerator could not be loaded"):
        check_result(result, 0, 10, "npu")


def test_an_npu_that_fell_back_to_the_cpu_is_refused_by_name():
    result = parse_benchmark(read("npu_fallback"))
    with pytest.raises(RunnerRefused, match=r"npu delegate did not run.*could not be.*xnnpack ran"):
        check_result(result, 0, 1, "npu")
    with pytest.raises(RunnerRefused, match="gpu delegate did not run the model"):
        check_result(result, 0, 1, "gpu")
    assert check_result(result, 0, 1, "xnnpack").mean_ms == 8.123
    assert result.flags == [], "operators that XNNPACK leaves run on the CPU as well"


@pytest.mark.parametrize(
    ("nodes", "how", "flags"),
    [
        ("66 out of 66", "completely", []),
        ("60 out of 66", "partially", ["partially-delegated"]),
        ("0 out of 66", "not", []),
    ],
)
def test_how_much_of_the_graph_an_accelerator_runs_is_told(nodes, how, flags):
    result = parse_benchmark(read("gpu").replace("66 out of 66", nodes))
    assert (result.delegates["gpu"], result.flags) == (how, flags)


def test_a_subgraph_that_stays_on_the_cpu_makes_it_partial():
    line = "VERBOSE: Replacing 1 out of 3 node(s) with delegate (LITERT_CL) node, yielding 2\n"
    assert parse_benchmark(read("gpu") + line).delegates["gpu"] == "partially"
    line = "I tflite: Replacing 1 out of 1 node(s) with delegate (DispatchDelegate) node, yield\n"
    assert parse_benchmark(read("gpu") + line).delegates["npu"] == "partially"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Inference (avg):      8.12 ms", "Inference (avg):      8.32 ms"),
        ("Inference (avg):      8.12 ms (1 runs)", "Inference (avg):      8.12 ms (2 runs)"),
        ("Inference (avg):      8.12 ms (1 runs)", "Inference (avg):      8.12"),
        ("Inference (avg):      8.12 ms", "Inference (avg):      nan ms"),
        ("Inference (avg):      8.12 ms", "Inference (avg):      8.12 MB"),
        ("count=1 curr=8123 ", "count=1 curr=9123 "),
    ],
)
def test_a_block_that_contradicts_the_measurement_is_refused(old, new):
    text = read("cpu")
    changed = text.replace(old, new)
    assert changed != text
    with pytest.raises(RunnerRefused, match="no measurement that is whole"):
        check_result(parse_benchmark(changed), 0, 1)


def test_small_times_agree_although_the_block_has_two_decimals():
    text = read("cpu").replace("8123", "12.6").replace("8.12 ms", "0.01 ms")
    assert check_result(parse_benchmark(text), 0, 1).mean_ms == pytest.approx(0.0126)


def test_a_block_alone_counts_where_two_decimals_are_enough():
    block = "".join(line for line in read("cpu").splitlines(True) if "count=" not in line)
    assert check_result(parse_benchmark(block), 0, 1).mean_ms == 8.12
    with pytest.raises(RunnerRefused, match="no measurement that is whole"):
        check_result(parse_benchmark(block.replace("8.12 ms", "0.12 ms")), 0, 1)


def test_a_model_that_litert_cannot_load_is_refused_in_its_words():
    with pytest.raises(RunnerRefused, match="cannot use the model: Failed to load model"):
        check_result(parse_benchmark(read("no_model")), 1, 1)
    with pytest.raises(RunnerCrashed, match="exit code 1"):
        check_result(parse_benchmark("INFO: STARTING!\n"), 1, 1)


@pytest.mark.parametrize(
    ("flag", "remedy"),
    [
        ("--use_xnnpack=true", "always runs the CPU by XNNPACK"),
        ("--enable_op_profiling=true", "prints no operator profile"),
        ("--bogus=1", "newer build"),
    ],
)
def test_flags_that_litert_2_lacks_have_their_own_remedy(flag, remedy):
    result = parse_benchmark(f"WARN: Unconsumed cmdline flags: {flag}\n" + read("cpu"))
    with pytest.raises(RunnerRefused, match="does not know") as caught:
        check_result(result, 0, 1)
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("name", ["cpu", "gpu", "npu_fallback"])
def test_output_cut_off_anywhere_gives_the_right_number_or_none(name):
    text = read(name)
    whole = parse_benchmark(text).inference
    accepted = 0
    for end in range(0, len(text), 3):
        for tail in ("", "\n"):
            try:
                timing = check_result(parse_benchmark(text[:end] + tail), 0, whole.count)
            except RunnerRefused:
                continue
            accepted += 1
            assert timing == whole
    assert accepted


# The formats of `logcat -v`, with modifiers, and that of Android Studio.
LOGCAT = {
    "threadtime": "01-02 03:04:05.678  1234  5678 I {tag}  : {line}",
    "a time without ids": "06-08 12:09:32.317 I {tag}        : {line}",
    "a year": "2026-01-02 03:04:05.678  1234  5678 I {tag}: {line}",
    "microseconds and zone": "01-02 03:04:05.678901 +0100  1234  5678 I {tag}: {line}",
    "epoch": "1767322800.123  1234  5678 I {tag}  : {line}",
    "monotonic": "    12.345678  1234  5678 I {tag}: {line}",
    "uid": "01-02 03:04:05.678 u0_a123  1234  5678 I {tag}: {line}",
    "time": "01-02 03:04:05.678 I/{tag}  ( 1234): {line}",
    "brief": "I/{tag}  ( 1234): {line}",
    "brief, short id": "I/{tag}(   12): {line}",
    "tag": "I/{tag}  : {line}",
    "thread": "I( 1234: 5678) {line}",
    "process": "I( 1234) {line}",
    "bare": "I {tag}: {line}",
    "studio": "2026-01-02 03:04:05.678  1234-5678  {tag}   com.example.app   I  {line}",
    "colour": "\x1b[32m01-02 03:04:05.678  1234  5678 I {tag}  : {line}\x1b[0m",
    "carriage return": "01-02 03:04:05.678  1234  5678 I {tag}  : {line}\r",
}


@pytest.mark.parametrize("form", LOGCAT)
@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_every_form_of_logcat_is_read(form, name):
    bare = [re.sub(r"^(?:INFO|VERBOSE|WARNING): ", "", line) for line in read(name).splitlines()]
    tags = ["litert" if line.startswith("[") else "tflite" for line in bare]
    lines = [LOGCAT[form].format(tag=tag, line=line) for tag, line in zip(tags, bare, strict=True)]
    result = parse_benchmark("\n".join([*lines, ""]))
    expected = parse_benchmark(read(name))
    assert check_result(result, 0) == check_result(expected, 0)
    assert (result.delegates, result.memory_mb) == (expected.delegates, expected.memory_mb)
    both = parse_benchmark(read(name) + "\n".join([*lines, ""]))
    assert check_result(both, 0) == check_result(expected, 0)


def test_hostile_lines_end_quickly_and_give_nothing():
    for text in ("I " + "a " * 50_000 + "\n", "1" * 100_000 + ".1\n", "[" + "a" * 100_000 + "\n"):
        with pytest.raises(RunnerRefused):
            check_result(parse_benchmark(text), 0, 1)
    huge = "Replacing " + "9" * 5000 + " out of 1 node(s) with delegate (LITERT_CL) node\n"
    assert "gpu" not in parse_benchmark(read("cpu") + huge).delegates
