"""Output of benchmark_model and onnxruntime_perf_test: recorded, and in layouts of others."""

from __future__ import annotations

import re

import pytest
from data_files import DATA

from devices.adb import parse_perf_test
from devices.adb.benchmark_check import check_result
from devices.adb.benchmark_output import parse_benchmark
from devices.adb.benchmark_tool import tool_flags
from devices.errors import RunnerCrashed, RunnerRefused
from devices.foreign import cores_of

SAMPLES = DATA / "benchmark_model"

# File -> (init, first, warm-up mean and count, measured mean and count), all times in ms.
TIMES = {
    "made_tf23_op_profiling.txt": (1.234, 41.23, (31.4159, 16), (30.2015, 50)),
    "made_timings_line.txt": (0.812, 0.547, (0.0152541, None), (0.0160303, None)),
    "made_nnapi_not_executed_logcat.txt": (None, None, None, None),
    "made_gpu_cut_off.txt": (9876.5, None, (29.543, 20), None),
    "made_tf1.txt": (8.765, None, (61.2345, 8), (54.3876, 19)),
    "litert_readme_op_profiling.txt": (38.467, None, (83.235, None), (79.732, 50)),
    "own_cpu_30runs": (106.561, 92.603, (87.9492, 5), (55.105, 30)),
    "own_gpu": (None, None, None, None),
    "own_junk_model": (None, None, None, None),
    "own_max_secs": (87.962, 38.434, (38.434, 1), (35.9768, 9)),
    "own_missing_graph": (None, None, None, None),
    "own_nnapi": (95.157, 42.98, (42.98, 1), (36.3875, 2)),
    "own_no_graph": (None, None, None, None),
    "own_op_profiling": (96.76, 39.208, (39.208, 1), (35.6254, 5)),
    "own_op_profiling.csv": (None, None, None, (42.0766, 5)),
    "own_op_profiling_csv": (64.186, 88.089, (88.089, 1), (42.1476, 5)),
    "own_single_run": (92.884, 39.759, (39.759, 1), (35.851, 1)),
    "own_truncated_model": (None, None, None, None),
    "own_unknown_flag": (87.747, 39.493, (39.493, 1), (36.4645, 2)),
}
NOTHING = (None, None)
OTHER_PROGRAMS = {
    "made_perf_test.txt",
    "made_perf_test_older.txt",
    "made_thermalservice.txt",
}


def read(name):
    """The program's output without our own comments, and its exit code."""
    text = (SAMPLES / name).read_text()
    code = re.search(r"^# exit: (\d+)$", text, re.MULTILINE)
    kept = [line for line in text.splitlines() if not line.startswith("# ")]
    return "\n".join(kept) + "\n", int(code[1]) if code else 0


def variants(stem):
    """The file itself, or stdout, stderr and both as one stream in the order a shell may give."""
    if "." in stem:
        return [read(stem)]
    (out, code), (err, _) = read(f"{stem}.txt"), read(f"{stem}.stderr")
    return [(out, code), (err, code), (out + err, code), (err + out, code)]


def test_every_recorded_file_is_checked_here():
    covered = {name for stem in TIMES for name in ([stem] if "." in stem else
               [f"{stem}.txt", f"{stem}.stderr"])}  # fmt: skip
    there = {path.name for path in SAMPLES.iterdir() if not path.name.startswith("litert2_")}
    assert covered | OTHER_PROGRAMS == there


@pytest.mark.parametrize("stem", TIMES)
def test_times_are_read_from_every_format(stem):
    for text, _ in variants(stem):
        result = parse_benchmark(text)
        found = (
            result.init_ms,
            result.first_ms,
            *((result.warmup.mean_ms, result.warmup.count) if result.warmup else NOTHING),
            *((result.inference.mean_ms, result.inference.count) if result.inference else NOTHING),
        )
        init, first, warmup, inference = TIMES[stem]
        expected = (init, first, *(warmup or NOTHING), *(inference or NOTHING))
        assert [None if value is None else round(value, 9) for value in found] == list(expected)


def test_all_statistics_of_a_line_are_read():
    timing = parse_benchmark(read("own_cpu_30runs.txt")[0]).inference
    assert (timing.first_ms, timing.last_ms) == pytest.approx((94.432, 43.993))
    assert (timing.min_ms, timing.max_ms, timing.std_ms) == pytest.approx((36.413, 94.432, 14.131))
    assert (timing.p5_ms, timing.median_ms, timing.p95_ms) == pytest.approx(
        (36.478, 51.967, 84.536)
    )


