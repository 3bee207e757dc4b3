"""Which cost model answers for a device, and what is said where that is doubtful."""

from dataclasses import replace
from pathlib import Path

import pytest
from tables import made_up_table

from devices import Target
from luts import read_cost_model, write_cost_model
from nasprof.errors import NasprofError, UsageError
from search.accuracy import AccuracyModel
from search.answers.deployment import deployment_of, own_deployment
from spaces import get_space
from spaces.predictor import SpaceMismatch

LARGE, SMALL = get_space("ofa-mbv3"), get_space("ofa-mbv3", resolution=160)


class Constant(AccuracyModel):
    name, provenance = "constant", {}

    def __init__(self, *spaces):
        self.spaces = spaces

    def top1(self, genes, space=None):
        raise NotImplementedError

    as_arrays = from_arrays = top1


def target(device=None, **options):
    return Target(device, **options)


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path / "data"))
    return tmp_path / "data" / "luts"


def here(**more):
    """The provenance of a table measured on this machine."""
    fingerprint = target().resolve().device.fingerprint()
    facts = {"device": "cpu", "device_fingerprint": fingerprint, "runtime": "onnxruntime"}
    return {**facts, "threads": 1, "precision": "fp32", "batch": 1, **more}


def test_ones_own_table_of_the_device_is_found(own):
    table = replace(made_up_table(LARGE), provenance=here())
    write_cost_model(table, own / "cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224.json")
    deployment = own_deployment(Constant(LARGE), target())
    assert deployment.trade_off.cost.path.parent == own
    assert (deployment.name, deployment.local, deployment.changed) == ("cpu", True, ())
    assert own_deployment(Constant(LARGE), target(), clock="cpu").trade_off.cost.clock == "cpu"


def test_the_resolution_chooses_among_the_spaces_of_the_accuracy_model(own):
    table = replace(made_up_table(SMALL), provenance=here())
    write_cost_model(table, own / "cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r160.json")
    accuracy = Constant(LARGE, SMALL)
    assert own_deployment(accuracy, target(), resolution=160).trade_off.space == SMALL
    with pytest.raises(SpaceMismatch, match="of several spaces"):
        own_deployment(accuracy, target())
    with pytest.raises(SpaceMismatch, match="not of resolution 128"):
        own_deployment(accuracy, target(), resolution=128)


def test_a_device_elsewhere_without_a_table_is_told_the_command(own):
    phone = target("android", threads=2, serial="192.0.2.1:5555")
    with pytest.raises(NasprofError) as refusal:
        own_deployment(Constant(LARGE), phone, precision="int8")
    assert refusal.value.exit_code == 1
    assert "no lookup table of 'android' for ofa-mbv3 w1.0@224" in refusal.value.message
    runtime = phone.resolve().settings.runtime
    assert refusal.value.remedy == (
        "Measure one: nasprof build-lut --space ofa-mbv3 --width 1.0 --resolution 224 "
        f"--device android --runtime {runtime} --threads 2 --precision int8 "
        "--serial 192.0.2.1:5555"
    )


def test_a_table_with_gaps_of_a_device_elsewhere_is_told_the_command_too(own):
    phone = target("android")
    path = own / f"android-{phone.profile().runtime}-fp32-ofa-mbv3-w1.0-r224.json"
    write_cost_model(made_up_table(LARGE, leave_out=3), path)
    with pytest.raises(NasprofError, match="Measure one: nasprof build-lut"):
        own_deployment(Constant(LARGE), phone)


def test_what_the_target_does_not_say_is_as_the_table_has_it():
    table = replace(made_up_table(LARGE), provenance=here(runtime="litert", threads=2))
    deployment = deployment_of(table, Constant(LARGE), target())
    settings = deployment.backend.settings
    assert (settings.runtime, settings.threads) == ("litert", 2)
    assert deployment.changed == ()
    asked = deployment_of(table, Constant(LARGE), target(threads=1))
    assert asked.changed == ("threads was 2, now 1",)
    options = {"runtime_options": {"xnnpack": False}}
    otherwise = deployment_of(table, Constant(LARGE), target(affinity=(0,), options=options))
    assert set(otherwise.changed) == {
        "runtime_options.xnnpack was null, now false",
        "affinity was null, now [0]",
    }


def test_a_table_of_another_machine_is_not_taken_for_this_one():
    shipped = read_cost_model("cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224")
    shipped.provenance["device_fingerprint"]["cpu"] = "another"
    deployment = deployment_of(shipped, Constant(LARGE), target())
    assert any('cpu was "another"' in change for change in deployment.changed)


def test_a_table_of_a_device_without_a_profile_has_predictions_only():
    table = replace(made_up_table(LARGE), provenance={"device": "Samsung Note10"})
    deployment = deployment_of(table, Constant(LARGE), target())
    assert (deployment.name, deployment.backend, deployment.local) == (
        "Samsung Note10",
        None,
        False,
    )
    with pytest.raises(UsageError, match="no device is called 'nowhere'"):
        deployment_of(table, Constant(LARGE), target("nowhere"))


@pytest.mark.parametrize(
    "other", [SMALL, get_space("ofa-mbv3", width=1.2), get_space("nasbench201")]
)
def test_models_of_different_spaces_are_refused_naming_both(other):
    with pytest.raises(SpaceMismatch) as refusal:
        deployment_of(made_up_table(other), Constant(LARGE), target())
    assert LARGE.label in refusal.value.message
    assert other.label in refusal.value.message


def test_a_table_of_this_machine_is_built_first_and_kept(own, caplog):
    caplog.set_level("INFO", logger="nasprof")
    tiny = get_space("nasbench201", resolution=8, classes=4, channels=4, cells=1)
    profile = own.parent / "quick.toml"
    profile.parent.mkdir(parents=True, exist_ok=True)
    profile.write_text('kind = "cpu"\ntable_protocol = "table:visits=1,rounds=2,repeats=0"\n')
    first = own_deployment(Constant(tiny), target(str(profile)))
    assert first.trade_off.cost.audit is not None
    assert f"Table written to {first.trade_off.cost.path}" in caplog.text
    caplog.clear()
    again = own_deployment(Constant(tiny), target(str(profile)))
    assert again.trade_off.cost == first.trade_off.cost
    assert caplog.text == ""
