"""Connections to a real debug daemon, and to peers that are none."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import peers
import pytest

from devices.adb import transfer
from devices.adb.address import TcpAddress, UsbAddress, parse_address
from devices.adb.connection import AdbConnection
from devices.adb.transport import Deadline
from devices.adb.usb import UsbStream, choose_phone, find_phones
from devices.adb.workspace import DeviceBusy, Workspace
from devices.errors import (
    DeviceError,
    DeviceFull,
    DeviceLost,
    DeviceTimeout,
    DeviceUnreachable,
    RunnerCrashed,
)
from nasprof.errors import UsageError


@pytest.fixture(scope="module", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def phone():
    with peers.running_phone() as phone:
        yield phone


@pytest.fixture
def connection(phone):
    connection = AdbConnection(TcpAddress("127.0.0.1", phone.port))
    connection.connect()
    yield connection
    connection.close()


@contextlib.contextmanager
def listening(serve):
    """A TCP peer that does ``serve(socket)`` for each connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    peer, _ = server.accept()
                    with contextlib.suppress(OSError):
                        serve(peer)

        threading.Thread(target=accept, daemon=True).start()
        yield TcpAddress("127.0.0.1", server.getsockname()[1])


# --- addresses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("serial", "expected"),
    [
        ("192.168.1.5:5037", TcpAddress("192.168.1.5", 5037)),
        ("192.168.1.5", TcpAddress("192.168.1.5", 5555)),
        ("board.local:6000", TcpAddress("board.local", 6000)),
        ("board.local", TcpAddress("board.local", 5555)),
        ("localhost", TcpAddress("localhost", 5555)),
        ("[::1]:5556", TcpAddress("::1", 5556)),
        ("[fe80::1%eth0]", TcpAddress("fe80::1%eth0", 5555)),
        ("::1", TcpAddress("::1", 5555)),
        ("18311FDF6001AB", UsbAddress("18311FDF6001AB")),
        (None, UsbAddress(None)),
    ],
)
def test_serials_and_addresses(serial, expected):
    assert parse_address(serial) == expected
    if isinstance(expected, TcpAddress):
        assert parse_address(str(expected)) == expected


@pytest.mark.parametrize(
    "serial", ["", " ", "host:", "host:0", "host:65536", "host:x", ":5555", "a:b:1", "[nope]:1"]
)
def test_what_is_no_address(serial):
    with pytest.raises(UsageError):
        parse_address(serial)


# --- commands ----------------------------------------------------------------------------------


@pytest.mark.adbd
@pytest.mark.parametrize(
    ("command", "output", "exit_code"),
    [
        ("echo hi", "hi", 0),
        ("echo out; echo err >&2; exit 3", "out\nerr", 3),
        ("printf 'no end'; false", "no end", 1),
        ("true", "", 0),
        ("cat", "", 0),
        ("sh -c 'kill -SEGV $$'", "Segmentation fault", 139),
        ("nonesuch", "/bin/sh: 2: nonesuch: not found", 127),
        ("echo '@@rc-00000000=7'; echo é", "@@rc-00000000=7\né", 0),
    ],
)
def test_a_command_gives_its_output_and_exit_code(connection, command, output, exit_code):
    result = connection.shell(command)
    assert (result.output, result.exit_code) == (output, exit_code)


@pytest.mark.adbd
def test_a_shell_that_dies_is_no_success(connection):
    with pytest.raises(DeviceLost, match="without an exit status"):
        connection.shell("kill -9 $$")


@pytest.mark.adbd
def test_a_command_that_leaves_something_running_is_not_waited_for(connection):
    command = "(trap '' HUP; sleep 7) & echo started"
    assert connection.shell(command, timeout_s=6).output == "started"
    assert connection.shell("echo next").output == "next"


@pytest.mark.adbd
def test_bytes_that_are_no_text_do_not_hurt(connection):
    output = connection.shell(r"printf '\377\376\000x\n'").output
    assert output.endswith("x")


@pytest.mark.adbd
def test_a_silent_command_may_take_longer_than_adb_shells_own_limit_of_ten_seconds(connection):
    assert connection.shell("sleep 11; echo done", timeout_s=30).output == "done"


