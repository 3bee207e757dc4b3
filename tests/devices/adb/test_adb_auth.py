"""Keys, and RSA authentication against a peer that verifies signatures."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import peers
import pytest

from devices.adb.connection import AdbConnection
from devices.adb.keys import AdbKeyError, create_key, load_keys
from devices.errors import DeviceUnreachable


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_a_missing_key_is_created_readable_by_its_owner_alone(home):
    (key,) = load_keys(home)
    path = home / ".android" / "adbkey"
    assert key.path == path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    encoded, _, name = (path.parent / "adbkey.pub").read_text().partition(" ")
    assert len(base64.b64decode(encoded)) == 524
    assert "@" in name
    assert sorted(p.name for p in path.parent.iterdir()) == ["adbkey", "adbkey.pub"]


def test_an_existing_key_is_kept(home):
    first = load_keys(home)[0].GetPublicKey()
    assert load_keys(home)[0].GetPublicKey() == first
    create_key(home / ".android" / "adbkey")
    assert load_keys(home)[0].GetPublicKey() == first


def test_vendor_keys_follow_the_users_own(home, tmp_path, monkeypatch):
    vendor = tmp_path / "vendor"
    create_key(vendor / "lab.adb_key")
    create_key(tmp_path / "single")
    monkeypatch.setenv("ADB_VENDOR_KEYS", f"{vendor}{os.pathsep}{tmp_path / 'single'}")
    paths = [key.path for key in load_keys(home)]
    assert paths == [home / ".android/adbkey", vendor / "lab.adb_key", tmp_path / "single"]


@pytest.mark.parametrize("content", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\nAA\n"])
def test_a_corrupt_key_is_named(home, content):
    path = home / ".android" / "adbkey"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(AdbKeyError, match=r"adbkey is no ADB key") as caught:
        load_keys(home)
    assert "Move it away" in str(caught.value)
    assert path.read_bytes() == content


def test_a_home_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / ".android").write_text("a file where the folder should be")
    with pytest.raises(AdbKeyError, match="cannot create the ADB key"):
        load_keys(tmp_path)


def test_a_known_key_is_accepted_without_asking(home, caplog):
    load_keys(home)
    with peers.running_bridge("refuse", home / ".android" / "adbkey.pub") as (address, asked):
        connection = AdbConnection(address, home=home)
        connection.connect()
        assert connection.connected
        assert asked.read_text() == ""
        connection.close()
    assert caplog.text == ""


def test_an_unknown_key_is_accepted_when_the_user_taps_allow(home, caplog):
    with peers.running_bridge("allow") as (address, asked):
        connection = AdbConnection(address, home=home)
        connection.connect()
        assert connection.connected
        assert len(asked.read_text().splitlines()) == 1
        connection.close()
    told = caplog.text
    assert "tap Allow" in told
    assert str(address) in told


def test_a_refused_key_is_an_error_with_the_remedy(home):
    with peers.running_bridge("refuse") as (address, asked):
        connection = AdbConnection(address, home=home)
        with pytest.raises(DeviceUnreachable, match="did not authorise") as caught:
            connection.connect(attempts=3)
        assert "tap Allow" in str(caught.value)
        assert len(asked.read_text().splitlines()) == 1, "the user was asked more than once"
        assert not connection.connected


def test_a_user_who_never_answers_is_waited_for_no_longer_than_said(home):
    with peers.running_bridge("ignore") as (address, asked):
        connection = AdbConnection(address, auth_timeout_s=0.5, home=home)
        with pytest.raises(DeviceUnreachable, match="did not authorise"):
            connection.connect()
        assert asked.read_text()
