"""Every format that is read: good files to begin with, how they are read, what must then hold.

A reader refuses a file by a ``NasprofError``; what it accepts has to be sane, which the oracle of
each format checks by asserting it.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import fuzz_data
import fuzz_mutations as mutate
import numpy as np

from nasprof.reader import LONGEST_MS
from spaces import Space, get_space

Changed = Callable[[Random, bytes], bytes]
LARGEST_MS = 1e4 * LONGEST_MS
"""Of a prediction: a calibration may stretch what was measured."""


def shown(program: str, *words: str) -> None:
    """Let a command show what was read: it may refuse it, but must not fall over it."""
    from importlib import import_module

    from click.testing import CliRunner

    command = import_module({"nasprof": "profiler.cli", "nassearch": "search.cli"}[program]).main
    result = CliRunner().invoke(command, words)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception


SENTINEL = {"sha256": "s", "latency_ms": {"wall": 1.0}, "spread": {"wall": 0.01}, "rounds": 2}


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Args:
        suffix: of its files.
        seeds: makes good ones.
        changed: makes another one of a good one.
        read: reads one and asserts that what was read is sane.
        weight: how often it is tried.
    """

    suffix: str
    seeds: Callable[[], list[bytes]]
    changed: Changed
    read: Callable[[Path], None]
    weight: int = 1


def finite_times(values: Any) -> None:
    """Latencies that somebody would be told."""
    array = np.asarray(values, np.float64)
    assert np.isfinite(array).all(), f"a latency is {array[~np.isfinite(array)][0]}"
    assert (array >= 0).all() and (array <= LARGEST_MS).all(), (
        f"latencies {array.min()} {array.max()}"
    )


@cache
def mobile() -> Space:
    """OFA's space."""
    return get_space("ofa-mbv3")


@cache
def cells() -> Space:
    """A tiny one."""
    return get_space("nasbench201", resolution=8, classes=4, channels=4, cells=1)


@cache
def genes(space: Space, n: int = 16) -> Any:
    """Some of its networks."""
    return space.sample(n, np.random.default_rng(0), "biased")


# --- changes --------------------------------------------------------------------------------------


def json_text(rng: Random, data: bytes) -> bytes:
    """Of JSON: a value, a key, the text or the bytes changed."""
    return _json(rng, data, lambda value: value)


def _json(rng: Random, data: bytes, signed: Callable[[Any], Any]) -> bytes:
    told = rng.random()
    if told < 0.6:
        value = json.loads(data)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            value = mutate.change(rng, value)
        text = mutate.written(signed(value) if rng.random() < 0.8 else value)
    elif told < 0.7:
        text = mutate.twice(rng, data.decode())
    elif told < 0.9:
        text = mutate.edit(rng, data.decode())
    else:
        return mutate.spoil(rng, data)
    return text.encode(errors="surrogatepass")


def signed_json(rng: Random, data: bytes) -> bytes:
    """The same, mostly with a digest that fits."""
    return _json(rng, data, _signed)


def _signed(value: Any) -> Any:
    from luts.digest import digest

    if not isinstance(value, dict):
        return value
    rest = {key: each for key, each in value.items() if key != "sha256"}
    try:
        return {**rest, "sha256": digest(rest)}
    except (ValueError, RecursionError, UnicodeEncodeError):
        return value


def json_lines(rng: Random, data: bytes) -> bytes:
    """Of JSON lines: one of them changed, or the whole text."""
    if rng.random() < 0.3:
        return plain_text(rng, data)
    lines = data.splitlines()
    place = rng.randrange(len(lines))
    lines[place] = json_text(rng, lines[place])
    return b"\n".join(lines) + b"\n"


def plain_text(rng: Random, data: bytes) -> bytes:
    """Of any text: pieces of it, or bytes."""
    if rng.random() < 0.15:
        return mutate.spoil(rng, data)
    return mutate.edit(rng, data.decode()).encode(errors="surrogatepass")


def zipped_text(rng: Random, data: bytes) -> bytes:
    """Of a text in gzip: the text or what it is packed into."""
    if rng.random() < 0.3:
        return mutate.spoil(rng, data)
    return gzip.compress(plain_text(rng, gzip.decompress(data)), 1)


