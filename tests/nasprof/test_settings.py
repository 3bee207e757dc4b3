"""Settings: what can be set, of which type, within which range."""

from collections.abc import Mapping
from dataclasses import FrozenInstanceError, dataclass
from typing import Literal

import pytest
from public_api import failed_examples, undocumented

from nasprof.errors import UsageError
from nasprof.settings import setting_infos
from search.engines import make_engine
from search.engines.base import Settings, first_population, setting
from spaces.distinct import sample_distinct
from spaces.neighbours import exchanges


@dataclass(frozen=True)
class Everything(Settings):
    """A setting of every type that there is."""

    count: int = setting(5, "an integer", 1, 9)
    share: float = setting(0.5, "a number", 0, 1)
    weight: float = setting(1.0, "a number without an end", 0)
    name: str = setting("nsga2", "a string")
    kind: Literal["one", "two"] = setting("one", "one of a few")
    choice: str | Mapping[str, str] | None = setting(None, "several types")

    def __post_init__(self):
        super().__post_init__()
        if self.count * self.share > 8:
            raise UsageError("settings 'count' and 'share' are too large together")


def test_all_that_is_known_of_settings_is_told():
    told = [(info.name, info.type_name, info.range_text) for info in setting_infos(Everything)]
    assert told == [
        ("count", "integer", "1..9"),
        ("share", "number", "0..1"),
        ("weight", "number", "0.."),
        ("name", "string", ""),
        ("kind", "'one' or 'two'", ""),
        ("choice", "string, object or null", ""),
    ]
    first, *_, last = [info.to_dict() for info in setting_infos(Everything)]
    about = {"name": "count", "type": "integer", "default": 5, "low": 1, "high": 9}
    assert first == about | {"help": "an integer"}
    assert last["default"] is last["low"] is last["high"] is None


def test_what_fits_is_taken_and_whole_numbers_become_numbers():
    given = {"count": 1, "share": 1, "weight": 1e9, "name": "x", "kind": "two"}
    settings = Everything.of(given | {"choice": {"top1": "gp"}})
    assert settings == Everything(1, 1.0, 1e9, "x", "two", {"top1": "gp"})
    assert type(settings.share) is float
    assert Everything.of({}) == Everything()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("count", 0, "something like 5 (integer, 1..9)"),
        ("count", 10, "something like 5 (integer, 1..9)"),
        ("count", 2.0, "something like 5 (integer, 1..9)"),
        ("count", True, "something like 5 (integer, 1..9)"),
        ("share", 1.01, "something like 0.5 (number, 0..1)"),
        ("share", float("nan"), "something like 0.5 (number, 0..1)"),
        ("share", False, "something like 0.5 (number, 0..1)"),
        ("weight", float("inf"), "something like 1.0 (number, 0..)"),
        ("name", 3, "something like 'nsga2' (string)"),
        ("kind", "three", "something like 'one' ('one' or 'two')"),
        ("choice", 3, "string, object or null"),
    ],
)
def test_what_does_not_fit_is_named_with_what_would(name, value, expected):
    for make in (lambda: Everything(**{name: value}), lambda: Everything.of({name: value})):
        with pytest.raises(UsageError) as refused:
            make()
        assert refused.value.message == f"setting {name!r} is {value!r}, expected {expected}"


def test_settings_that_are_wrong_together_are_refused():
    with pytest.raises(UsageError, match="together"):
        Everything.of({"count": 9, "share": 1})


def test_settings_do_not_change():
    with pytest.raises(FrozenInstanceError):
        make_engine("evo").settings.population = 3


@pytest.mark.parametrize(
    "function",
    [exchanges, first_population, make_engine, sample_distinct, setting, setting_infos],
    ids=lambda function: function.__name__,
)
def test_what_engines_of_ones_own_are_made_with_is_documented_with_examples_that_run(function):
    assert failed_examples(function) == 0
    assert set(undocumented(function)) <= {"Raises:"}  # most raise nothing
