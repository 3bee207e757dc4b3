"""What executes model files, by name."""

from __future__ import annotations

from dataclasses import dataclass

from nasprof.registry import Registry


@dataclass(frozen=True)
class Runtime:
    """What is known here of a runtime; the runner, in a process of its own, imports its adapter.

    Args:
        format: of the model files that architectures are lowered to for it: "onnx", "tflite" ...
        adapter: ``"module:Class"`` where the runner finds it; one that it brings along itself
            unless given.
        modules: of which one must be installed on this machine.
    """

    format: str
    adapter: str | None = None
    modules: tuple[str, ...] = ()


runtimes: Registry[Runtime] = Registry(
    "runtime",
    {
        "litert": Runtime("tflite", modules=("ai_edge_litert", "tflite_runtime", "tensorflow")),
        "onnxruntime": Runtime("onnx", modules=("onnxruntime",)),
        "torch": Runtime("torch", modules=("torch",)),
    },
)


def adapter_of(name: str) -> str:
    """What the runner calls a runtime: itself, if nobody has registered it."""
    return (runtimes.get(name).adapter if name in runtimes else None) or name


def modules_of(name: str) -> tuple[str, ...]:
    """Modules of which one must be installed, as far as that is known without importing any."""
    known = runtimes.get(name).modules if name in runtimes else ()
    return known or (adapter_of(name).partition(":")[0].partition(".")[0] or name,)