def arrays(rng: Random, data: bytes) -> bytes:
    """Of ``.npz``: an array, a member, or bytes."""
    told = rng.random()
    if told < 0.5:
        return mutate.npz(mutate.change_arrays(rng, loaded(data)), rng.random() < 0.3)
    return mutate.operate(rng, data) if told < 0.8 else mutate.spoil(rng, data)


def loaded(data: bytes) -> dict[str, Any]:
    """The arrays of a good file."""
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        return dict(stored)


def archive(rng: Random, data: bytes) -> bytes:
    """Of a model file: its text or an array, mostly with a digest that fits."""
    from search.model_arrays import ModelArrays

    told = rng.random()
    if told > 0.75:
        return arrays(rng, data)
    found = loaded(data)
    about = json.loads(str(found.pop("about")))
    about.pop("sha256")
    if told < 0.4:
        about = mutate.change(rng, about)
    elif found:
        found = mutate.change_arrays(rng, found)
    if isinstance(about, dict):
        with contextlib.suppress(ValueError, RecursionError):
            about = {**about, "sha256": ModelArrays(about, found).digest()}
    text = mutate.written(about).encode("ascii", "replace").decode()
    return mutate.npz({**found, "about": np.array(text)})


def npy(rng: Random, data: bytes) -> bytes:
    """Of ``.npy``: its values, its header or bytes."""
    told = rng.random()
    if told < 0.4:
        array = np.load(io.BytesIO(data))
        return mutate.npy(mutate.change_arrays(rng, {"a": array}).get("a", array[0]))
    return mutate.forged(rng, data) if told < 0.7 else mutate.spoil(rng, data)


# --- architectures and profiles -------------------------------------------------------------------


def _archs() -> list[bytes]:
    space, own = mobile(), cells()
    rows = genes(space, 4)
    forms = [
        space.decode(rows)[0],
        space.decode(rows),
        space.to_ofa(rows)[1],
        own.decode(genes(own, 3)),
        space.to_pnag(rows),
        {**space.decode(rows)[0], "stage_widths": [8, 16, 24, 32, 48], "classes": 10},
    ]
    bare = [space.to_pnag(rows)[0].encode(), own.to_strings(genes(own))[0].encode()]
    return [*(json.dumps(each).encode() for each in forms), *bare]


def arch_text(rng: Random, data: bytes) -> bytes:
    """Of an architecture, which may be a bare string."""
    return json_text(rng, data) if data[:1] in b"[{" else plain_text(rng, data)


def _read_archs(path: Path) -> None:
    from spaces import read_archs

    found = read_archs(path)
    for space, arch in found:
        row = space.encode([arch])
        assert space.decode(row)[0] == arch
        assert space.macs(row)[0] > 0 and space.params(row)[0] > 0, "no work"
        assert json.dumps(arch).encode()
    if len(found) <= 8:  # each is laid out block by block, which is work, however small the file
        shown("nasprof", "describe", "--arch", str(path))


def _profiles() -> list[bytes]:
    folder = Path(__file__).resolve().parents[1] / "devices/profiles"
    more = (
        b'affinity = [0, 1]\nthreads = 2\ntimeout_s = 10.5\n[runtime_options]\na = [1, {b = "c"}]\n'
    )
    shipped = [path.read_bytes() for path in sorted(folder.glob("*.toml"))]
    return [*shipped, b'kind = "cpu"\ndescription = "d"\nruntime = "litert"\n' + more]


def _read_profile(path: Path) -> None:
    from devices.profile_files import find_profile, open_device

    profile = find_profile(str(path))
    assert 1 <= profile.threads < 2**31, f"{profile.threads} threads"
    assert all(0 <= cpu < 2**31 for cpu in profile.affinity or ()), "affinity"
    open_device(profile)


def _protocols() -> list[bytes]:
    from profiler.measuring.protocol import protocols

    return [json.dumps(protocols.get(name).to_dict()).encode() for name in protocols]


