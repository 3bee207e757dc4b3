"""A small program that executes model files and times them.

It runs as a subprocess of nasprof on this machine and is pushed to Linux boards, so it needs only
Python 3.8 or later, numpy and a runtime, and imports nothing else of nasprof.

It reads one JSON object a line from stdin and answers with JSON lines on stdout; whatever
libraries print goes to stderr. Requests, in this order::

    {"op": "hello", "runtime": "onnxruntime", "threads": 1, "affinity": [0], "options": {}}
    {"op": "load", "name": "a", "path": "a.onnx", "seed": 0, "details": {"sizes": {"h": 640}}}
    {"op": "round", "order": ["a", "b"], "warmup": 5, "runs": 50}
    {"op": "run", "name": "a", "inputs": "in.npz", "outputs": "out.npz", "many": false}
    {"op": "profile", "name": "a", "warmup": 5, "runs": 50}

Each is answered by ``{"ok": OP, ...}``, a round also by one ``{"ok": "samples", ...}`` per visit
of a model as soon as it was timed. What ``load`` may tell of a model's inputs (``details``) is in
:class:`.inputs.Inputs`; with ``"try": true`` the model is run once. With ``"many": true`` the
inputs of a run are any number of samples instead of one batch, see :mod:`.batches`.

A failure is answered by ``{"error": OP, "kind": KIND, "message": ...}`` where KIND is ``refused``
(it cannot be done here), ``failed`` (the runtime failed while running; with the ``model`` and its
``inputs`` where it was one) or ``protocol`` (the request makes no sense). End of input ends the
program.

A runtime is named by its adapter (a module in :mod:`.adapters`) or, for one of your own, by
``"module:Class"``; where it has a name besides, that stands in ``"adapter"``.
"""

END_WITH_PARENT = "--end-with-parent"
"""Argument of a runner whose stdin is a pipe from the process that it is not to outlive."""
