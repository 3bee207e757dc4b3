"""How to call a delivered file: programs of a few lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nasprof.typing import JsonObject

_ONNX, _TFLITE = "onnx", "tflite"


@dataclass(frozen=True)
class CalledFile:
    """What a program has to know of a file to call it.

    Args:
        name: of the file.
        format: "onnx" or "tflite".
        image_shape: ``(h, w, c)``.
        mean: of pixels scaled to 0..1, by channel.
        std: likewise their standard deviation.
        raw: whether it takes pixels as they are, uint8.
    """

    name: str
    format: str
    image_shape: tuple[int, int, int]
    mean: Sequence[float]
    std: Sequence[float]
    raw: bool

    @property
    def input(self) -> JsonObject:
        """Its input, as JSON."""
        height, width, channels = self.image_shape
        first = self.format == _ONNX
        return {
            "layout": "NCHW" if first else "NHWC",
            "shape": [1, channels, height, width] if first else [1, height, width, channels],
            "dtype": "uint8" if self.raw else "float32",
            "values": "pixels, 0 to 255" if self.raw else "(pixels / 255 - mean) / std",
        }


def python_snippet(file: CalledFile) -> str:
    """A program that prints the class of the picture that its first argument names."""
    height, width, channels = file.image_shape
    runtime = "onnxruntime" if file.format == _ONNX else "ai_edge_litert.interpreter"
    lines = [
        "import sys",
        "from pathlib import Path",
        "",
        "import numpy as np",
        f"import {runtime}",
        "from PIL import Image, ImageOps",
        "",
        "folder = Path(__file__).parent  # where the files of this delivery are",
        f"width, height = {width}, {height}",
        'picture = ImageOps.exif_transpose(Image.open(sys.argv[1])).convert("RGBA")',
        'white = Image.new("RGBA", picture.size, "white")  # where it is transparent',
        'picture = Image.alpha_composite(white, picture).convert("RGB")',
        "scale = min(picture.width / width, picture.height / height)  # the middle that covers it",
        "left, top = (picture.width - scale * width) / 2, (picture.height - scale * height) / 2",
        "box = (left, top, left + scale * width, top + scale * height)",
        "picture = picture.resize((width, height), Image.Resampling.BILINEAR, box)",
        f'pixels = np.asarray(picture.convert("{"L" if channels == 1 else "RGB"}"), np.uint8)',
        f"image = pixels.reshape(1, height, width, {channels})",
    ]
    if not file.raw:
        mean, std = (_numbers(values) for values in (file.mean, file.std))
        lines.append(f"image = ((image / 255 - np.array({mean})) / {std}).astype(np.float32)")
    lines += _PYTHON_CALLS[file.format](file.name)
    lines += [
        'labels = (folder / "labels.txt").read_text(encoding="utf-8").splitlines()',
        "print(labels[int(np.argmax(logits))])",
    ]
    return "\n".join(lines) + "\n"


def _numbers(values: Sequence[float]) -> str:
    return f"[{', '.join(f'{value:g}' for value in values)}]"


def _onnx_call(name: str) -> list[str]:
    return [
        f'session = onnxruntime.InferenceSession(folder / "{name}")',
        'logits = session.run(None, {"input": image.transpose(0, 3, 1, 2)})[0][0]',
    ]


def _tflite_call(name: str) -> list[str]:
    return [
        f'model = ai_edge_litert.interpreter.Interpreter(str(folder / "{name}"))',
        "model.allocate_tensors()",
        'model.set_tensor(model.get_input_details()[0]["index"], image)',
        "model.invoke()",
        'logits = model.get_tensor(model.get_output_details()[0]["index"])[0]',
    ]


_PYTHON_CALLS = {_ONNX: _onnx_call, _TFLITE: _tflite_call}


def kotlin_snippet(file: CalledFile) -> str:
    """A class for Android that finds the class of a ``Bitmap`` with LiteRT."""
    height, width, channels = file.image_shape
    values = [f"Color.{colour}(p)" for colour in ("red", "green", "blue")]
    if channels == 1:
        values = ["0.299f * Color.red(p) + 0.587f * Color.green(p) + 0.114f * Color.blue(p)"]
    puts = [
        f"input.put(({value}).toInt().toByte())"
        if file.raw
        else f"input.putFloat((({value}) / 255f - {mean:g}f) / {std:g}f)"
        for value, mean, std in zip(values, file.mean, file.std, strict=True)
    ]
    return _KOTLIN.format(
        name=file.name,
        width=width,
        height=height,
        size=f"{1 if file.raw else 4} * {width} * {height} * {channels}",
        puts="\n".join(f"            {line}" for line in puts),
    )


_KOTLIN = """\
class Classifier(context: Context) {{
    private val labels = context.assets.open("labels.txt").bufferedReader().readLines()
    private val model = Interpreter(direct(context.assets.open("{name}").readBytes()))

    private fun direct(bytes: ByteArray) =
        ByteBuffer.allocateDirect(bytes.size).order(ByteOrder.nativeOrder()).put(bytes)

    fun classify(picture: Bitmap): String {{
        val scale = minOf(picture.width / {width}f, picture.height / {height}f)
        val (w, h) = Pair((scale * {width}).toInt(), (scale * {height}).toInt())
        val (x, y) = Pair((picture.width - w) / 2, (picture.height - h) / 2)
        val middle = Bitmap.createBitmap(picture, x, y, w, h)
        val pixels = IntArray({width} * {height})
        Bitmap.createScaledBitmap(middle, {width}, {height}, true)
            .getPixels(pixels, 0, {width}, 0, 0, {width}, {height})
        val input = direct(ByteArray({size}))
        input.rewind()
        for (p in pixels) {{
{puts}
        }}
        val logits = Array(1) {{ FloatArray(labels.size) }}
        model.run(input, logits)
        return labels[logits[0].indices.maxByOrNull {{ logits[0][it] }}!!]
    }}
}}
"""
KOTLIN_IMPORTS = (
    "android.content.Context",
    "android.graphics.Bitmap",
    "android.graphics.Color",
    "java.nio.ByteBuffer",
    "java.nio.ByteOrder",
    "org.tensorflow.lite.Interpreter",
)
"""What the class needs, beside LiteRT among the app's dependencies."""