@pytest.mark.adbd
def test_a_command_past_its_limit_is_an_error_in_time_and_the_next_answer_is_the_right_one(
    connection,
):
    start = time.monotonic()
    with pytest.raises(DeviceTimeout, match=r"within 0\.5 s"):
        connection.shell("sleep 3; echo late", timeout_s=0.5)
    assert time.monotonic() - start < 3, "it was waited for"
    with pytest.raises(DeviceLost, match="not connected"):
        connection.shell("echo x")
    connection.connect()
    assert connection.shell("echo fresh").output == "fresh"


@pytest.mark.adbd
def test_progress_extends_the_limit_and_chatter_does_not(connection):
    seen = []

    def on_line(line):
        seen.append(line)
        return line == "tick"

    script = "for i in 1 2 3 4 5; do sleep 0.4; echo tick; done"
    connection.run(script, 1.2, on_line)
    assert seen == ["tick"] * 5
    with pytest.raises(DeviceTimeout):
        connection.run("while :; do sleep 0.1; echo chatter; done", 1.0, on_line)


@pytest.mark.adbd
def test_endless_output_is_stopped(connection, monkeypatch):
    monkeypatch.setattr("devices.adb.shell_output.MAX_OUTPUT", 1 << 20)
    with pytest.raises(RunnerCrashed, match="more than"):
        connection.shell("yes")


@pytest.mark.adbd
def test_threads_take_turns(connection):
    answers = {}

    def ask(number):
        answers[number] = [connection.shell(f"echo {number}").output for _ in range(10)]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == {number: [str(number)] * 10 for number in range(4)}


@pytest.mark.adbd
def test_a_peer_that_dies_is_noticed_at_once(phone, connection):
    start = time.monotonic()
    with pytest.raises(DeviceLost, match="lost"):
        connection.shell("kill -9 $PPID; sleep 30", timeout_s=60)
    assert time.monotonic() - start < 20
    assert not connection.connected
    connection.connect(attempts=10, pause_s=0.2)
    assert connection.shell("echo back").output == "back"


@pytest.fixture
def proxy(phone):
    proxy = peers.Proxy(phone)
    yield proxy
    proxy.close()


@pytest.mark.adbd
@pytest.mark.parametrize(
    ("mode", "expected", "match"),
    [
        ("swallow", DeviceTimeout, "within 1 s"),
        ("damage", DeviceLost, "sent what is not ADB"),
        ("cut", DeviceLost, "was lost"),
    ],
)
def test_a_failing_network_is_an_error_in_time_and_leaves_nothing_behind(
    phone, proxy, mode, expected, match
):
    workspace = Workspace(AdbConnection(TcpAddress("127.0.0.1", proxy.port)), lock_wait_s=5)
    workspace.open()

    def fail(line):
        if mode == "cut":
            proxy.cut()
        else:
            proxy.mode = mode
        return True

    start = time.monotonic()
    with pytest.raises(expected, match=match):
        workspace.run("echo now; sleep 0.3; echo lost; sleep 70", 1, fail)
    assert time.monotonic() - start < 10
    proxy.mode = "pass"
    workspace.close()
    assert phone.leftovers() == ""


# --- peers that are no debug daemon ------------------------------------------------------------


def test_nobody_listening_is_unreachable():
    connection = AdbConnection(TcpAddress("127.0.0.1", peers.free_port()))
    with pytest.raises(DeviceUnreachable, match="Connection refused") as caught:
        connection.connect()
    assert caught.value.remedy


def test_a_name_that_does_not_exist_is_unreachable():
    with pytest.raises(DeviceUnreachable, match=r"no answer from nonesuch\.invalid"):
        AdbConnection(TcpAddress("nonesuch.invalid")).connect()


def test_a_peer_that_says_nothing_is_unreachable_in_time():
    with listening(lambda peer: time.sleep(5)) as address:
        start = time.monotonic()
        with pytest.raises(DeviceUnreachable, match="does not answer as an ADB daemon"):
            AdbConnection(address, connect_timeout_s=0.5).connect()
        assert time.monotonic() - start < 4


