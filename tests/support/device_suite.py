"""What every device must do with every runtime.

Subclass :class:`DeviceSuite` in a test file and give it a ``target`` fixture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from devices import (
    Device,
    DeviceError,
    DeviceTimeout,
    RunnerCrashed,
    RunnerRefused,
    RunSettings,
)
from profiler.lowering import FileOptions, formats, lower
from spaces import get_space
from spaces.graph import Network
from spaces.weights import random_weights

FORMATS = {
    "onnxruntime": "onnx",
    "litert": "tflite",
    "torch": "torch",
}
"""Runtimes that are tested, with the format of their model files."""
FAULTY = "faulty_adapter:Adapter"


@dataclass
class DeviceUnderTest:
    """A device with a runtime, as the suite wants them.

    Args:
        device: not yet opened.
        runtime: one of :data:`FORMATS`.
        folder: scratch space on the host.
        impatient: the same device with a limit of about a second for any answer, None if hangs
            are tested elsewhere.
        faulty_runtime: how :mod:`tests.faulty_adapter` is called there, None if it is not there.
        leftovers: what of ours is running or lying on the device right now.
        returns_outputs: whether the device can hand back what a model computes.
        isolated: whether models run in a process that may crash without harm.
    """

    device: Device
    runtime: str
    folder: Path
    impatient: Device | None = None
    faulty_runtime: str | None = FAULTY
    leftovers: Callable[[], list[str]] = list
    returns_outputs: bool = True
    isolated: bool = True

    @property
    def format(self) -> str:
        return FORMATS[self.runtime]

    def settings(self, **changes) -> RunSettings:
        return RunSettings(**{"runtime": self.runtime, **changes})

    def network(self, name: str) -> Network:
        """Two blocks of a real space, by name."""
        blocks = get_space("ofa-mbv3", resolution=128).vocabulary
        return Network.of({"a": blocks[3], "b": blocks[40]}[name])

    def model(self, name: str) -> Path:
        """The model file of a network, with the same weights in every format."""
        path = self.folder / f"{name}{formats.get(self.format).suffix}"
        if not path.exists():
            lower(self.network(name), self.weights(name), path, self.format)
        return path

    def weights(self, name: str):
        return random_weights(self.network(name), np.random.default_rng(7))

    def word(self, word: str) -> Path:
        """A model file of the faulty runtime."""
        path = self.folder / f"{word}{formats.get(self.format).suffix}"
        path.write_text(word, encoding="utf-8")
        return path

    def faults(self, device: Device, words: tuple[str, ...]):
        """A session of the faulty runtime with a model for each word."""
        if self.faulty_runtime is None:
            pytest.skip("FAULTS NOT TESTED HERE: the faulty runtime is not on this device")
        session = device.open(RunSettings(self.faulty_runtime))
        session.load({word: self.word(word) for word in words})
        return session


class DeviceSuite:
    """The shared behaviour; subclasses give the fixture ``target``."""

    @pytest.fixture(scope="class")
    @classmethod
    def session(cls, target: DeviceUnderTest):
        with target.device.open(target.settings()) as session:
            session.load({name: target.model(name) for name in "ab"})
            yield session

    def test_is_reachable(self, target):
        reachability = target.device.check()
        assert reachability.ok, reachability.detail
        assert reachability.detail

    def test_fingerprint_is_the_same_twice(self, target):
        assert target.device.fingerprint() == target.device.fingerprint()
        assert target.device.fingerprint()

    def test_a_round_times_every_model_in_order_as_often_as_asked(self, session):
        for order in (["a", "b"], ["b", "a"], ["b"]):
            samples = session.run_round(order, warmup=1, runs=7)
            assert list(samples) == order
            for taken in samples.values():
                assert len(taken.wall_ms) == 7
                assert min(taken.wall_ms) > 0
                assert taken.cpu_ms is not None
                assert len(taken.cpu_ms) == 7
                assert min(taken.cpu_ms) > 0

    def test_visits_of_a_model_are_told_one_by_one_and_joined_in_order(self, session):
        told = []
        order = ["a", "b", "a", "a"]
        taken = session.run_round(order, 1, 3, lambda *visit: told.append(visit))
        assert [name for name, _ in told] == order
        for name in "ab":
            visits = [samples for told_name, samples in told if told_name == name]
            assert taken[name].wall_ms == [ms for visit in visits for ms in visit.wall_ms]
            assert taken[name].cpu_ms == [ms for visit in visits for ms in visit.cpu_ms]
            assert all(len(visit.wall_ms) == 3 for visit in visits)
            assert taken[name].context["warmup_ms"] > 0

    def test_many_models_can_be_loaded_at_once(self, target, session):
        models = {f"{name} {i}": target.model(name) for name in "ab" for i in range(10)}
        session.load(models)
        taken = session.run_round(list(models), 0, 2)
        assert [len(samples.wall_ms) for samples in taken.values()] == [2] * 20

    def test_operators_are_profiled_by_the_names_in_the_model_or_not_at_all(self, target, session):
        try:
            times_ms = session.profile("a", warmup=2, runs=10)
        except RunnerRefused as refusal:
            assert "operator profiles" in str(refusal)
            assert target.runtime != "onnxruntime"
            return
        # What writes the output is called so, and the runtime adds changes of the layout.
        found = [name for name in times_ms if not name.startswith("Reorder")]
        names = [name.removesuffix(".linear") for name in found]
        assert names == ["block.inverted_bottleneck", "block.depth_conv", "output"]
        assert min(times_ms.values()) > 0

    def test_cpu_time_of_one_thread_is_within_wall_time(self, session):
        taken = session.run_round(["a"], warmup=3, runs=20)["a"]
        # The CPU clock is read outside the span of the other: a few microseconds a run.
        assert sum(taken.cpu_ms) < 1.05 * sum(taken.wall_ms) + 20 * 0.02

    def test_outputs_are_those_of_the_same_network_elsewhere(self, target, session, rng):
        if not target.returns_outputs:
            pytest.skip("OUTPUTS NOT COMPARED: this device cannot return them")
        for name in "ab":
            network = target.network(name)
            image = rng.standard_normal((1, *network.inputs[0])).astype(np.float32)
            expected = _reference(target, name, image)
            last = target.format == "tflite"
            given = image if last else np.ascontiguousarray(image.transpose(0, 3, 1, 2))
            (output,) = session.outputs(name, {"input": given}).values()
            found = output if last or output.ndim != 4 else output.transpose(0, 2, 3, 1)
            scale = np.abs(expected).max()
            np.testing.assert_allclose(found / scale, expected / scale, atol=1e-5)

    def test_samples_of_any_number_go_through_a_fixed_batch(self, target, session, rng):
        network = target.network("a")
        samples = rng.standard_normal((4, *network.inputs[0])).astype(np.float32)
        if target.format != "tflite":
            samples = np.ascontiguousarray(samples.transpose(0, 3, 1, 2))
        if not target.returns_outputs:
            with pytest.raises(RunnerRefused, match="does not return outputs"):
                session.sample_outputs("a", {"input": samples})
            return
        path = target.folder / f"three{formats.get(target.format).suffix}"
        lower(network, target.weights("a"), path, target.format, FileOptions(batch=3))
        session.load({"three": path})
        (found,) = session.sample_outputs("three", {"input": samples}).values()
        assert len(found) == 4
        (first,) = session.outputs("three", {"input": samples[:3]}).values()
        np.testing.assert_allclose(found[:3], first, rtol=1e-6, atol=1e-6)
        (last,) = session.outputs("a", {"input": samples[3:]}).values()
        np.testing.assert_allclose(found[3:], last, rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize(
        ("fault", "error", "words"),
        [
            ("nothing", RunnerCrashed, r"outputs are \[\] instead of \['y'\]"),
            ("two", RunnerCrashed, r"\['y', 'z'\] instead of \['y'\]"),
            ("short", RunnerRefused, r"shape \[1, 3\] for 2 samples a run"),
        ],
    )
    def test_outputs_that_are_not_one_a_sample_are_named(self, target, fault, error, words):
        if not target.returns_outputs:
            pytest.skip("OUTPUTS NOT COMPARED: this device cannot return them")
        with (
            target.faults(target.device, (f"gives-{fault}",)) as session,
            pytest.raises(error, match=words),
        ):
            session.sample_outputs(f"gives-{fault}", {"x": np.ones((3, 4, 4, 3), np.float32)})

    def test_provenance_tells_version_threads_and_affinity(self, target, session):
        facts = session.provenance()
        assert facts["runtime_version"]
        assert facts["threads"] == 1
        affinity = facts["affinity"]
        with target.device.open(target.settings(threads=1, affinity=(affinity[0],))) as bound:
            assert list(bound.provenance()["affinity"]) == [affinity[0]]

    def test_threads_are_set(self, target):
        with target.device.open(target.settings(threads=2)) as session:
            assert session.provenance()["threads"] == 2
            session.load({"a": target.model("a")})
            assert len(session.run_round(["a"], warmup=1, runs=5)["a"].wall_ms) == 5

    def test_a_cpu_that_is_not_there_is_refused(self, target):
        with pytest.raises(DeviceError, match="4095"):
            target.device.open(target.settings(affinity=(4095,))).close()

    def test_state_can_be_told(self, session):
        assert isinstance(session.state(), dict)

    def test_damaged_model_files_are_named_errors(self, target):
        content = target.model("a").read_bytes()
        damaged = {
            "truncated": content[: len(content) // 2],
            "garbage": bytes(range(256)) * 8,
            "empty": b"",
        }
        session = target.device.open(target.settings())
        for damage, data in damaged.items():
            path = target.folder / f"{damage}{formats.get(target.format).suffix}"
            path.write_bytes(data)
            with pytest.raises((RunnerRefused, RunnerCrashed), match=damage) as caught:
                session.load({damage: path})
                session.run_round([damage], 0, 1)
            if caught.type is RunnerCrashed:
                session.close()
                session = target.device.open(target.settings())
        session.close()

    def test_a_missing_model_file_is_a_named_error(self, target, session):
        with pytest.raises(DeviceError, match="nowhere"):
            session.load({"nowhere": target.folder / "nowhere.onnx"})

    def test_an_unknown_runtime_is_refused(self, target):
        with pytest.raises(RunnerRefused, match="abacus"):
            target.device.open(RunSettings("abacus")).close()

    def test_an_unknown_option_is_refused(self, target):
        with pytest.raises(RunnerRefused, match="turbo"):
            target.device.open(target.settings(options={"turbo": True})).close()

    def test_closing_twice_is_fine_and_leaves_nothing(self, target):
        before = target.leftovers()
        session = target.device.open(target.settings())
        session.load({"a": target.model("a")})
        session.close()
        session.close()
        assert target.leftovers() == before
        with pytest.raises(DeviceError):  # a closed session says so
            session.run_round(["a"], 0, 1)

    def test_a_crash_is_told_and_keeps_what_was_timed(self, target):
        if not target.isolated:
            pytest.skip("CRASHES NOT TESTED HERE: models run in this process")
        before = target.leftovers()
        with target.faults(target.device, ("fine", "crash")) as session:
            with pytest.raises(RunnerCrashed, match=r"11|SIGSEGV|139") as caught:
                session.run_round(["fine", "crash"], warmup=0, runs=3)
            assert len(caught.value.partial["fine"].wall_ms) == 3
            assert "crash" not in caught.value.partial
        assert target.leftovers() == before

    def test_a_failing_model_is_told_and_keeps_what_was_timed(self, target):
        with target.faults(target.device, ("fine", "raise")) as session:
            with pytest.raises(RunnerCrashed, match="kernel of this model is broken") as caught:
                session.run_round(["fine", "raise"], warmup=0, runs=3)
            assert len(caught.value.partial["fine"].wall_ms) == 3

    def test_a_hang_ends_at_the_limit_and_keeps_what_was_timed(self, target):
        if target.impatient is None:
            pytest.skip("HANGS NOT TESTED HERE")
        before = target.leftovers()
        with target.faults(target.impatient, ("fine", "hang")) as session:
            told = []
            with pytest.raises(DeviceTimeout) as caught:
                session.run_round(["fine", "hang"], 0, 3, lambda name, _: told.append(name))
            assert told == ["fine"]
            assert caught.value.remedy
            assert len(caught.value.partial["fine"].wall_ms) == 3
        assert target.leftovers() == before

    def test_what_a_library_prints_does_not_spoil_answers(self, target):
        with target.faults(target.device, ("print",)) as session:
            assert len(session.run_round(["print"], warmup=1, runs=3)["print"].wall_ms) == 3


def _reference(target: DeviceUnderTest, name: str, image: np.ndarray) -> np.ndarray:
    """The output ``(1, h, w, c)`` that ONNX Runtime gives when used without our runner."""
    path = target.folder / f"reference-{name}.onnx"
    lower(target.network(name), target.weights(name), path, "onnx")
    return formats.get("onnx")().run(path, [[image]])[0]
