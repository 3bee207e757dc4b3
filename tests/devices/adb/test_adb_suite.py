"""The behaviour all devices share, on a real debug daemon with Python behind it."""

from __future__ import annotations

import shutil
from pathlib import Path

import peers
import pytest
from device_suite import DeviceSuite, DeviceUnderTest

from devices.profile_files import open_device

pytestmark = pytest.mark.adbd

FAULTY = Path(__file__).parents[2] / "support" / "faulty_adapter.py"


@pytest.fixture(scope="module", params=["onnxruntime", "litert"])
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("models")
    library = tmp_path_factory.mktemp("library")
    shutil.copy(FAULTY, library)
    binds = {library: "/opt/faulty"}
    with pytest.MonkeyPatch.context() as patch, peers.running_phone(binds=binds) as phone:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))

        def device(**options):
            python = "env PYTHONPATH=/opt/faulty python3"
            return open_device(phone.profile(runner="json", python=python, **options))

        yield DeviceUnderTest(
            device=device(),
            runtime=request.param,
            folder=folder,
            impatient=device(timeout_s=4.0),
            leftovers=lambda: phone.leftovers().splitlines(),
        )


class TestAdb(DeviceSuite):
    pass
