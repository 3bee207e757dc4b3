"""A runtime whose model files are one word that says what goes wrong when they run.

It imports nothing of ours, so that it also works where only the runner is.
"""

import os
import signal
import time


class Tensor:
    def __init__(self, name, shape):
        self.name, self.shape = name, shape

    def to_dict(self):
        return {"name": self.name, "shape": self.shape, "dtype": "float32"}


GIVES = "gives-"
"""Begins the words of models that classify images ``(2, 4, 4, 3)`` into 3 classes by the mean of
each channel, but for what the rest of the word says."""


class Model:
    inputs = ()
    outputs = ()
    timer = None

    def __init__(self, word):
        self.word = word
        if word.startswith(GIVES):
            self.inputs = (Tensor("x", [2, 4, 4, 3]),)
            self.outputs = (Tensor("y", [2, 3]),)

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
        if not self.word.startswith(GIVES):
            return {}
        fault, images = self.word[len(GIVES) :], arrays["x"]
        means = images.reshape(len(images), -1, 3).mean(1)
        if fault == "nan":
            means[-1, 0] = float("nan")
        given = {
            "nothing": {},
            "another": {"z": means},
            "two": {"y": means, "z": means},
            "short": {"y": means[:1]},
            "scalar": {"y": means.sum()},
            "map": {"y": images},
        }
        return given.get(fault, {"y": means})


class Adapter:
    version = "1.0"
    on_host = True

    def __init__(self, threads, options):
        self.facts = {}

    def load(self, path, inputs):
        with open(path, encoding="utf-8") as stream:  # noqa: PTH123
            return Model(stream.read().strip())