def _read_protocol(path: Path) -> None:
    from nasprof.json_text import parse_json
    from nasprof.reading import read_text
    from profiler.measuring.protocol import Protocol

    value = parse_json(read_text(path, "a protocol"), path)
    if isinstance(value, dict):
        found = Protocol.from_dict(value)
        assert found.runs * found.rounds_max * found.visits < 1e27


# --- measurements and journals --------------------------------------------------------------------


@cache
def _measurement() -> dict[str, Any]:
    from profiler.measuring.estimates import estimate
    from profiler.measuring.protocol import protocols
    from profiler.measuring.records import Measurement, Round

    wall = [2.0, 2.1, 2.05, 2.2]
    estimates = estimate(wall * 2, 0.1, np.random.default_rng(0))
    taken = Round(0, ["a"], wall, wall, 1.0, 0.01, [], True, {"load": 0.1}, 1.0, {"wall": 1.0})
    found = Measurement(
        name="a", arch=mobile().decode(genes(mobile()))[0], model={"sha256": "0", "path": "a.onnx"},
        device="cpu", device_fingerprint={"cpu": "x"}, runtime="onnxruntime", runtime_version="1",
        runtime_facts={}, threads=1, affinity=[0], precision="fp32", batch=1,
        protocol=protocols.get("quick"), clock={"resolution_ns": 1, "cpu": "thread"},
        latency_ms=estimates, cpu_ms=estimates,
        sentinel=SENTINEL, multiples={"wall": 2.0}, overhead_ms=0.01, flags=[],
        rounds=[taken, replace(taken, index=1)],
        stopped="limit", state={}, time="2026-01-01T00:00:00+00:00", nasprof="0.1.0",
    )  # fmt: skip
    whole: dict[str, Any] = json.loads(json.dumps(found.to_dict()))
    return whole


def _measurements() -> list[bytes]:
    line = json.dumps(_measurement()).encode()
    return [line + b"\n", line + b"\n" + line + b"\n"]


def _read_measurements(path: Path) -> None:
    from profiler import read_measurements

    for each in read_measurements([path]):
        finite_times([*each.by_clock.values(), *each.samples_ms, each.latency_ms.ci95[1]])
        assert 1 <= each.threads < 2**31, f"{each.threads} threads"
        assert each.batch is None or each.batch >= 1, f"batch {each.batch}"
        assert each.latency_ms.trimmed_mean > 0, "no time"


def _journals() -> list[bytes]:
    lines = [
        {"schema": 1, "facts": {"device": "cpu", "threads": 1}},
        {"round": 0, "visit": "a", "wall_ms": [1.0, 2.0], "cpu_ms": [1.0, 2.0], "flags": ["x"]},
        {"round": 0, "visit": "b", "wall_ms": [1.0], "cpu_ms": None},
        {"round": 0, "rounds": {"a": {"sentinel_ms": 1.0, "sentinel_cpu_ms": 1.0, "flags": [],
                                       "sentinel_fastest_ms": {"wall": 1}, "overhead_ms": None}}},
        {"round": 1, "visit": "a", "wall_ms": [1.0, 2.0], "cpu_ms": [1.0, 2.0]},
    ]  # fmt: skip
    return ["".join(f"{json.dumps(line)}\n" for line in lines).encode()]


def _read_journal(path: Path) -> None:
    from nasprof.errors import NasprofError
    from profiler.measuring.journal import Journal

    before = path.read_bytes()
    try:
        with Journal(path, {"device": "cpu", "threads": 1}) as journal:
            rounds = [each for taken in journal.earlier.values() for each in taken]
            assert 0 <= journal.next_round < 2**32
    except NasprofError:
        assert path.read_bytes() == before, "a journal that was refused has changed"
        raise
    for each in rounds:
        finite_times([*each.wall_ms, *(each.cpu_ms or []), *each.sentinel_fastest_ms.values()])
        for told in (each.sentinel_ms, each.sentinel_cpu_ms, each.overhead_ms):
            assert told is None or type(told) in (int, float), f"the sentinel is {told!r}"
            finite_times([told or 0.0])
        assert all(isinstance(flag, str) for flag in each.flags), f"flags are {each.flags!r}"


