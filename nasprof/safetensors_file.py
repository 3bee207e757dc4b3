"""Arrays read from ``.safetensors`` files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nasprof.arrays import MAX_BYTES, MAX_MEMBERS, ArraysInvalid, brief_line
from nasprof.json_text import plain_json
from nasprof.reader import brief
from nasprof.reading import MAX_NAME, read_bytes
from nasprof.typing import AnyArray

_DTYPES = {f"{kind}{8 * size}": f"<{kind.lower()}{size}" for kind in "IU" for size in (1, 2, 4, 8)}
_DTYPES |= {f"F{8 * size}": f"<f{size}" for size in (2, 4, 8)}
# Numpy has no bfloat16, whose bits are the upper half of a float32.
_BFLOAT16, _UPPER_HALF = "BF16", "<u2"


def read_safetensors(path: Path) -> dict[str, AnyArray]:
    """The arrays of a ``.safetensors`` file, by name; bfloat16 comes as float32.

    Raises:
        UsageError: the file cannot be opened or is too large.
        ArraysInvalid: it is damaged, or holds something else than real numbers.
    """
    from safetensors import deserialize

    content = read_bytes(path, MAX_BYTES)
    try:
        tensors = deserialize(content)  # type: ignore[no-untyped-call]  # its stub has no types
    except Exception as error:  # safetensors has errors of its own for what is damaged
        why = brief_line(str(error))
        raise ArraysInvalid(f"{path} is damaged or no safetensors file: {why}") from error
    if len(tensors) > MAX_MEMBERS or any(len(name) > MAX_NAME for name, _ in tensors):
        raise ArraysInvalid(f"{path} has more than {MAX_MEMBERS} tensors, or names without end")
    return {name: _array(tensor, f"{path}: {brief(name)}") for name, tensor in tensors}


def read_safetensors_metadata(path: Path) -> dict[str, str]:
    """The texts that a ``.safetensors`` file has beside its arrays, by name; empty without any.

    Raises:
        UsageError: the file cannot be opened.
        ArraysInvalid: it is damaged.
    """
    content = read_bytes(path, MAX_BYTES)
    size = int.from_bytes(content[:8], "little")
    try:
        header = plain_json(content[8 : 8 + size])
        metadata = header.get("__metadata__", {})
        return {str(key): value for key, value in metadata.items() if isinstance(value, str)}
    except (ValueError, AttributeError) as error:
        why = brief_line(str(error))
        raise ArraysInvalid(f"{path} is damaged or no safetensors file: {why}") from error


def _array(tensor: dict[str, Any], where: str) -> AnyArray:
    import numpy as np

    kind, shape = tensor["dtype"], tensor["shape"]
    if kind == _BFLOAT16:
        upper = np.frombuffer(tensor["data"], _UPPER_HALF).astype(np.uint32)
        return (upper << 16).view(np.float32).reshape(shape)
    if kind not in _DTYPES:
        raise ArraysInvalid(f"{where} is {kind}, expected real numbers")
    return np.frombuffer(tensor["data"], _DTYPES[kind]).reshape(shape)