@pytest.mark.parametrize(
    "greeting",
    [b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n", b"\0" * 24, b"", b"CNXN" + b"\xff" * 20],
)
def test_a_peer_that_talks_something_else_is_unreachable(greeting):
    def serve(peer):
        peer.sendall(greeting)
        peer.close()

    with (
        listening(serve) as address,
        pytest.raises(DeviceUnreachable, match="does not answer as an ADB daemon"),
    ):
        AdbConnection(address, connect_timeout_s=1).connect()


def test_wireless_debugging_with_encryption_is_named():
    def serve(peer):
        peer.recv(24)
        magic = bytes(byte ^ 0xFF for byte in b"STLS")
        peer.sendall(b"STLS" + b"\0\0\0\1" + b"\0" * 12 + magic)
        time.sleep(2)

    with (
        listening(serve) as address,
        pytest.raises(DeviceUnreachable, match="wireless debugging"),
    ):
        AdbConnection(address, connect_timeout_s=1).connect()


# --- files -------------------------------------------------------------------------------------


@pytest.fixture
def big_file(tmp_path: Path, rng: np.random.Generator) -> Path:
    path = tmp_path / "big"
    path.write_bytes(rng.bytes(5_000_000))
    return path


@pytest.mark.adbd
@pytest.mark.parametrize("size", [0, 1, 65536, 3_000_001])
def test_a_pushed_file_arrives_whole_and_comes_back(connection, tmp_path, rng, size):
    local = tmp_path / "file with 'quotes'"
    local.write_bytes(rng.bytes(size))
    remote = "/data/local/tmp/pushed 'file'"
    assert connection.push(local, remote) == "sha256"
    assert connection.pull(remote) == local.read_bytes()
    connection.shell("rm /data/local/tmp/pushed*")


@pytest.mark.adbd
def test_a_file_that_is_not_there_or_too_large_is_not_fetched(connection):
    with pytest.raises(DeviceError, match=r"does not give /data/nonesuch: .*No such file"):
        connection.pull("/data/nonesuch")
    connection.connect()
    connection.shell("dd if=/dev/zero of=/data/local/tmp/large bs=1048576 count=8")
    with pytest.raises(DeviceError, match="large is larger than 2 MB"):
        connection.pull("/data/local/tmp/large", 2 << 20)
    connection.connect()
    assert len(connection.pull("/data/local/tmp/large")) == 8 << 20
    with pytest.raises(DeviceError):
        connection.pull("/dev/zero", 2 << 20)
    connection.connect()
    connection.shell("rm /data/local/tmp/large")


@pytest.mark.adbd
def test_an_executable_can_be_executed(connection, tmp_path):
    local = tmp_path / "tool"
    local.write_text("#!/bin/sh\necho works\n")
    connection.push(local, "/data/local/tmp/tool", executable=True)
    assert connection.shell("/data/local/tmp/tool; rm /data/local/tmp/tool").output == "works"


@pytest.mark.adbd
@pytest.mark.parametrize(
    ("missing", "method"), [("sha256sum", "md5"), ("sha256sum md5sum", "size")]
)
def test_verification_uses_what_the_device_has_and_says_what(
    connection, big_file, monkeypatch, caplog, missing, method
):
    without = transfer._ASK
    for tool in missing.split():
        without = without.replace(f" {tool}", f" no-{tool}")
    monkeypatch.setattr(transfer, "_ASK", without)
    assert connection.push(big_file, "/data/local/tmp/big") == method
    assert ("only the size is verified" in caplog.text) == (method == "size")
    connection.shell("rm /data/local/tmp/big")


@pytest.mark.adbd
@pytest.mark.parametrize("damage", ["printf x >> {}", "printf x | dd of={} conv=notrunc", "rm {}"])
def test_a_damaged_file_is_found(connection, big_file, monkeypatch, damage):
    spoil = damage.format("/data/local/tmp/big") + " 2>/dev/null\n"
    monkeypatch.setattr(transfer, "_ASK", spoil + transfer._ASK)
    with pytest.raises(DeviceError, match="arrived damaged"):
        connection.push(big_file, "/data/local/tmp/big")
    connection.shell("rm -f /data/local/tmp/big")


@pytest.mark.adbd
@pytest.mark.parametrize("small", [True, False])
def test_a_refused_file_is_an_error_at_once_whatever_its_size(
    connection, big_file, tmp_path, small
):
    local = big_file
    if small:
        local = tmp_path / "small"
        local.write_text("x")
    start = time.monotonic()
    with pytest.raises(DeviceError, match="refuses to write /proc/nonesuch/file") as caught:
        connection.push(local, "/proc/nonesuch/file")
    assert "remote_dir" in str(caught.value)
    assert time.monotonic() - start < 8, "the refusal was waited out"
    assert connection.shell("echo still").output == "still"


@pytest.mark.adbd
def test_a_full_device_is_named(tmp_path, rng):
    big = tmp_path / "big"
    big.write_bytes(rng.bytes(3 << 20))
    small = tmp_path / "small"
    small.write_text("x")
    with peers.running_phone(data_size=1 << 20) as phone:
        connection = AdbConnection(TcpAddress("127.0.0.1", phone.port))
        connection.connect()
        with pytest.raises(DeviceFull, match="no space left") as caught:
            connection.push(big, "/data/local/tmp/big")
        assert "Free some" in str(caught.value)
        connection.shell("cat /dev/zero > /data/local/tmp/all 2>/dev/null")
        with pytest.raises(DeviceFull, match="no space left"):
            connection.push(small, "/data/local/tmp/small")
        connection.close()


@pytest.mark.adbd
def test_a_daemon_killed_during_a_push_is_an_error_in_time(phone, connection, tmp_path, rng):
    huge = tmp_path / "huge"
    huge.write_bytes(rng.bytes(60_000_000))
    killer = threading.Timer(0.1, phone.kill_daemon)
    killer.start()
    start = time.monotonic()
    with pytest.raises(DeviceLost, match="lost"):
        for _ in range(20):
            connection.push(huge, "/data/local/tmp/huge")
    assert time.monotonic() - start < 60
    killer.join()
    connection.connect(attempts=10, pause_s=0.2)
    connection.shell("rm -f /data/local/tmp/huge*")


# --- the workspace -----------------------------------------------------------------------------


@pytest.fixture
def workspace_on() -> Iterator[Callable[..., object]]:
    made = []

    def make(phone, lock_wait_s=10, **settings):
        connection = AdbConnection(TcpAddress("127.0.0.1", phone.port))
        made.append(Workspace(connection, lock_wait_s=lock_wait_s, **settings))
        return made[-1]

    yield make
    for workspace in made:
        workspace.close()


LEAVE_A_PROCESS = "echo x > file; setsid sleep 77 </dev/null >/dev/null 2>&1 & sleep 0.2"


@pytest.mark.adbd
def test_a_workspace_leaves_nothing_behind(workspace_on, phone):
    workspace = workspace_on(phone)
    workspace.open()
    assert phone.leftovers()
    workspace.run(LEAVE_A_PROCESS, 5)
    assert "sleep 7" in phone.leftovers()
    workspace.close()
    assert phone.leftovers() == ""
    workspace.close()


@pytest.mark.adbd
def test_a_host_that_vanishes_leaves_nothing_behind(workspace_on, phone):
    workspace = workspace_on(phone)
    workspace.open()
    workspace.run(LEAVE_A_PROCESS, 5)
    workspace.connection.close()
    phone.wait_until_clean()


@pytest.mark.adbd
def test_a_daemon_that_dies_leaves_nothing_behind(workspace_on, phone):
    workspace = workspace_on(phone)
    workspace.open()
    workspace.run(LEAVE_A_PROCESS, 5)
    phone.kill_daemon()
    end = time.monotonic() + 8
    while True:
        with contextlib.suppress(DeviceError):
            phone.wait_until_clean()
            return
        assert time.monotonic() < end


@pytest.mark.adbd
def test_closing_after_the_device_is_gone_ends_in_time(workspace_on, caplog):
    with peers.running_phone() as phone:
        workspace = workspace_on(phone)
        workspace.open()
        phone.stop()
        start = time.monotonic()
        workspace.close()
        assert time.monotonic() - start < 15
    assert "could not confirm" in caplog.text


@pytest.mark.adbd
def test_a_second_measurement_waits_for_the_first(workspace_on, phone, caplog):
    caplog.set_level("INFO", logger="nasprof")
    first, second = workspace_on(phone), workspace_on(phone)
    first.open()
    second.open()
    let_in = threading.Event()

    def work_too():
        with second.exclusive():
            let_in.set()

    with first.exclusive():
        thread = threading.Thread(target=work_too)
        thread.start()
        assert not let_in.wait(1), "the second did not wait"
        assert first.run("echo undisturbed", 5).output == "undisturbed"
    assert let_in.wait(10), "the second was not let in"
    thread.join()
    told = caplog.text
    assert told.count("waiting for") == 1
    assert "@" in told


@pytest.mark.adbd
def test_who_waits_too_long_is_told_whom_for(workspace_on, phone):
    first, second = workspace_on(phone), workspace_on(phone, lock_wait_s=0.5)
    first.open()
    second.open()
    with (
        first.exclusive(),
        pytest.raises(DeviceBusy, match=r"in use by \S+@\S+ since") as caught,
        second.exclusive(),
    ):
        pass
    assert "lock_wait_s" in str(caught.value)
    with second.exclusive():
        assert second.run("echo now", 5).output == "now"


@pytest.mark.adbd
def test_whoever_vanishes_while_working_is_not_waited_for(workspace_on, phone):
    first, second = workspace_on(phone), workspace_on(phone)
    first.open()
    with first.exclusive():
        first.connection.close()
    second.open()
    with second.exclusive():
        pass


DEAD, YOUNG, GONE = "nasprof-00000000dead", "nasprof-000000000a1e", "nasprof-000000000001"


@pytest.mark.adbd
def test_locks_and_folders_of_the_dead_are_taken_over(workspace_on, phone):
    phone.shell(
        f"cd /data/local/tmp; mkdir nasprof.lock {DEAD} {YOUNG};"
        f" echo x > nasprof.lock/owner.{GONE}; touch -d '2 hours ago' {DEAD}"
    )
    workspace = workspace_on(phone, lock_wait_s=3)
    workspace.open()
    with workspace.exclusive():
        found = phone.shell("ls -d /data/local/tmp/nasprof-*").output
    assert DEAD not in found
    assert YOUNG in found, "it may belong to somebody who is just beginning"
    workspace.close()
    phone.shell(f"rm -r /data/local/tmp/{YOUNG}")
    assert phone.leftovers() == ""


@pytest.mark.adbd
def test_nothing_is_swept_but_what_is_named_as_ours_is(workspace_on, phone):
    kept = ["victim", "other", "nasprof-old victim", "nasprof-g *", "nasprof-notes"]
    folders = " ".join(f"'{name}'" for name in [*kept, DEAD])
    phone.shell(
        f"cd /data/local/tmp; mkdir {folders}; touch -d '2 hours ago' {folders};"
        " ln -s victim nasprof-0000000000ff; touch -h -d '2 hours ago' nasprof-0000000000ff;"
        " ln -s victim nasprof.lock"
    )
    workspace = workspace_on(phone, lock_wait_s=3)
    workspace.open()
    found = phone.shell('cd /data/local/tmp; for f in *; do echo "$f"; done').output.splitlines()
    assert set(found) >= {*kept, "nasprof-0000000000ff", "nasprof.lock"}
    assert DEAD not in found
    with pytest.raises(DeviceError, match=r"nasprof\.lock on the device is a link"):
        workspace._take_lock()
    workspace.close()
    assert phone.shell("cd /data/local/tmp; [ -d victim ] && [ -L nasprof.lock ]").exit_code == 0
    phone.shell(f"cd /data/local/tmp; rm -r {folders} nasprof.lock nasprof-0000000000ff")
    assert phone.leftovers() == ""


@pytest.mark.adbd
def test_a_folder_that_cannot_be_made_is_named(workspace_on, phone):
    with pytest.raises(DeviceError, match="cannot make a folder in /usr") as caught:
        workspace_on(phone, parent="/usr").open()
    assert "remote_dir" in str(caught.value)


# --- USB (no phone is connected here: libusb's side is stood in for) -----------------------------


class StandInPhone:
    """What adb_shell's USB transport looks like; NOT a real phone."""

    def __init__(self, serial="A1", product="Pixel 7", error=None):
        self._device = self
        self._serial, self._product, self._error = serial, product, error

    def getSerialNumber(self):
        return self._serial

    def getProduct(self):
        return self._product

    def connect(self, timeout_s):
        raise self._error

    def bulk_read(self, size, timeout_s):
        raise self._error

    def close(self):
        pass


def usb_error(name):
    return type(name, (Exception,), {})("LIBUSB")


def test_the_only_phone_is_taken():
    only = StandInPhone()
    assert choose_phone(UsbAddress(), [only]) is only


def test_several_phones_are_listed_unless_one_is_named_or_preferred():
    pixel, other = StandInPhone("A1", "Pixel 7"), StandInPhone("B2", "SM-A526B")
    with pytest.raises(DeviceUnreachable, match=r"A1 \(Pixel 7\), B2 \(SM-A526B\)") as caught:
        choose_phone(UsbAddress(), [pixel, other])
    assert "--serial" in str(caught.value)
    assert choose_phone(UsbAddress("B2"), [pixel, other]) is other
    assert choose_phone(UsbAddress(None, "pixel"), [pixel, other]) is pixel
    with pytest.raises(DeviceUnreachable, match="2 phones"):
        choose_phone(UsbAddress(None, "xperia"), [pixel, other])


def test_a_missing_phone_is_named_with_those_that_are_there():
    with pytest.raises(DeviceUnreachable, match="'C3'") as caught:
        choose_phone(UsbAddress("C3"), [StandInPhone()])
    assert "A1 (Pixel 7)" in str(caught.value)
    with pytest.raises(DeviceUnreachable, match="no phone is connected by USB"):
        choose_phone(UsbAddress(), [])


@pytest.mark.parametrize(
    ("error", "remedy"),
    [("USBErrorBusy", "adb kill-server"), ("USBErrorAccess", "udev"), ("USBErrorIO", "Unplug")],
)
def test_a_phone_that_cannot_be_opened_has_a_remedy(error, remedy):
    stream = UsbStream(UsbAddress("A1"), Deadline(), StandInPhone(error=usb_error(error)))
    with pytest.raises(DeviceUnreachable, match=error) as caught:
        stream.connect(1)
    assert remedy in str(caught.value)


@pytest.mark.parametrize(
    ("cause", "expected"), [("USBErrorTimeout", DeviceTimeout), ("USBErrorNoDevice", DeviceLost)]
)
def test_usb_reads_that_fail_are_told_apart(cause, expected):
    from adb_shell.exceptions import UsbReadFailedError

    error = UsbReadFailedError("failed", usb_error(cause))
    stream = UsbStream(UsbAddress("A1"), Deadline(), StandInPhone(error=error))
    with pytest.raises(expected):
        stream.bulk_read(24, 1)


@pytest.mark.adbd
def test_phones_are_looked_for_with_the_real_libusb():
    library = next((peers.prepared_adbd() / "root/usr/lib").glob("*/libusb-1.0.so.0")).parent
    program = "from devices.adb.usb import find_phones; print(find_phones())"
    found = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"LD_LIBRARY_PATH": str(library)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout.startswith("[") or "DeviceUnreachable" in found.stderr, found.stderr


@pytest.mark.parametrize("missing", [ImportError("usb1"), OSError("libusb-1.0.so.0")])
def test_missing_libusb_has_the_right_remedy(monkeypatch, missing):
    import builtins

    original = builtins.__import__

    def refuse(name, *arguments):
        if name == "adb_shell.transport.usb_transport":
            raise missing
        return original(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(DeviceUnreachable, match="libusb") as caught:
        find_phones()
    assert "libusb-1.0-0" in str(caught.value)
    assert "nasprof[usb]" in str(caught.value)