# --- tables ---------------------------------------------------------------------------------------


@cache
def made_up_table(space: Space) -> Any:
    """A table whose times follow from MACs, with measured networks."""
    from luts import Entry, LookupTable, Measured

    rng = np.random.default_rng(0)
    times = [0.01 + block.macs / 4e6 * float(rng.lognormal(0, 0.3)) for block in space.vocabulary]
    entries = {
        block.key: Entry({"wall": time, "cpu": 0.9 * time}, 0.02 * time, 50)
        for block, time in zip(space.vocabulary, times, strict=True)
    }
    facts = {"device": "cpu", "runtime": "litert", "threads": 1, "sentinel": SENTINEL}
    table = LookupTable("t", (space,), entries, facts)
    chosen = space.sample(16, rng, "biased")
    sums = table.latency_ms(chosen) * rng.lognormal(0, 0.01, 16)
    roles = ["calibration"] * 5 + ["audit"] * 7 + ["answer"] * 4
    networks = tuple(
        Measured(arch, role, {"wall": float(time)}, {"wall": 2.0}, "s" * (role == "answer"),
                 int(role == "answer"))  # type: ignore[arg-type]
        for arch, role, time in zip(space.decode(chosen), roles, sums, strict=True)
    )  # fmt: skip
    return replace(table, networks=networks)


def _tables() -> list[bytes]:
    return [json.dumps(made_up_table(each).to_dict()).encode() for each in (mobile(), cells())]


def _read_cost(path: Path) -> None:
    from luts import read_cost_model

    model = read_cost_model(path)
    for space in model.spaces:
        times = model.latency_ms(genes(space), space)
        finite_times(times)
        assert (times > 0).all(), "a network takes no time"
        ends = model.extremes(space)
        finite_times([ends.min_ms, ends.max_ms])
        for bound in (model.bound(0.95), model.answer_bound(0.95)):
            if bound is not None:
                most = bound.upper(times)
                assert np.isfinite(most).all() and (most >= times * (1 - 1e-9)).all(), "bound"
    shown("nasprof", "lut", "show", str(path))
    shown("nasprof", "lut", "show", str(path), "--json")


def _learned() -> list[bytes]:
    from luts.estimators import choices, cross_validate
    from luts.learned import LearnedCostModel
    from luts.training import TrainingSet

    space = cells()
    rows = np.unique(space.sample(40, np.random.default_rng(1), "biased"), axis=0)
    times = made_up_table(space).latency_ms(rows) ** 0.8
    training = TrainingSet.of(space.decode(rows), times.tolist())
    tried = {f"{each.estimator} {each.features}": each for each in choices()}
    found = []
    for name in ("ridge blocks", "huber sizes", "svr operators", "boosting genes"):
        inputs = training.features(tried[name].features)
        candidate, predicted = cross_validate(tried[name], inputs, training.measured_ms, 0)
        facts = ((candidate,), tuple(predicted.tolist()), {"device": "gpu"})
        found.append(LearnedCostModel("l", training, *facts).to_dict())
    return [json.dumps(each).encode() for each in found]


def _csv_table() -> list[bytes]:
    from luts.formats.csv_format import CsvFormat

    exported = CsvFormat().write(made_up_table(cells()))
    return [text.encode() for text in exported.files.values()]


def _ofa_table() -> list[bytes]:
    from luts.formats.ofa_format import OfaFormat

    exported = OfaFormat().write(made_up_table(mobile()))
    text = next(iter(exported.files.values()))
    few = "".join(f"{line}\n" for line in text.splitlines() if "Conv-" in line or "Logits" in line)
    return [text.encode(), few.encode(), few.encode(), few.encode()]


def _read_import(form: str) -> Callable[[Path], None]:
    def read(path: Path) -> None:
        from luts.formats.base import table_formats
        from luts.formats.transfer import import_files

        reader = table_formats.get(form)()
        table, _ = import_files(reader, form, [path], (cells(),), "t")
        for entry in table.entries.values():
            finite_times([*entry.latency_ms.values(), entry.std_ms or 0.0])
            assert entry.count is None or 1 <= entry.count < 1e18, f"count {entry.count}"

    return read


