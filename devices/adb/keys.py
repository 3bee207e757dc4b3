"""The RSA keys by which phones know this computer, kept where ``adb`` keeps them.

``~/.android/adbkey`` (created if missing, readable by its owner alone) comes first, then the keys
that ``$ADB_VENDOR_KEYS`` names: files, or folders of ``*.adb_key``.
"""

from __future__ import annotations

import base64
import contextlib
import os
import tempfile
from pathlib import Path

from devices.base import DeviceError


class AdbKeyError(DeviceError):
    """An ADB key cannot be read, is none, or cannot be created."""


class AdbKey:
    """A private key in the form ``adb_shell`` signs with.

    Raises:
        AdbKeyError: the file cannot be read or holds no RSA private key.
    """

    def __init__(self, path: Path) -> None:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        self.path = path
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except OSError as error:
            raise AdbKeyError(f"cannot read the ADB key {path}: {error.strerror}") from error
        except (ValueError, TypeError) as error:
            raise _corrupt(path) from error
        if not isinstance(key, RSAPrivateKey):
            raise _corrupt(path)
        self._key = key

    def Sign(self, data: bytes) -> bytes:
        """The signature of a token of 20 bytes, which stands for its own SHA-1."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding, utils

        return self._key.sign(bytes(data), padding.PKCS1v15(), utils.Prehashed(hashes.SHA1()))

    def GetPublicKey(self) -> bytes:
        """The public key in Android's own format, followed by a name for the phone to show."""
        from adb_shell.auth.keygen import encode_pubkey, get_user_info

        return bytes(base64.b64encode(encode_pubkey(str(self.path))) + get_user_info().encode())


def load_keys(home: Path | None = None) -> list[AdbKey]:
    """The keys to offer to a phone, this user's own first.

    Args:
        home: folder of ``.android``; the user's home folder by default.

    Raises:
        AdbKeyError: a key cannot be read, is none, or cannot be created.
    """
    own = (home or Path.home()) / ".android" / "adbkey"
    vendor = _vendor_paths()
    if not own.exists():
        try:
            create_key(own)
        except AdbKeyError:
            if not vendor:
                raise
    return [AdbKey(path) for path in ([own] if own.exists() else []) + vendor]


def _vendor_paths() -> list[Path]:
    paths: list[Path] = []
    for name in filter(None, os.environ.get("ADB_VENDOR_KEYS", "").split(os.pathsep)):
        path = Path(name)
        paths += sorted(path.glob("*.adb_key")) if path.is_dir() else [path]
    return paths


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


def _corrupt(path: Path) -> AdbKeyError:
    return AdbKeyError(
        f"{path} is no ADB key: expected an RSA private key in PEM format",
        "Move it away; a new one is created (phones will ask again whether to allow it).",
    )
