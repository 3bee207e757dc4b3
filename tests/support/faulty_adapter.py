"""A runtime whose model files are one word that says what goes wrong when they run.

It imports nothing of ours, so that it also works where only the runner is.
"""

import os
import signal
import time


class Model:
    inputs = ()
    outputs = ()
    timer = None

    def __init__(self, word):
        self.word = word

    def run(self):
        if self.word == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif self.word == "hang":
            time.sleep(600)
        elif self.word == "nap":
            time.sleep(0.2)
        elif self.word == "raise":
            raise RuntimeError("the kernel of this model is broken")
        elif self.word == "print":
            print("noise from Python")
            os.write(1, b"noise from a library\n")
        else:
            sum(range(2000))

    def compute(self, arrays):
        return {}


class Adapter:
    version = "1.0"
    on_host = True

    def __init__(self, threads, options):
        self.facts = {}

    def load(self, path, inputs):
        with open(path, encoding="utf-8") as stream:  # noqa: PTH123
            return Model(stream.read().strip())