def test_numbers_with_an_exponent_are_read():
    text = (
        "count=2 first=1.2e+06 curr=1200000 min=1.2e+06 max=1.3e+06 avg=1.25e+06 std=5e+04\n"
        "count=1 curr=1.2345e+06\n"
        "Inference timings in us: Init: 8.5e+06, First inference: 1.2e+06, "
        "Warmup (avg): 1.25e+06, Inference (avg): 1.2345e+06\n"
    )
    result = parse_benchmark(text)
    assert result.inference.mean_ms == pytest.approx(1234.5)
    assert result.init_ms == pytest.approx(8500)
    assert result.warmup.std_ms == pytest.approx(50)


def test_memory_is_read_in_old_and_new_wording():
    new = parse_benchmark(read("own_cpu_30runs.txt")[0]).memory_mb
    assert new == {"init": 3.61328, "overall": 3.91016, "peak": 25.4141}
    old = parse_benchmark(read("made_tf23_op_profiling.txt")[0]).memory_mb
    assert old == {"init": 0, "overall": 11.7305}


@pytest.mark.parametrize(
    ("name", "count", "total_ms", "with_start"),
    [
        ("litert_readme_op_profiling.txt", 31, 79.442, True),
        ("own_op_profiling.txt", 5, 35.423, False),
        ("own_op_profiling.csv", 5, 42.0766, False),
        ("made_tf23_op_profiling.txt", 0, 0, False),
    ],
)
def test_operators_are_read_from_tables_and_csv(name, count, total_ms, with_start):
    ops = [op for op in parse_benchmark(read(name)[0]).ops if op.phase == "run"]
    assert len(ops) == count
    assert sum(op.avg_ms for op in ops) == pytest.approx(total_ms, abs=0.01)
    assert all((op.start_ms is not None) == with_start for op in ops)


def test_an_operator_keeps_its_name_type_and_share():
    ops = parse_benchmark(read("own_op_profiling.txt")[0]).ops
    assert [op.node_type for op in ops if op.phase == "init"] == [
        "ModifyGraphWithDelegate",
        "AllocateTensors",
    ]
    first = next(op for op in ops if op.phase == "run")
    assert first.node_type == "Convolution (NHWC, F32) IGEMM"
    assert first.name == "Delegate/Convolution (NHWC, F32) IGEMM:0"
    assert (first.avg_ms, first.share, first.times_called) == (7.479, pytest.approx(0.21114), 1)


def test_a_csv_row_with_commas_in_its_names_is_read():
    row = "Convolution (NHWC, F32) IGEMM, 8.399, 7.479, 21.1%, 21.1%, 0, 1, [a, b]:0\n"
    (op,) = parse_benchmark("==== Run Order ====\n" + row).ops
    assert (op.node_type, op.name) == ("Convolution (NHWC, F32) IGEMM", "[a, b]:0")


@pytest.mark.parametrize(
    ("stem", "runs", "delegate"),
    [("own_cpu_30runs", 30, "xnnpack"), ("own_cpu_30runs", 30, None), ("own_single_run", 1, None),
     ("own_op_profiling_csv", 5, None), ("made_tf23_op_profiling.txt", 50, None)],
)  # fmt: skip
def test_a_sound_measurement_is_accepted(stem, runs, delegate):
    for text, code in variants(stem):
        assert check_result(parse_benchmark(text), code, runs, delegate).count == runs


REFUSED = [
    ("own_unknown_flag", 2, None, r"does not know --bogus=1"),
    ("own_max_secs", 100000, None, r"9 times instead of 100000"),
    ("own_nnapi", 2, "nnapi", r"NNAPI acceleration is unsupported on this platform"),
    ("own_single_run", 1, "xnnpack", r"does not say that the delegate was applied"),
    ("made_nnapi_not_executed_logcat.txt", 50, "nnapi", r"will not be executed"),
    ("made_gpu_cut_off.txt", 600, "gpu", r"no measurement"),
]


@pytest.mark.parametrize(("stem", "runs", "delegate", "reason"), REFUSED)
def test_a_number_that_is_not_what_was_asked_for_is_refused(stem, runs, delegate, reason):
    for text, code in variants(stem):
        with pytest.raises(RunnerRefused, match=reason):
            check_result(parse_benchmark(text), code, runs, delegate)


