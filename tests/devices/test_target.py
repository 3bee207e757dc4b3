"""Requests for a device, and what they resolve to."""

import pytest

from devices import Conditions, Target
from nasprof.errors import UsageError


def test_a_name_is_a_target_and_nothing_is_this_machines_processor():
    assert Target.of("gpu") == Target("gpu")
    target = Target("gpu", threads=2)
    assert Target.of(target) is target
    assert Target.of(None).resolve().profile.name == "cpu"


@pytest.mark.parametrize(
    ("request_of", "words"),
    [
        ({"device": ""}, "target: device is '', expected a name"),
        ({"device": 3}, "target: device is 3, expected a name"),
        ({"runtime": ""}, "target: runtime is ''"),
        ({"serial": b"x"}, "target: serial is b'x'"),
        ({"threads": 0}, "target: threads is 0, expected a whole number of at least 1"),
        ({"threads": True}, "target: threads is True"),
        ({"affinity": ()}, r"target: affinity is \(\), expected numbers of CPUs"),
        ({"affinity": (0, -1)}, "target: affinity"),
        ({"affinity": "0-3"}, "target: affinity is '0-3'"),
        ({"options": ["x"]}, "target: options"),
    ],
)
def test_what_makes_no_sense_is_named_with_what_to_do(request_of, words):
    with pytest.raises(UsageError, match=words) as refusal:
        Target(**request_of)
    assert "device's profile" in refusal.value.remedy


def test_a_list_of_cpus_is_as_good_as_a_tuple():
    assert Target(affinity=[0, 1]) == Target(affinity=(0, 1))


def test_what_is_not_said_is_as_the_profile_has_it(tmp_path):
    path = tmp_path / "board.toml"
    path.write_text('kind = "cpu"\nruntime = "litert"\nthreads = 3\naffinity = [1]\n')
    settings = Target(str(path)).resolve().settings
    assert (settings.runtime, settings.threads, settings.affinity) == ("litert", 3, (1,))
    said = Target(str(path), runtime="torch", threads=1, affinity=(0,)).resolve().settings
    assert (said.runtime, said.threads, said.affinity) == ("torch", 1, (0,))


def test_of_another_device_runtime_and_threads_hold_but_no_affinity_or_options():
    known = Conditions(
        "phone", runtime="litert", threads=4, affinity=(4,), runtime_options={"a": 1}
    )
    backend = Target("cpu").resolve(known)
    assert (backend.settings.runtime, backend.settings.threads) == ("litert", 4)
    assert (backend.settings.affinity, backend.settings.options) == (None, {})


def test_a_device_that_nobody_has_is_an_error():
    with pytest.raises(UsageError, match="no device is called 'nowhere'"):
        Target("nowhere").resolve()
    with pytest.raises(UsageError, match="no device is called 'phone-of-old'"):
        Target().resolve(Conditions("phone-of-old"))


def test_options_that_the_device_does_not_know_are_refused():
    with pytest.raises(UsageError, match="knows no option 'serial'"):
        Target("cpu", serial="x").resolve()


def test_labels_tell_the_serial_where_there_is_one():
    assert Target("cpu").resolve().label == "cpu"
    assert Target("android", serial="192.0.2.1:5555").resolve().label == "android/192.0.2.1:5555"
