"""The code in CONTRIBUTING.md works as it stands there."""

import importlib.util
import os
import pickle
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from tables import made_up_table

from spaces import get_space

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()


def code(language, topic):
    match = re.search(rf"```{language} {topic}\n(.*?)```", TEXT, re.DOTALL)
    assert match, f"CONTRIBUTING.md has no {language} code about a {topic}"
    return match[1]


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Import one of the examples as a module that other processes find as well."""

    def import_example(topic):
        name = f"contributed_{topic}"
        path = tmp_path / f"{name}.py"
        path.write_text(code("python", topic))
        monkeypatch.syspath_prepend(str(tmp_path))
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return import_example


@pytest.fixture
def registries(monkeypatch):
    """What an example registers is forgotten afterwards."""
    from devices import device_kinds
    from search.accuracy import accuracy_models
    from search.engines.base.engine import engines
    from search.objectives import objectives
    from search.predictors import predictors
    from spaces import spaces

    for registry in (accuracy_models, device_kinds, engines, objectives, predictors, spaces):
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))


def test_a_new_space(load, registries):
    load("space")
    from spaces import parse_arch

    arch = {"space": "chain", "kernels": [1, 3, 5]}
    space, parsed = parse_arch(arch)
    genes = space.sample(20, np.random.default_rng(0))
    assert parsed == arch
    assert (space.encode(space.decode(genes)) == genes).all()
    assert space.macs(genes).tolist() == [space.network(row).macs for row in genes]


@pytest.fixture
def model(tmp_path):
    from profiler.lowering import lower
    from spaces.weights import random_weights

    space = get_space("nasbench201", channels=4, cells=1)
    network = space.network(np.full(6, 4, np.int8))
    weights = random_weights(network, np.random.default_rng(0))
    return lower(network, weights, tmp_path / "m.onnx", "onnx").path


def test_a_new_runtime(load, model):
    load("runtime")
    from devices import RunSettings, find_profile, open_device

    image = np.random.default_rng(1).standard_normal((1, 3, 32, 32)).astype(np.float32)
    outputs = []
    for runtime in ("contributed_runtime:ReferenceAdapter", "onnxruntime"):
        with open_device(find_profile("cpu")).open(RunSettings(runtime)) as session:
            session.load({"m": model})
            assert len(session.run_round(["m"], 0, 2)["m"].wall_ms) == 2
            outputs.append(session.outputs("m", {"input": image})["output"])
    assert np.allclose(*outputs, rtol=1e-4, atol=1e-5)


def test_a_new_device(load, registries, model, tmp_path, monkeypatch):
    load("device")
    from devices import RunSettings, find_profile, list_profiles, open_device

    (tmp_path / "devices").mkdir()
    (tmp_path / "devices" / "polite.toml").write_text(code("toml", "device"))
    monkeypatch.setenv("NASPROF_CONFIG", str(tmp_path))
    assert "polite" in list_profiles()
    device = open_device(find_profile("polite"))
    assert device.check().ok
    with device.open(RunSettings("onnxruntime")) as session:
        assert os.getpriority(os.PRIO_PROCESS, session.pid) == 19
        session.load({"m": model})
        assert len(session.run_round(["m"], 1, 3)["m"].wall_ms) == 3


def test_a_new_engine(load, registries):
    load("engine")
    from search.accuracy import read_accuracy_model
    from search.engines.base.engine import engines
    from search.objectives.trade_off import TradeOff
    from search.runs.run import Stop
    from search.runs.trial import Trial

    trade_off = TradeOff.of(read_accuracy_model("imagenet"), made_up_table(get_space("ofa-mbv3")))
    climbed, drawn = (
        Trial(trade_off.problem(), name, Stop(300)).run().values[:, 0].min()
        for name in ("climber", "random")
    )
    assert climbed < drawn
    first = trade_off.space.sample(3, np.random.default_rng(0))
    engine = engines.get("climber").create(
        trade_off.problem(), np.random.default_rng(0), first, batch=3
    )
    assert (engine.ask(10) == first).all()


def test_a_new_predictor(load, registries):
    load("predictor")
    from search.predictors import make_predictor

    space = get_space("nasbench201")
    genes = space.sample(300, np.random.default_rng(0))
    macs = space.macs(genes).astype(float)
    predictor = make_predictor("least-squares", space).fit(genes[:200], macs[:200])
    assert predictor.predict(genes[200:]) == pytest.approx(macs[200:], rel=1e-6)
    assert predictor.std(genes) is None


@pytest.mark.parametrize("name", ["nasbench201", "ofa-mbv3"])
def test_a_new_objective(load, registries, name):
    load("objective")
    from search.objectives import Models, objectives_of

    space = get_space(name)
    _, (operations,) = objectives_of(["operations"], Models(space=space))
    genes = space.sample(20, np.random.default_rng(0))
    counted = pickle.loads(pickle.dumps(operations)).function(genes)
    assert counted.tolist() == [len(space.network(row).program().ops) for row in genes]
    low, high = operations.extremes()
    assert low <= counted.min() < counted.max() <= high


def test_a_new_accuracy_model(load, registries, tmp_path):
    load("accuracy")
    from search.accuracy import accuracy_models, read_accuracy_model

    space = get_space("ofa-mbv3")
    line = np.array([-90.0, 8.5])
    written = accuracy_models.get("macs-line")("mine", space, line, {"source": "made up"})
    written.as_arrays().write(tmp_path / "mine.npz")
    model = read_accuracy_model(tmp_path / "mine.npz")
    genes = space.sample(50, np.random.default_rng(0))
    assert (model.name, model.provenance) == ("mine", {"source": "made up"})
    assert (model.top1(genes) == written.top1(genes)).all()
    order = np.argsort(space.macs(genes), kind="stable")
    assert (np.diff(model.top1(genes)[order]) >= 0).all()
