"""A device that gives made-up samples, to test what is done with them; it measures nothing."""

import numpy as np

from devices import Device, Reachability, RunnerRefused, Samples, Session
from devices.device_profile import Profile
from devices.samples import take_in
from profiler.measuring.status import EMPTY, SENTINEL


class ScriptedSession(Session):
    """Gives the samples that a function of (model, round) makes up, to test the schedule."""

    def __init__(self, settings, script):
        self.settings = settings
        self.script = script
        self.orders = []
        self.closed = False

    def load(self, models, details=None):
        self.models = dict(models)

    def run_round(self, order, warmup, runs, arrived=None):
        number = len(self.orders)
        self.orders.append(list(order))
        self.partial = {}
        for name in order:
            samples = self.script(name, number, runs)
            take_in(self.partial, name, samples)
            if arrived is not None:
                arrived(name, samples)
        taken, self.partial = self.partial, {}
        return taken

    def outputs(self, name, inputs):
        raise RunnerRefused("no outputs")

    def provenance(self):
        return {"runtime_version": "1.2", "threads": 1, "affinity": [0], "cpu_clock": "thread"}

    def close(self):
        self.closed = True


class ScriptedDevice(Device):
    def __init__(self, script):
        super().__init__(Profile("scripted", "scripted"))
        self.script = script
        self.sessions = []

    def check(self):
        return Reachability(True, "")

    def fingerprint(self):
        return {"kind": "scripted"}

    def open(self, settings):
        self.sessions.append(ScriptedSession(settings, self.script))
        return self.sessions[-1]


def steady(name, number, runs):
    """Every model takes its own time, with 0.1 % of noise."""
    level = {SENTINEL: 2.0, EMPTY: 0.01}.get(name, 1.0 + len(name))
    noise = np.random.default_rng([number, len(name)]).standard_normal(runs)
    wall = list(level * (1 + 0.001 * noise))
    return Samples(wall, [0.99 * value for value in wall])
