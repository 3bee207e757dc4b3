"""The RSA keys by which phones know this computer, kept where ``adb`` keeps them.

``~/.android/adbkey`` (created if missing, readable by its owner alone) comes first, then the keys
that ``$ADB_VENDOR_KEYS`` names: files, or folders of ``*.adb_key``.

Android's form of a public key has room for 2048 bits, no more and no less.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import os
import stat
import tempfile
from pathlib import Path

from devices.errors import DeviceError

KEY_BITS = 2048

_log = logging.getLogger(__name__)


class AdbKeyError(DeviceError):
    """An ADB key cannot be read, is none, or cannot be created."""


class AdbKey:
    """A private key in the form ``adb_shell`` signs with.

    Raises:
        AdbKeyError: the file cannot be read or holds no RSA private key of :data:`KEY_BITS` bits.
    """

    def __init__(self, path: Path) -> None:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        self.path = path
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except OSError as error:
            raise AdbKeyError(f"cannot read the ADB key {path}: {error.strerror}") from error
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise _useless(path, "is no ADB key") from error
        if not isinstance(key, RSAPrivateKey):
            raise _useless(path, "is no ADB key")
        if key.key_size != KEY_BITS:
            raise _useless(path, f"is no ADB key: it has {key.key_size} bits")
        self._key = key

    def Sign(self, data: bytes) -> bytes:
        """The signature of a token of 20 bytes, which stands for its own SHA-1."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding, utils

        return self._key.sign(bytes(data), padding.PKCS1v15(), utils.Prehashed(hashes.SHA1()))

    def GetPublicKey(self) -> bytes:
        """The public key in Android's own format, followed by a name for the phone to show."""
        from adb_shell.auth.keygen import encode_pubkey, get_user_info

        public = base64.b64encode(encode_pubkey(str(self.path)))
        return bytes(public + get_user_info().encode(errors="replace"))


def load_keys(home: Path | None = None) -> list[AdbKey]:
    """The keys to offer to a phone, this user's own first.

    Args:
        home: folder of ``.android``; the user's home folder by default.

    Raises:
        AdbKeyError: a key cannot be read, is none, or cannot be created.
    """
    vendor = _vendor_paths()
    try:
        paths = [_ready(own_key(home)), *vendor]
    except AdbKeyError:
        if not vendor:
            raise
        paths = vendor
    for path in paths:
        _warn_if_shared(path)
    return [AdbKey(path) for path in paths]


def own_key(home: Path | None = None) -> Path:
    """Where this user's own key is, or is created.

    Raises:
        AdbKeyError: this user has no home folder.
    """
    try:
        return (home or Path.home()) / ".android" / "adbkey"
    except RuntimeError as error:
        raise AdbKeyError(
            "there is no ADB key: this user has no home folder",
            "Set HOME to a folder of yours, or name a key in $ADB_VENDOR_KEYS.",
        ) from error


def _ready(path: Path) -> Path:
    """The path of a key, which is created if there is none."""
    try:
        if not path.exists():
            if path.is_symlink():
                raise AdbKeyError(
                    f"the ADB key {path} is a symbolic link to {path.readlink()}, "
                    "where there is nothing",
                    "Remove the link; a new key is created (phones will ask whether to allow it).",
                )
            create_key(path)
    except OSError as error:
        raise AdbKeyError(
            f"cannot read the ADB key {path}: {error.strerror}",
            "Make the folder readable, or name a key in $ADB_VENDOR_KEYS.",
        ) from error
    return path


def _vendor_paths() -> list[Path]:
    paths: list[Path] = []
    for name in filter(None, os.environ.get("ADB_VENDOR_KEYS", "").split(os.pathsep)):
        path = Path(name)
        try:
            paths += sorted(path.glob("*.adb_key")) if path.is_dir() else [path]
        except OSError as error:
            raise AdbKeyError(f"cannot read the ADB keys {path}: {error.strerror}") from error
    return paths


def _warn_if_shared(path: Path) -> None:
    """Say so if others can read a key: whoever has it has the phones that allow it."""
    with contextlib.suppress(OSError):
        if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRGRP | stat.S_IROTH):
            _log.warning("others can read the ADB key %s. Run: chmod 600 %s", path, path)


def create_key(path: Path) -> None:
    """Generate a key pair ``path`` and ``path.pub``; one that another program made meanwhile stays.

    Raises:
        AdbKeyError: the folder cannot be written.
    """
    from adb_shell.auth.keygen import keygen

    try:
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".adbkey-") as folder:
            scratch = Path(folder) / "adbkey"
            keygen(str(scratch))
            scratch.chmod(0o600)
            with contextlib.suppress(FileExistsError):
                os.link(scratch, path)
                scratch.with_suffix(".pub").replace(path.with_name(path.name + ".pub"))
    except OSError as error:
        raise AdbKeyError(
            f"cannot create the ADB key {path}: {error.strerror}",
            "Make the folder writable, or name a key in $ADB_VENDOR_KEYS.",
        ) from error


def _useless(path: Path, why: str) -> AdbKeyError:
    return AdbKeyError(
        f"{path} {why}, expected an RSA private key of {KEY_BITS} bits in PEM format",
        "Move it away; a new one is created (phones will ask again whether to allow it).",
    )
