"""Debug daemons that mean harm or are broken: named errors, soon, and in little memory."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from console import console, refused
from hostile import MEGABYTE, Wire, daemon, exits, says, sends, transfers, writes

from devices.adb import connection as adb_connection
from devices.adb import packets, workspace
from devices.adb.connection import AdbConnection
from devices.adb.device import AdbDevice
from devices.adb.keys import load_keys
from devices.adb.shell_output import ShellResult
from devices.adb.workspace import DeviceBusy, Workspace
from devices.device_profile import Profile
from devices.errors import (
    DeviceError,
    DeviceFull,
    DeviceLost,
    DeviceTimeout,
    DeviceUnreachable,
    RunnerCrashed,
)
from profiler.cli import main as nasprof

SOON_S = 0.5
MEMORY_BYTES = 80 * MEGABYTE


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with a key, which takes a while to make."""
    home = tmp_path_factory.mktemp("home")
    load_keys(home)
    return home


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adb_connection, "STALL_S", SOON_S)
    monkeypatch.setattr(adb_connection, "CLOSING_S", 0.2)
    monkeypatch.setattr(adb_connection, "MAX_ANSWER", MEGABYTE // 8)
    monkeypatch.setattr(adb_connection, "MIN_RATE", 100 * MEGABYTE)


@pytest.fixture
def met(home: Path) -> Callable[..., object]:
    """What comes of a client's work with a daemon; in bounded memory."""

    def meet(script, work):
        tracemalloc.start()
        try:
            with daemon(script) as address:
                connection = AdbConnection(address, SOON_S, SOON_S, home, quiet=True)
                try:
                    connection.connect()
                    return work(connection)
                finally:
                    connection.close()
                    peak = tracemalloc.get_traced_memory()[1]
                    assert peak < MEMORY_BYTES, f"{peak / MEGABYTE:.0f} MB"
        finally:
            tracemalloc.stop()

    return meet


def packet(command, first=0, second=0, data=b"", **rest):
    return {"command": command, "first": first, "second": second, "data": data, **rest}


def auth(kind=1, token=20 * b"t"):
    return packet(b"AUTH", kind, 0, token)


GREETING = packet(b"CNXN", 0x01000000, MEGABYTE, b"device::\0")
HEADER = b"CNXN" + b"\0\0\0\1" + b"\0\0\x10\0" + b"\x09\0\0\0" + b"\0\0\0\0" + b"\xbc\xb1\xa7\xb1"

# What serves -> what is said of it.
AT_THE_GREETING = {
    "closes at once": (sends(close=True), "closed the connection"),
    "says nothing": (sends(), "did not answer within"),
    "half a header": (says(HEADER[:10]), "did not answer within"),
    "half a header, then closes": (
        lambda wire: (wire.read(), wire.raw(HEADER[:10])),
        "closed the connection",
    ),
    "a header alone": (says(HEADER), "did not answer within"),
    "half a payload": (says(HEADER + b"devi"), "did not answer within"),
    "drips a header": (says(HEADER, pause_s=0.1), "did not answer within"),
    "drips a payload": (says(HEADER + 9 * b"x", pause_s=0.03), "did not answer within"),
    "another command": (sends(packet(b"EVIL")), "what is not ADB"),
    "wrong magic": (sends(GREETING | {"magic": 7}), "what is not ADB"),
    "zeros": (says(bytes(1000), endless=True), "what is not ADB"),
    "ones": (says(1000 * b"\xff", endless=True), "what is not ADB"),
    "a web server": (says(b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n"), "what is not ADB"),
    "a TLS server": (says(b"\x15\x03\x01\x00\x02\x02\x50" + bytes(30)), "what is not ADB"),
    "2 GB": (sends(GREETING | {"length": 1 << 31}), "2147483648 bytes"),
    "4 GB": (sends(GREETING | {"length": 0xFFFFFFFF}), "4294967295 bytes"),
    "a byte too many": (sends(GREETING | {"length": MEGABYTE + 1}), "1048577 bytes"),
    "wrong checksum": (sends(GREETING | {"checksum": 1}), "InvalidChecksumError"),
    "packets of 0": (sends(GREETING | {"second": 0}), "packets of 0 bytes"),
    "packets of 1": (sends(GREETING | {"second": 1}), "packets of 1 bytes"),
    "packets of 4095": (sends(GREETING | {"second": 4095}), "packets of 4095 bytes"),
    "WRTE without end": (sends(packet(b"WRTE", 1, 1, b"x" * 4096), endless=True), "not ADB"),
    "large WRTE": (sends(packet(b"WRTE", 1, 1, MEGABYTE * b"x"), endless=True), "not ADB"),
    "OKAY without end": (sends(packet(b"OKAY", 1, 1), endless=True), "no greeting"),
    "CLSE without end": (sends(packet(b"CLSE", 1, 1), endless=True), "no greeting"),
    "OPEN without end": (sends(packet(b"OPEN", 1, 0, b"shell:\0"), endless=True), "no greeting"),
    "SYNC without end": (sends(packet(b"SYNC", 1, 1), endless=True), "no greeting"),
    "encryption": (sends(packet(b"STLS", 1 << 24)), "encrypted protocol"),
    "encryption, again and again": (sends(packet(b"STLS"), endless=True), "encrypted protocol"),
    "AUTH without end": (sends(auth(), endless=True), "did not authorise"),
    "AUTH slowly without end": (sends(auth(), endless=True, pause_s=0.1), "did not authorise"),
    "AUTH without a token": (sends(auth(token=b"")), "does not answer as an ADB daemon"),
    "AUTH with half a token": (sends(auth(token=b"12345")), "does not answer as an ADB daemon"),
    "AUTH with a huge token": (sends(auth(token=MEGABYTE * b"x")), "as an ADB daemon"),
    "AUTH with a signature": (sends(auth(2)), "does not answer as an ADB daemon"),
    "AUTH with a key": (sends(auth(3)), "does not answer as an ADB daemon"),
    "AUTH of a kind that is none": (sends(auth(0xFFFFFFFF)), "does not answer as an ADB daemon"),
    "AUTH, then nothing": (sends(auth()), "did not answer within"),
    "AUTH twice, then nothing": (sends(auth(), auth()), "did not authorise"),
    "AUTH, then closes": (sends(auth(), close=True), "was lost"),
    "AUTH, then 2 GB": (sends(auth(), GREETING | {"length": 1 << 31}), "2147483648 bytes"),
}


@pytest.mark.parametrize("name", AT_THE_GREETING)
def test_at_the_greeting(met, name):
    script, said = AT_THE_GREETING[name]
    with pytest.raises(DeviceUnreachable) as caught:
        met(script, lambda connection: None)
    assert said in caught.value.message
    assert caught.value.remedy


def then(*packets, **how):
    """Serves a shell with packets."""
    return sends(*packets, after=Wire.shell, **how)


OURS = {"first": 1, "second": "ours"}
STRAY = "streams that nobody opened"

IN_A_SHELL = {
    "closes after the greeting": (sends(GREETING, close=True), DeviceLost, "lost"),
    "silence after the greeting": (sends(after=Wire.greet), DeviceTimeout, "within"),
    "closes after opening": (then(close=True), DeviceLost, "closed the connection"),
    "silence after opening": (then(), DeviceTimeout, "within"),
    "refuses the stream": (
        sends(packet(b"CLSE", 0, 1), after=lambda wire: (wire.greet(), wire.read())),
        DeviceLost,
        "refuses to open a stream",
    ),
    "ends without a status": (then({"command": b"CLSE", **OURS}), DeviceLost, "without an exit"),
    "an exit code of 5000 digits": (exits(5000 * b"9"), DeviceLost, "without an exit"),
    "a negative exit code": (exits(b"-1"), DeviceLost, "without an exit"),
    "an exit code in other digits": (exits("٣".encode()), DeviceLost, "without an exit"),
    "an exit code of four digits": (exits(b"1000"), DeviceLost, "without an exit"),
    "exit codes without end": (exits(b"none", 0.05), DeviceTimeout, "within"),
    "lines without end": (writes(b"yes\n" * 4096, True), RunnerCrashed, "more than"),
    "a line without end": (writes(b"x" * 65536, True), RunnerCrashed, "more than"),
    "empty lines without end": (writes(b"\n" * 65536, True), RunnerCrashed, "more than"),
    "drips without end": (writes(b"x", True, 0.05), DeviceTimeout, "within"),
    "drips lines without end": (writes(b"x\n", True, 0.05), DeviceTimeout, "within"),
    "empty packets without end": (writes(b"", True), DeviceError, ""),
    "other streams": (
        then(packet(b"WRTE", "another", "another", b"x" * 9), endless=True),
        DeviceLost,
        STRAY,
    ),
    "large packets of other streams": (
        then(packet(b"WRTE", 7, 77, MEGABYTE * b"x"), endless=True),
        DeviceLost,
        "more than",
    ),
    "our stream from another": (
        then(packet(b"WRTE", "another", "ours", b"x"), endless=True),
        DeviceLost,
        STRAY,
    ),
    "ends of another stream": (
        then(packet(b"WRTE", 7, 77), packet(b"CLSE", 7, 77), endless=True),
        DeviceLost,
        STRAY,
    ),
    "ends of other streams": (
        then(packet(b"CLSE", "another", "another"), endless=True),
        DeviceError,
        "",
    ),
    "stream 0": (then(packet(b"WRTE", 0, 0, b"x"), endless=True), DeviceError, ""),
    "OKAY without end": (then({"command": b"OKAY", **OURS}, endless=True), DeviceError, ""),
    "CNXN without end": (then(GREETING, endless=True), DeviceLost, STRAY),
    "AUTH without end": (then(auth(), endless=True), DeviceError, ""),
    "OPEN without end": (then(packet(b"OPEN", "another", 0), endless=True), DeviceError, ""),
    "wrong checksum": (
        then({"command": b"WRTE", **OURS, "data": b"x", "checksum": 1}),
        DeviceLost,
        "what is not ADB",
    ),
    "2 GB": (then({"command": b"WRTE", **OURS, "length": 1 << 31}), DeviceLost, "2147483648"),
    "4 GB": (then({"command": b"WRTE", **OURS, "length": 0xFFFFFFFF}), DeviceLost, "4294967295"),
    "another command": (then(packet(b"EVIL")), DeviceLost, "what is not ADB"),
    "encryption": (then(packet(b"STLS")), DeviceLost, "encrypted"),
    "half a header": (
        lambda wire: (wire.shell(), wire.raw(b"WRTE\1\0")),
        DeviceLost,
        "closed the connection",
    ),
    "half a payload": (
        then({"command": b"WRTE", **OURS, "data": b"x", "length": 9}, close=True),
        DeviceLost,
        "closed the connection",
    ),
}


@pytest.mark.parametrize("name", IN_A_SHELL)
def test_in_a_shell(met, name):
    script, kind, said = IN_A_SHELL[name]
    # What is refused for its size is not to be refused for its time.
    limit_s = 40 * SOON_S if said in (STRAY, "more than") else SOON_S
    with pytest.raises(kind) as caught:
        met(script, lambda connection: connection.shell("echo x", limit_s))
    assert said in caught.value.message


def test_a_command_that_ends_but_whose_stream_does_not_is_over(met):
    def script(wire):
        wire.write(b"done\n" + wire.shell() + b"3\n")
        wire.wait()

    result = met(script, lambda connection: connection.shell("echo x", SOON_S))
    assert result == ShellResult("done", 3)


@pytest.mark.parametrize("more", [b"x", b"x\n", b"@@rc-=0\n"])
def test_nor_is_one_that_goes_on_talking(met, more):
    def script(wire):
        wire.write(b"done\n" + wire.shell() + b"3\n")
        while True:
            wire.write(more)
            time.sleep(0.05)

    result = met(script, lambda connection: connection.shell("echo x", SOON_S))
    assert result == ShellResult("done", 3)


def test_a_connection_lasts_for_as_many_commands_as_there_are(met, monkeypatch):
    # A daemon answers the end of each stream by one of its own.
    monkeypatch.setattr(packets, "MAX_STRAYS", 3)

    def script(wire):
        wire.greet()
        while True:
            wire.answer(b"done")
            wire.send(b"CLSE", 0, wire.local)

    def work(connection):
        return [connection.shell("echo x").output for _ in range(20)]

    assert met(script, work) == 20 * ["done"]


def test_escapes_are_no_part_of_the_output(met):
    def script(wire):
        wire.write(b"a\x1b[31mred\x1b]0;title\x07\x9b\0\t\x08b\r\n" + wire.shell() + b"0\n")
        wire.wait()

    result = met(script, lambda connection: connection.shell("echo x", SOON_S))
    assert result.output == "ared��\t�b"


def test_packets_as_large_as_a_daemon_likes_are_not_set_aside(met, tmp_path):
    small = tmp_path / "small"
    small.write_text("x")

    def script(wire):
        wire.greet(maxdata=0xFFFFFFFF)
        wire.open()
        wire.read()
        wire.send(b"OKAY", 1, wire.local)
        wire.sync(b"OKAY", size=0)
        wire.wait()

    with pytest.raises(DeviceTimeout):
        met(script, lambda connection: connection.send(small, "/data/x"))


IN_HOLD = {
    "a line without end": (writes(b"x" * 65536, True), DeviceLost),
    "silence": (then(), DeviceTimeout),
    "drips without end": (writes(b"x", True, 0.05), DeviceTimeout),
}


@pytest.mark.parametrize("name", IN_HOLD)
def test_while_something_is_to_be_held(met, name):
    script, kind = IN_HOLD[name]
    with pytest.raises(kind):
        met(script, lambda connection: connection.hold("cat", SOON_S))


def test_a_command_that_does_not_stay_says_nothing(met):
    script = then({"command": b"CLSE", **OURS})
    assert met(script, lambda connection: connection.hold("cat", SOON_S)) == ""


LARGER = "/data/x is larger than 1 MB"

IN_A_PULL = {
    "data without end": (transfers(b"DATA", 65536 * b"x", endless=True), DeviceError, LARGER),
    "4 GB": (transfers(b"DATA", b"x" * 65536, 0xFFFFFFFF), DeviceTimeout, "within"),
    "4 GB, which come": (
        sends(
            packet(b"WRTE", 1, "ours", b"DATA\xff\xff\xff\xff" + 65536 * b"x"),
            after=Wire.receive,
            endless=True,
        ),
        DeviceError,
        LARGER,
    ),
    "drips without end": (transfers(b"DATA", b"x", endless=True, pause_s=0.1), DeviceTimeout, ""),
    "empty data without end": (transfers(b"DATA", endless=True), DeviceError, ""),
    "a refusal": (
        transfers(b"FAIL", b"\x1b[31mno such file", close=True),
        DeviceError,
        "does not give /data/x: Command failed: no such file",
    ),
    "a refusal of 4 GB": (transfers(b"FAIL", b"x", 0xFFFFFFFF), DeviceTimeout, ""),
    "another message": (transfers(b"EVIL", b"x", close=True), DeviceLost, "not ADB"),
    "the wrong message": (transfers(b"STAT", b"x", close=True), DeviceLost, "not ADB"),
    "silence": (sends(after=Wire.receive), DeviceTimeout, "within"),
    "closes": (sends(after=Wire.receive, close=True), DeviceLost, "closed"),
    "closes within the data": (
        lambda wire: (wire.receive(), wire.sync(b"DATA", b"x", 9)),
        DeviceLost,
        "was lost",
    ),
    "ends the stream": (
        sends({"command": b"CLSE", **OURS}, after=Wire.receive),
        DeviceError,
        "",
    ),
}


@pytest.mark.parametrize("name", IN_A_PULL)
def test_while_a_file_is_fetched(met, name):
    script, kind, said = IN_A_PULL[name]
    with pytest.raises(kind) as caught:
        met(script, lambda connection: connection.pull("/data/x", MEGABYTE))
    assert said in caught.value.message
    assert "\x1b" not in str(caught.value)


def acknowledges(pause_s):
    """Takes a file piece by piece, each after a while."""

    def script(wire):
        wire.receive()
        while True:
            wire.read()
            time.sleep(pause_s)
            wire.send(b"OKAY", 1, wire.local)

    return script


def refuses(words):
    """Refuses a file, and tells how much space is left."""

    def script(wire):
        wire.receive()
        wire.sync(b"FAIL", words)
        wire.answer(b"/dev/x 1000 10 990 1% /data")
        wire.wait()

    return script


IN_A_PUSH = {
    "silence": (sends(after=lambda wire: (wire.greet(), wire.open())), DeviceTimeout),
    "takes nothing more": (sends(after=Wire.receive), DeviceTimeout),
    "takes it slowly": (acknowledges(0.4), DeviceTimeout),
    "OKAY without end": (
        sends({"command": b"OKAY", **OURS}, after=Wire.receive, endless=True),
        DeviceError,
    ),
    "refuses it": (refuses(b"\x1b[31mread-only"), DeviceError),
    "refuses it at length": (refuses(900_000 * b"x"), DeviceError),
    "another message": (transfers(b"EVIL"), DeviceError),
    "closes": (sends(after=Wire.receive, close=True), DeviceLost),
}


@pytest.mark.parametrize("name", IN_A_PUSH)
def test_while_a_file_is_sent(met, tmp_path, name):
    script, kind = IN_A_PUSH[name]
    file = tmp_path / "file"
    file.write_bytes(bytes(4 * MEGABYTE))
    with pytest.raises(kind) as caught:
        met(script, lambda connection: connection.send(file, "/data/x"))
    if "refuses" in name:
        assert isinstance(caught.value, DeviceFull), "990 kB are not enough"
    assert len(caught.value.message) < 2000
    assert "\x1b" not in str(caught.value)


# --- what makes use of connections ---------------------------------------------------------------


def test_a_device_that_is_looked_for_is_described_in_printable_words(monkeypatch, home):
    monkeypatch.setenv("HOME", str(home))

    def script(wire):
        wire.greet()
        wire.answer(
            b"@@props\nro.product.model=\x1b[2JPixel \xff\xe2\x80\xae7" + 9000 * b"x" + b"\n"
            b"ro.build.version.release=1\x1b]0;4\x07\n@@count\n" + 4992 * b"9"
        )
        wire.wait()

    with daemon(script) as address:
        found = AdbDevice(Profile("test", "adb", options={"serial": str(address)})).check()
    assert found.ok
    assert found.detail.isprintable()
    assert len(found.detail) < 600


class Answers:
    """A connection whose every command ends in the same way."""

    address = "test"
    connected = True

    def __init__(self, exit_code, output=""):
        self.result = ShellResult(output, exit_code)

    def shell(self, command, timeout_s=10.0):
        return self.result


@pytest.mark.parametrize("exit_code", [2, 3])
def test_a_lock_that_is_never_given_is_waited_for_no_longer_than_said(exit_code, caplog):
    workspace = Workspace(Answers(exit_code, "\x1b[31mme" + 9000 * "x"), lock_wait_s=0.3)
    with pytest.raises(DeviceBusy) as caught, workspace.exclusive():
        pass
    assert len(str(caught.value)) < 500
    assert "\x1b" not in str(caught.value) + caplog.text


def test_a_lock_that_is_a_link_is_named():
    with (
        pytest.raises(DeviceError, match=r"nasprof\.lock on the device is a link") as caught,
        Workspace(Answers(4)).exclusive(),
    ):
        pass
    assert "remote_dir" in str(caught.value)


def answers(output):
    """Answers every command by the same, as if it had been done."""

    def script(wire):
        wire.greet()
        while True:
            wire.answer(output)

    return script


CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"


@pytest.mark.parametrize(
    "script",
    [
        says(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        sends(packet(b"CLSE", 0, 1), after=lambda wire: (wire.greet(), wire.read())),
        answers(b"\x1b[31mnoise"),
        answers(b"@@kept"),
    ],
    ids=["a web server", "refuses", "noise", "kept"],
)
def test_a_measurement_ends_in_a_named_error(script, home, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(workspace, "CLOSING_S", SOON_S)
    arch = tmp_path / "cell.txt"
    arch.write_text(CELL)
    with daemon(script) as address:
        options = ("--device", "android", "--serial", address, "--set", "runner=json")
        said = refused(console(nasprof)("measure", *options, "--arch", arch), 1)
    assert "Error: " in said
    assert "\x1b" not in said