# --- accuracy models, generators, archives --------------------------------------------------------


def _accuracy() -> list[bytes]:
    from search.accuracy import read_accuracy_model
    from search.accuracy.files import accuracy_files
    from search.accuracy.ridge import AdditiveAccuracy

    shipped = accuracy_files.shipped_folder / "imagenet.npz"
    assert read_accuracy_model(shipped)
    space = cells()
    judged = {"fitted_to": "made up", "networks": 1, "r2": 1.0, "spearman": 1.0}
    parts = tuple(np.linspace(0, 1, len(values)) for _, values in space.parts)
    additive = AdditiveAccuracy("a", space, 70.0, parts, judged)
    return [shipped.read_bytes(), _archived(additive.as_arrays())]


def _archived(found: Any) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.npz"
        found.write(path)
        return path.read_bytes()


def _read_accuracy(path: Path) -> None:
    from search.accuracy import read_accuracy_model

    model = read_accuracy_model(path)
    for space in model.spaces:
        top1 = model.top1(genes(space), space)
        assert np.isfinite(top1).all(), "top-1 is not finite"
        assert (np.abs(top1) <= 1e6).all(), f"top-1 is {np.abs(top1).max()}"
        std = model.std(genes(space), space)
        assert std is None or (np.isfinite(std).all() and (std >= 0).all()), "std"
    json.dumps([*model.doubts, dict(model.provenance)])


def _top1_csv() -> list[bytes]:
    space = cells()
    rows = space.sample(12, np.random.default_rng(0))
    lines = [f"{name},{70 + n / 7}" for n, name in enumerate(space.to_strings(rows))]
    quoted = [json.dumps(arch).replace('"', '""') for arch in mobile().decode(genes(mobile(), 8))]
    digits = "ks,e,d,r,top1\n" + f"{'3' * 20},{'6' * 20},{'4' * 5},224,75.5\n" * 3
    return [
        ("arch,top1\n" + "\n".join(lines)).encode(),
        ("arch,top1\n" + "".join(f'"{text}",7{n}\n' for n, text in enumerate(quoted))).encode(),
        digits.encode(),
    ]


def _read_top1(path: Path) -> None:
    from search.accuracy.measurements import read_measurements

    found = read_measurements(path)
    assert ((found.top1 >= 0) & (found.top1 <= 100)).all(), "top-1 is no percentage"
    assert found.space.macs(found.genes).min() > 0
    assert found.noise is None or np.isfinite(found.noise), f"noise {found.noise}"


def _generators() -> list[bytes]:
    from search.model_arrays import ModelArrays
    from search.pnag.budgets import BudgetScale
    from search.pnag.checkpoint import GENERATOR
    from search.pnag.policy import shapes

    space, rng = cells(), np.random.default_rng(0)
    lengths = {"tokens": 4, "budgets": 4, "bias": 24, "heads": 6}
    weights = {}
    for name, shape in shapes(space, 3).items():
        free = {"input": (24, 4), "hidden": (24, 6)}.get(name)
        chosen = free or tuple(lengths[name] if each is None else each for each in shape)
        weights[name] = rng.normal(0, 0.3, chosen).astype(np.float32)
    about = {"kind": GENERATOR, "spaces": [space.settings], "provenance": {"seed": 0}}
    knots = BudgetScale.spanning(1.0, 3.0, 3, "log").knots_ms
    more = {"knots_ms": knots, "elites": space.sample(5, rng)}
    return [_archived(ModelArrays(about, {**weights, **more}))]


def _read_generator(path: Path) -> None:
    from search.pnag.checkpoint import read_generator

    found = read_generator(path, cells())
    finite_times(found.scale.knots_ms)
    drawn = found.sample(np.array([1.0, 2.5]), np.random.default_rng(0))
    assert (cells().canonical(drawn) == drawn).all(), "no architectures"
    assert (found.elites >= 0).all() and (found.elites < cells().n_choices).all(), "elites"


