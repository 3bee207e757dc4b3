"""A device over ADB: a phone, or a Linux board that runs the debug daemon."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import ClassVar

from devices.adb.connection import AdbConnection
from devices.adb.options import AdbOptions, read_options
from devices.adb.session import AdbSession
from devices.adb.state import FACTS_SCRIPT, parse_facts
from devices.adb.workspace import Workspace
from devices.device import Device, Reachability
from devices.device_profile import Profile
from devices.errors import DeviceLost, DeviceTimeout
from devices.foreign import clean
from devices.session import Session
from devices.settings import RunSettings
from nasprof.errors import NasprofError
from nasprof.registry import Registry
from nasprof.typing import JsonObject

CHECK_TIMEOUT_S = 3.0

adb_runners: Registry[type[AdbSession]] = Registry(
    "ADB runner",
    {
        "benchmark_model": "devices.adb.benchmark_model:BenchmarkModelSession",
        "json": "devices.adb.json_runner:JsonSession",
    },
)


class AdbDevice(Device):
    """A phone or board over ADB; :class:`AdbOptions` says what its profile may contain."""

    default_options: ClassVar[Mapping[str, object]] = asdict(AdbOptions())
    # Which device it is, and what the tool is, follows from what they hold, not where they are.
    incidental_options: ClassVar[frozenset[str]] = Device.incidental_options | {
        "port",
        "product",
        "benchmark_model",
        "lock_wait_s",
        "cool_limit_s",
        "remote_dir",
    }

    def __init__(self, profile: Profile) -> None:
        super().__init__(profile)
        self.options: AdbOptions = read_options(profile)
        self._facts: JsonObject = {}

    def check(self) -> Reachability:
        try:
            with self._connected(CHECK_TIMEOUT_S, 1.0, quiet=True) as connection:
                facts = parse_facts(connection.shell(FACTS_SCRIPT, CHECK_TIMEOUT_S).output)
        except NasprofError as error:
            return Reachability(False, f"{error.message}. {error.remedy or ''}".strip())
        except Exception as error:
            return Reachability(False, f"{type(error).__name__}: {clean(str(error))}")
        self._facts = facts
        return Reachability(True, self._describe(facts))

    def _describe(self, facts: JsonObject) -> str:
        system = f"Android {facts['android']}" if "android" in facts else facts.get("os", "")
        parts = [facts.get("model", "a device"), system, f"at {self.options.address}"]
        product = self.options.product
        if product and not _is_product(facts, product):
            parts.append(f"not a {product}")
        if self.options.runner == "benchmark_model" and self.options.benchmark_model is None:
            parts.append("benchmark_model is not set in its profile")
        return ", ".join(part for part in parts if part)

    def fingerprint(self) -> JsonObject:
        if not self._facts:
            try:
                self._facts = self._read_facts()
            except (DeviceLost, DeviceTimeout):
                self._facts = self._read_facts()
        return {"kind": self.profile.kind, **self._facts}

    def _read_facts(self) -> JsonObject:
        with self._connected() as connection:
            return parse_facts(connection.shell(FACTS_SCRIPT).output)

    def open(self, settings: RunSettings) -> Session:
        options = self.options
        workspace = Workspace(
            AdbConnection(options.address), options.remote_dir, options.lock_wait_s
        )
        workspace.open()
        try:
            self._facts = parse_facts(workspace.connection.shell(FACTS_SCRIPT).output)
            settings = replace(settings, affinity=settings.affinity or self.profile.affinity)
            runner = adb_runners.get(options.runner)
            session = runner(workspace, settings, options, self._facts)
            session.make_ready()
            return session
        except BaseException:
            workspace.close()
            raise

    @contextlib.contextmanager
    def _connected(
        self, connect_timeout_s: float = 5.0, auth_timeout_s: float = 30.0, quiet: bool = False
    ) -> Iterator[AdbConnection]:
        connection = AdbConnection(
            self.options.address, connect_timeout_s, auth_timeout_s, quiet=quiet
        )
        try:
            connection.connect()
            yield connection
        finally:
            connection.close()


def _is_product(facts: JsonObject, product: str) -> bool:
    names = (str(facts.get(name, "")) for name in ("model", "brand", "manufacturer"))
    return any(product.lower() in name.lower() for name in names)
