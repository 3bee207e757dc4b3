"""Lines of Android's log, in every form that ``logcat`` and Android Studio write them."""

from __future__ import annotations

import re

_TIME = (
    r"(?:(?:\d{4}-)?\d\d-\d\d \d\d:\d\d:\d\d\.\d{3,9}(?: [+-]\d{4})?"
    r"| {0,20}\d{1,12}\.\d{3,9}) {1,8}"
)
_IDS = r"(?:(?:\w{1,20} {1,8})?\d{1,9} {1,8}\d{1,9} {1,8})"
_TAG = r"[\w.$@-][\w.$@ -]{0,79}?"
# The forms of logcat: threadtime (also with a user, a zone or without ids), time, brief and tag,
# Android Studio's, thread and process.
_LOG_PREFIX = re.compile(
    rf"^(?:(?:{_TIME}{_IDS}?)?[VDIWEFA] {_TAG} {{0,40}}: ?"
    rf"|(?:{_TIME})?[VDIWEFA]/{_TAG} {{0,40}}(?:\( {{0,9}}\d{{1,9}}\))?: ?"
    rf"|{_TIME}\d{{1,9}}-\d{{1,9}} {{1,8}}{_TAG} {{1,40}}\S{{1,120}} {{1,40}}[VDIWEFA] {{1,8}}"
    rf"|[VDIWEFA]\( {{0,9}}\d{{1,9}}(?:: {{0,9}}\d{{1,9}})?\) ?)"
)
_COLOUR = re.compile(r"\x1b\[[\d;]{0,20}m")


def without_log_prefix(line: str) -> tuple[str, bool]:
    """A line without colours and without what the log puts before it, and whether it put any."""
    line = _COLOUR.sub("", line).rstrip("\r")
    bare = _LOG_PREFIX.sub("", line)
    return bare, bare != line
