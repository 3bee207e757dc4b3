"""Times as people write them."""

import pytest

from nasprof.durations import parse_milliseconds, parse_seconds
from nasprof.errors import UsageError


@pytest.mark.parametrize(
    ("value", "time_ms"),
    [(12.0, 12.0), (7, 7.0), ("110", 110.0), (" 3.4 ms", 3.4), ("0.11s", 110.0), ("450us", 0.45)],
)
def test_latencies_are_in_ms_unless_their_unit_is_named(value, time_ms):
    assert parse_milliseconds(value) == pytest.approx(time_ms)


@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf"), "ten", "3m", "", "1e999"])
def test_what_is_no_latency_is_refused_naming_the_forms(value):
    with pytest.raises(UsageError, match="is no time above 0 like 110, 110ms"):
        parse_milliseconds(value)


def test_durations_need_their_unit():
    assert [parse_seconds(text) for text in ("90s", "30m", "1.5h")] == [90, 1800, 5400]
    for text in ("90", "-1s", "0s", "s"):
        with pytest.raises(UsageError, match="with its unit"):
            parse_seconds(text)