def _runs() -> list[bytes]:
    space, rng = cells(), np.random.default_rng(0)
    rows = space.canonical(space.sample(12, rng)).tolist()
    objectives = [
        {"name": "top1", "unit": "%", "maximise": True, "kind": "predicted"},
        {"name": "latency", "unit": "ms", "maximise": False, "facts": {"model": "m"}},
    ]
    facts = {"space": space.settings, "objectives": objectives, "limits": {"latency": 9.0},
             "engine": "random", "seed": 0, "batch": 64}  # fmt: skip
    lines: list[Mapping[str, Any]] = [{"schema": 1, "facts": facts}]
    for n, row in enumerate(rows):
        values = {"top1": 70.0 + n, "latency": None if n == 3 else 5.0 + n / 3}
        lines.append({"genes": row, "values": values})
    return ["".join(f"{json.dumps(line)}\n" for line in lines).encode()]


def _read_runs(path: Path) -> None:
    from search.archives.merge import merge_archives
    from search.archives.stored import read_archive
    from search.archives.summary import curves, summaries

    stored = read_archive(path)
    values = stored.values[~np.isnan(stored.values)]
    assert (np.abs(values) <= 1e18).all(), "values"
    (summary,) = summaries([stored], {})
    assert json.dumps(summary.to_dict(), allow_nan=False)
    merge_archives([stored, stored])
    if len(stored):
        curves([summary])
    shown("nassearch", "archive", "show", "--front", str(path))


def _gone_on() -> list[bytes]:
    lines = _runs()[0].decode().splitlines()
    facts = {**json.loads(lines[0])["facts"], "objectives": [_macs().to_dict()], "limits": {}}
    rows = [{**json.loads(line), "values": {"macs": 1.0}} for line in lines[1:]]
    head = {"schema": 1, "facts": {key: facts[key] for key in ("space", "objectives", "limits")}}
    return ["".join(f"{json.dumps(each)}\n" for each in (head, *rows)).encode()]


def _macs() -> Any:
    from search.objectives.computed import Macs

    return Macs("macs").objective(cells())


def _go_on(path: Path) -> None:
    from search.archives.archive import Archive
    from search.problem import Problem

    with Archive(Problem(cells(), (_macs(),)), {}, path) as found:
        values = found.values[~np.isnan(found.values)]
        assert (np.abs(values) <= 1e18).all(), "values"
        assert (cells().canonical(found.genes) == found.genes).all(), "no architectures"
        assert len(found.front[0]) <= len(found)


# --- weights and inputs ---------------------------------------------------------------------------


@cache
def _network() -> Any:
    return cells().network(genes(cells())[0])


@cache
def _weights() -> dict[str, Any]:
    from spaces.weights import random_weights

    return random_weights(_network(), np.random.default_rng(0))


def _read_weights(path: Path) -> None:
    from profiler.lowering.checkpoint import load_weights
    from profiler.lowering.fold import checked_fold

    network = _network()
    arch = cells().decode(genes(cells()))[0]
    found = load_weights(path, network, arch)
    for name, array in found.items():
        assert array.dtype == np.float32 and np.isfinite(array).all(), f"{name} is not finite"
    for name, affine in checked_fold(network.program(), found).items():
        for array in asdict(affine).values():
            assert np.isfinite(array).all(), f"{name}, folded, is not finite"


def _torch_files() -> list[bytes]:
    import torch

    found = []
    tensors = {name: torch.from_numpy(array) for name, array in _weights().items()}
    for content in (tensors, {"state_dict": tensors}):
        for zipped in (True, False):
            stream = io.BytesIO()
            torch.save(content, stream, _use_new_zipfile_serialization=zipped)
            found.append(stream.getvalue())
    return found


def torch_file(rng: Random, data: bytes) -> bytes:
    """Of a torch file: a tensor of another sort, a member, or bytes."""
    import torch

    told = rng.random()
    if told < 0.35 or data[:2] != b"PK":
        return mutate.spoil(rng, data) if told > 0.35 else _other_tensors(rng, torch)
    return mutate.operate(rng, data) if told < 0.7 else mutate.spoil(rng, data)


