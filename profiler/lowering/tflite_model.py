"""TFLite flatbuffers: tensors, operators and aligned buffers, without knowledge of networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

_ALIGNMENT = 16
_SLACK_BYTES = 1 << 17

_TYPES = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.float16): schema.TensorType.FLOAT16,
    np.dtype(np.uint8): schema.TensorType.UINT8,
    np.dtype(np.int32): schema.TensorType.INT32,
}


class _AlignedBuffer(schema.BufferT):  # type: ignore[misc]
    """A buffer whose bytes start at a multiple of 16, which the runtime's kernels require."""

    def Pack(self, builder: Any) -> Any:
        if self.data is None:
            return super().Pack(builder)
        builder.StartVector(1, self.data.nbytes, _ALIGNMENT)
        builder.head -= self.data.nbytes
        end = builder.head + self.data.nbytes
        builder.Bytes[builder.head : end] = self.data.data.cast("B")
        data = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, data)
        return schema.BufferEnd(builder)


class ModelBuilder:
    """Collects the tensors and operators of one graph and packs them into a file.

    Tensors are known by index, as in the file.
    """

    def __init__(self) -> None:
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._codes: list[tuple[int, int]] = []
        self._buffers: list[Any] = [schema.BufferT()]
        self._shared: dict[bytes, int] = {}

    def tensor(self, name: str, shape: Sequence[int], dtype: Any = np.float32) -> int:
        """A tensor that is computed at run time."""
        return self._add(name, shape, np.dtype(dtype), buffer=0)

    def constant(self, name: str, array: NDArray[np.generic]) -> int:
        """A tensor stored in the file; small equal ones are stored once."""
        if array.size > 16:
            return self._store(name, array)
        key = array.tobytes() + repr((array.shape, array.dtype)).encode()
        if key not in self._shared:
            self._shared[key] = self._store(name, array)
        return self._shared[key]

    def _store(self, name: str, array: NDArray[np.generic]) -> int:
        self._buffers.append(_AlignedBuffer(data=np.ascontiguousarray(array)))
        return self._add(name, array.shape, array.dtype, buffer=len(self._buffers) - 1)

    def _add(
        self, name: str, shape: Sequence[int], dtype: np.dtype[np.generic], buffer: int
    ) -> int:
        tensor = schema.TensorT(
            name=name.encode(), shape=list(shape), type=_TYPES[dtype], buffer=buffer
        )
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def operator(
        self,
        kind: str,
        inputs: Sequence[int],
        output: int,
        options: Any = None,
        version: int = 1,
    ) -> int:
        """Append an operator; ``kind`` is its name in the schema, such as ``CONV_2D``."""
        code = (getattr(schema.BuiltinOperator, kind), version)
        if code not in self._codes:
            self._codes.append(code)
        operator = schema.OperatorT(
            opcodeIndex=self._codes.index(code), inputs=list(inputs), outputs=[output]
        )
        if options is not None:
            operator.builtinOptions = options
            name = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, name)
        self._operators.append(operator)
        return output

    def pack(self, name: str, inputs: Sequence[int], output: int) -> bytes:
        """The file's content, with the tensors' names as its signature."""
        graph = schema.SubGraphT(
            tensors=self._tensors,
            inputs=list(inputs),
            outputs=[output],
            operators=self._operators,
            name=name.encode(),
        )
        model = schema.ModelT(
            version=3,
            operatorCodes=[_operator_code(code, version) for code, version in self._codes],
            subgraphs=[graph],
            description=b"nasprof",
            buffers=self._buffers,
            signatureDefs=[self._signature(inputs, output)],
        )
        return _pack(model)

    def _signature(self, inputs: Sequence[int], output: int) -> Any:
        def entry(tensor: int) -> Any:
            return schema.TensorMapT(name=self._tensors[tensor].name, tensorIndex=tensor)

        return schema.SignatureDefT(
            inputs=[entry(tensor) for tensor in inputs],
            outputs=[entry(output)],
            signatureKey=b"serving_default",
        )


def repack(content: bytes) -> bytes:
    """A file packed again: buffers inside and aligned, tensors named as in its signature.

    The quantizer leaves buffers unaligned or behind the flatbuffer, where older runtimes do not
    look, and renames the output.
    """
    model = schema.ModelT.InitFromPackedBuf(content)
    model.buffers = [_AlignedBuffer(data=_data(buffer, content)) for buffer in model.buffers]
    for signature in model.signatureDefs:
        tensors = model.subgraphs[signature.subgraphIndex].tensors
        for entry in (*signature.inputs, *signature.outputs):
            tensors[entry.tensorIndex].name = entry.name
    return _pack(model)


def _data(buffer: Any, content: bytes) -> NDArray[np.uint8] | None:
    if buffer.offset:
        return np.frombuffer(content, np.uint8, buffer.size, buffer.offset)
    data: NDArray[np.uint8] | None = buffer.data
    return data


def _operator_code(code: int, version: int) -> Any:
    return schema.OperatorCodeT(
        deprecatedBuiltinCode=min(code, 127), builtinCode=code, version=version
    )


def _pack(model: Any) -> bytes:
    stored = sum(buffer.data.nbytes for buffer in model.buffers if buffer.data is not None)
    builder = flatbuffers.Builder(stored + _SLACK_BYTES)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(memoryview(builder.Bytes)[builder.head :])