@pytest.mark.parametrize(
    "stem", ["own_junk_model", "own_truncated_model", "own_missing_graph", "own_no_graph"]
)
def test_an_unusable_model_is_refused_by_what_the_tool_says_of_it(stem):
    text, code = variants(stem)[2]
    with pytest.raises(RunnerRefused, match="cannot use the model"):
        check_result(parse_benchmark(text), code, 2)
    # Its stdout alone tells nothing, but the exit code does.
    text, code = read(f"{stem}.txt")
    with pytest.raises(RunnerCrashed, match="exit code 1"):
        check_result(parse_benchmark(text), code, 2)


def test_a_crash_names_the_signal_and_what_led_to_it():
    text, code = variants("own_gpu")[2]
    with pytest.raises(RunnerCrashed, match="SIGABRT") as caught:
        check_result(parse_benchmark(text), code, 2, "gpu")
    assert "Can not open OpenCL library" in str(caught.value)


def test_a_partly_delegated_graph_is_flagged():
    line = (
        "INFO: Explicitly applied GPU delegate, and the model graph will be partially executed "
        "by the delegate w/ 2 delegate kernels.\n"
    )
    result = parse_benchmark(line + read("own_single_run.txt")[0])
    assert check_result(result, 0, 1, "gpu").count == 1
    assert result.flags == ["partially-delegated"]


def test_nnapis_reference_on_the_cpu_is_no_accelerator():
    lines = (
        "INFO: NNAPI accelerators available: [nnapi-reference]\n"
        "INFO: Explicitly applied NNAPI delegate, and the model graph will be completely "
        "executed by the delegate.\n"
    )
    result = parse_benchmark(lines + read("own_single_run.txt")[0])
    with pytest.raises(RunnerRefused, match="reference on the CPU"):
        check_result(result, 0, 1, "nnapi")


@pytest.mark.parametrize("stem", ["own_cpu_30runs", "own_single_run", "own_op_profiling"])
@pytest.mark.no_cover
def test_output_cut_off_anywhere_gives_the_right_number_or_none(stem):
    text, _ = read(f"{stem}.txt")
    whole = parse_benchmark(text).inference
    accepted = 0
    # Everywhere near the numbers, and here and there in what is said beside them.
    near = {match.start() + by for match in re.finditer("count=", text) for by in range(-99, 99)}
    for end in sorted({*range(0, len(text), 40), *near} & {*range(len(text) + 1)}):
        for tail in ("", "\n"):
            try:
                timing = check_result(parse_benchmark(text[:end] + tail), 0, whole.count)
            except RunnerRefused:
                continue
            accepted += 1
            assert timing == whole
    assert accepted


def test_garbage_gives_no_number(rng):
    for size in (0, 10, 10_000):
        garbage = bytes(rng.integers(0, 256, size, dtype="uint8")).decode("utf-8", "replace")
        with pytest.raises(RunnerRefused, match="no measurement"):
            check_result(parse_benchmark(garbage), 0, 1)


def test_flags_ask_for_exactly_one_timed_run():
    flags = tool_flags(4, 0, 1, "gpu", ["--gpu_backend=cl"])
    assert "--num_runs=1" in flags
    assert "--min_secs=0" in flags
    assert "--warmup_runs=1" in flags, "without a warm-up run the tool prints no such line"
    assert "--warmup_min_secs=0" in flags
    assert "--num_threads=4" in flags
    assert flags[-2:] == ["--use_gpu=true", "--gpu_backend=cl"]
    assert "--use_xnnpack=false" in tool_flags(1, 1, 1, "none")


def test_core_lists_are_read():
    assert cores_of("0-3,7\n") == {0, 1, 2, 3, 7}
    assert cores_of("5") == {5}


def test_perf_test_output_in_newer_and_older_wording():
    new = parse_perf_test((SAMPLES / "made_perf_test.txt").read_text())
    assert (new.mean_ms, new.count, new.cpu_percent) == (123.457, 10, 71)
    assert new.session_ms == pytest.approx(135.791)
    assert new.peak_memory_mb == pytest.approx(100)
    old = parse_perf_test((SAMPLES / "made_perf_test_older.txt").read_text())
    assert (old.mean_ms, old.count) == (61.2345, 1000)
    assert (old.min_ms, old.max_ms) == pytest.approx((57.1234, 65.4321))
    assert old.percentiles_ms[99.9] == pytest.approx(65.4321)
    assert sorted(old.percentiles_ms) == [50, 90, 95, 99, 99.9]


def test_perf_test_output_without_a_measurement_is_refused():
    with pytest.raises(RunnerRefused, match="no measurement"):
        parse_perf_test("Session creation time cost: 0.127918 s\n")
