"""A Ray cluster of one machine for tests, on loopback, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

# Of the head and whoever uses it: Ray keeps to loopback if it believes it cannot have a cluster.
ENVIRONMENT = {
    "RAY_AUTH_MODE": "disabled",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}


class RayHead:
    """A head with some CPUs, started; ``stop`` ends it as a power cut would."""

    def __init__(self, cpus):
        self.folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        options = {
            "node-ip-address": "127.0.0.1",
            "port": self.port,
            "num-cpus": cpus,
            "include-dashboard": "false",
            "object-store-memory": 100 << 20,
            "temp-dir": self.folder,
        }
        settings = [f"--{name}={value}" for name, value in options.items()]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", *settings],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        for line in self.process.stdout:
            if b"Ray runtime started" in line:
                return
        raise RuntimeError("Ray did not start")

    def stop(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
        while answers(self.port):
            time.sleep(0.05)
        shutil.rmtree(self.folder, ignore_errors=True)


def free_port():
    with socket.socket() as unbound:
        unbound.bind(("127.0.0.1", 0))
        return unbound.getsockname()[1]


def answers(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
