"""How people name their phones, and the keys that they have."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from devices import Profile
from devices.adb.address import TcpAddress, UsbAddress, parse_address
from devices.adb.keys import AdbKeyError, create_key, load_keys, own_key
from devices.adb.options import read_options
from nasprof.errors import UsageError
from profiler.cli import main as nasprof

SMALL = Path(__file__).resolve().parents[3] / "examples" / "small.json"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("ADB_VENDOR_KEYS", raising=False)
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    return tmp_path


@pytest.mark.parametrize("number", [5554, 5556, 5584])
def test_an_emulator_listens_at_the_next_number(number):
    assert parse_address(f"emulator-{number}") == TcpAddress("localhost", number + 1)


@pytest.mark.parametrize("serial", ["emulator-65535", "emulator-", "emulator-x", "my-emulator-1"])
def test_what_only_looks_like_an_emulator(serial):
    assert parse_address(serial) == UsbAddress(serial)


def test_measure_tries_the_emulators_daemon():
    """At a number at which nobody listens."""
    args = ["--device", "android", "--serial", "emulator-5998", "--arch", str(SMALL)]
    done = CliRunner().invoke(nasprof, ["measure", *args, "--set", "benchmark_model=/bin/true"])
    assert done.exit_code == 1
    assert "no answer from localhost:5999 (where emulator-5998 listens)" in done.stderr
    assert "USB" not in done.stderr


@pytest.mark.parametrize(
    "serial",
    [
        "adb-28081FDH2000AB-xYz123._adb-tls-connect._tcp",
        "adb-28081FDH2000AB-xYz123 (2)._adb-tls-connect._tcp.",
        "adb-28081FDH2000AB._adb._tcp.local",
        "adb-28081FDH2000AB-xYz123._adb-tls-pairing._tcp",
    ],
)
def test_names_that_only_adb_knows_are_told_with_the_remedy(serial):
    with pytest.raises(UsageError, match="only adb knows") as caught:
        parse_address(serial)
    assert "tcpip 5555" in caught.value.remedy
    assert "--serial IP:5555" in caught.value.remedy


def options(**chosen):
    return read_options(Profile("phone", "adb", options=chosen))


def test_the_serial_in_the_environment_is_the_default(monkeypatch):
    assert options().address == UsbAddress()
    monkeypatch.setenv("ANDROID_SERIAL", "emulator-5554")
    assert options().address == TcpAddress("localhost", 5555)
    assert options(product="pixel").address == TcpAddress("localhost", 5555)
    assert options(serial="R58M123").address == UsbAddress("R58M123")
    monkeypatch.setenv("ANDROID_SERIAL", " ")
    assert options().address == UsbAddress()
    monkeypatch.setenv("ANDROID_SERIAL", "a:b:c")
    with pytest.raises(UsageError, match="a:b:c"):
        options()


@pytest.mark.parametrize("port", ["\u0665\u0665\u0665\u0665", "1" * 5000, "0", "65536", "-1"])
def test_ports_that_are_none(port):
    with pytest.raises(UsageError, match="no TCP port"):
        parse_address(f"phone:{port}")


def write(path, key):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)


@pytest.mark.parametrize("bits", [1024, 3072, 4096])
def test_a_key_of_another_size_is_named(home, bits):
    path = own_key()
    write(path, rsa.generate_private_key(public_exponent=65537, key_size=bits))
    with pytest.raises(
        AdbKeyError, match=f"it has {bits} bits, expected .* of 2048 bits"
    ) as caught:
        load_keys()
    assert "Move it away" in caught.value.remedy


def test_measure_names_a_key_of_another_size(home):
    """Before the phone is asked, so that nobody is told to look at the phone."""
    import peers

    create_key(home / "known" / "adbkey")
    write(own_key(), rsa.generate_private_key(public_exponent=65537, key_size=4096))
    with peers.running_bridge("refuse", home / "known" / "adbkey.pub") as (address, _):
        args = ["--device", "android", "--serial", str(address), "--arch", str(SMALL)]
        done = CliRunner().invoke(nasprof, ["measure", *args, "--set", "benchmark_model=/bin/true"])
    assert done.exit_code == 1
    assert "it has 4096 bits" in done.stderr
    assert "Move it away" in done.stderr
    assert "OverflowError" not in done.stderr


def test_a_key_that_is_none_of_rsa(home):
    write(own_key(), ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(AdbKeyError, match="is no ADB key"):
        load_keys()


def test_a_link_to_a_key_that_is_gone(home):
    path = own_key()
    path.parent.mkdir()
    path.symlink_to(home / "gone")
    with pytest.raises(AdbKeyError, match=r"symbolic link to .*gone, where there is nothing") as e:
        load_keys()
    assert "Remove the link" in e.value.remedy
    assert path.is_symlink()
    assert not (home / "gone").exists()


def test_a_key_that_others_can_read_is_told(home, caplog):
    load_keys()
    assert caplog.text == ""
    own_key().chmod(0o644)
    [key] = load_keys()
    assert key.path == own_key()
    assert f"others can read the ADB key {own_key()}" in caplog.text
    assert "chmod 600" in caplog.text


def test_a_home_that_is_no_folder(monkeypatch, home, tmp_path):
    monkeypatch.setenv("HOME", "/dev/null")
    with pytest.raises(AdbKeyError, match="ADB key /dev/null"):
        load_keys()
    create_key(tmp_path / "lab" / "adbkey")
    monkeypatch.setenv("ADB_VENDOR_KEYS", str(tmp_path / "lab" / "adbkey"))
    assert [key.path for key in load_keys()] == [tmp_path / "lab" / "adbkey"]


def test_no_home_at_all(monkeypatch):
    import pwd

    def unknown(number):
        raise KeyError(number)

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(AdbKeyError, match="no home folder"):
        load_keys()


def test_a_user_whose_name_is_no_text(home, monkeypatch):
    create_key(own_key())
    monkeypatch.setattr("adb_shell.auth.keygen.get_user_info", lambda: " caf\udce9@host")
    assert load_keys()[0].GetPublicKey().endswith(b" caf?@host")