def _other_tensors(rng: Random, torch: Any) -> bytes:
    tensors: dict[Any, Any] = {name: torch.from_numpy(array) for name, array in _weights().items()}
    name = rng.choice(list(tensors))
    good = tensors[name]
    strange = (
        lambda: good * float("nan"), lambda: good * 1e38 * 1e38, lambda: good.to(torch.complex64),
        good.to_sparse, lambda: good.to("meta"), lambda: good.double() * 1e300, good.flatten,
        lambda: torch.zeros(1).expand(10**9), good.bfloat16, good.half, good.int, good.bool,
        lambda: -good.abs(), lambda: good[None],
        lambda: torch.quantize_per_tensor(good.float(), 0.1, 0, torch.qint8), lambda: [good],
        lambda: good.t() if good.ndim == 2 else good.flatten(), lambda: torch.nn.Parameter(good),
        lambda: 3, lambda: "x", lambda: None, lambda: good.to(torch.float8_e4m3fn),
        lambda: torch.nested.nested_tensor([good.flatten(), good.flatten()[:1]]),
    )  # fmt: skip
    tensors[name] = rng.choice(strange)()
    if rng.random() < 0.1:
        tensors[rng.choice((1, None, "k" * 3000, ("a",)))] = good
    stream = io.BytesIO()
    torch.save(tensors, stream, _use_new_zipfile_serialization=rng.random() < 0.7)
    return stream.getvalue()


def _read_npy(path: Path) -> None:
    from profiler.model_files.lowered import read_calibration

    found = read_calibration(path)
    assert found.dtype == np.float32 and found.ndim == 4 and np.isfinite(found).all(), "inputs"


def _images() -> list[bytes]:
    rng = np.random.default_rng(0)
    return [mutate.npy(rng.normal(size=(2, 4, 4, 3)).astype(kind)) for kind in ("f4", "f8", "u1")]


FORMATS: Mapping[str, Format] = {
    "arch": Format(".json", _archs, arch_text, _read_archs, 4),
    "profile": Format(".toml", _profiles, plain_text, _read_profile, 3),
    "protocol": Format(".json", _protocols, json_text, _read_protocol, 1),
    "measurement": Format(".jsonl", _measurements, json_lines, _read_measurements, 4),
    "journal": Format(".journal", _journals, json_lines, _read_journal, 4),
    "table": Format(".json", _tables, signed_json, _read_cost, 4),
    "learned": Format(".json", _learned, signed_json, _read_cost, 2),
    "table-csv": Format(".csv", _csv_table, plain_text, _read_import("csv"), 3),
    "table-yaml": Format(".yaml", _ofa_table, plain_text, _read_import("ofa"), 3),
    "accuracy": Format(".npz", _accuracy, archive, _read_accuracy, 4),
    "top1-csv": Format(".csv", _top1_csv, plain_text, _read_top1, 2),
    "top1-csv-gz": Format(
        ".csv.gz", lambda: [gzip.compress(text, 1) for text in _top1_csv()], zipped_text, _read_top1
    ),
    "generator": Format(".npz", _generators, archive, _read_generator, 3),
    "runs": Format(".jsonl", _runs, json_lines, _read_runs, 4),
    "search": Format(".archive", _gone_on, json_lines, _go_on, 2),
    "weights-npz": Format(".npz", lambda: [mutate.npz(_weights())], arrays, _read_weights, 3),
    "weights-pth": Format(".pth", _torch_files, torch_file, _read_weights, 2),
    "npy": Format(".npy", _images, npy, _read_npy, 2),
    "picture": Format(".png", fuzz_data.pictures, mutate.spoil, fuzz_data.read_picture, 3),
    "data-idx": Format(".idx", fuzz_data.idx_files, mutate.spoil, fuzz_data.read_idx_file),
    "data-npz": Format(".npz", fuzz_data.data_arrays, arrays, fuzz_data.read_set, 2),
    "data-csv": Format(".csv", fuzz_data.data_tables, plain_text, fuzz_data.read_set),
}
