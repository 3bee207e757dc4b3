"""The model card of a delivery, for people (Mitchell et al., "Model Cards for Model Reporting",
FAT* 2019): what the network is, what it was made from, how good it is, how it is called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from nasprof.typing import JsonObject
from search.delivery.delivery import Delivery
from search.delivery.files import DeliveredFile
from search.delivery.snippets import KOTLIN_IMPORTS, kotlin_snippet, python_snippet
from search.naming import brief_arch

_SHOWN = 12
"""Class names in the text; all of them are in labels.txt."""
_LITERT = "com.google.ai.edge.litert:litert:1.4.2"


def card_text(delivery: Delivery) -> str:
    """The card in Markdown."""
    title = f"# {delivery.network.arch.name}: {_words(delivery)}"
    sections = {
        "Files": _files(delivery),
        "Input and output": _input(delivery),
        "In Python": _python(delivery),
        "On Android": _android(delivery),
        "Architecture": _architecture(delivery),
        "Data": _data(delivery),
        "How it was made": _recipe(delivery),
        "Latency": _latency(delivery),
        "Licence": [
            "The weights are made from the images named above; whether they may be given on is "
            "for whoever holds the rights to those to say. Write it here before you pass this on."
        ],
    }
    parts = [title, *(f"## {name}\n\n" + "\n".join(lines) for name, lines in sections.items())]
    return "\n\n".join(parts) + "\n"


def _words(delivery: Delivery) -> str:
    height, width, channels = delivery.network.data.image_shape
    kind = "grey" if channels == 1 else "colour"
    return f"{len(delivery.labels)} classes of {kind} images of {width} x {height} pixels"


def _files(delivery: Delivery) -> Iterator[str]:
    accuracy = delivery.network.accuracy
    yield from _table(
        ("file", "precision", "MB", "top-1 %", "95 % interval", "agrees with torch %", "ms"),
        (
            (
                f"`{file.name}`",
                file.written.precision,
                f"{file.written.size_bytes / 1e6:.2f}",
                f"{file.here.accuracy.top1:.2f}",
                f"{file.here.accuracy.low:.2f} to {file.here.accuracy.high:.2f}",
                f"{file.here.agreement:.2f}",
                "-" if file.latency_ms is None else f"{file.latency_ms:.3g}",
            )
            for file in delivery
        ),
    )
    yield ""
    yield (
        f"Each file was run on all {accuracy.n:,} test images, on this machine's processor. In "
        f"torch the network has {accuracy.top1:.2f} % ({accuracy.low:.2f} to "
        f"{accuracy.high:.2f})."
    )
    for file in delivery:
        if file.there is not None:
            there = file.there
            yield (
                f"\n`{file.name}` on {there.device}: {there.accuracy.top1:.2f} % "
                f"({there.accuracy.low:.2f} to {there.accuracy.high:.2f}) of "
                f"{there.accuracy.n:,} images, agrees with torch on "
                f"{there.agreement:.2f} %."
            )
        elif file.there_error is not None:
            yield f"\nWhat `{file.name}` has on the device is not known: {file.there_error}."


def _input(delivery: Delivery) -> Iterator[str]:
    normalisation = delivery.network.card.normalisation
    for layout, files in _by_layout(delivery).items():
        names = ", ".join(f"`{file.name}`" for file in files)
        taken = delivery.called(files[0]).input
        yield f"- {names}: `{taken['dtype']}` {taken['shape']} ({layout}), {taken['values']}"
    mean, std = (_numbers(values) for values in (normalisation.mean, normalisation.std))
    yield f"- mean {mean}, std {std}, by channel, of pixels scaled to 0 to 1"
    yield (
        "- of a picture of other proportions the middle is taken, scaled (bilinear, antialiased); "
        "transparent parts are white"
    )
    yield f"- output: `float32` [1, {len(delivery.labels)}], a logit a class, in the order of "
    yield f"  `labels.txt`: {_listed(delivery.labels)}"


def _by_layout(delivery: Delivery) -> Mapping[str, list[DeliveredFile]]:
    files: dict[str, list[DeliveredFile]] = {}
    for file in delivery:
        files.setdefault(delivery.called(file).input["layout"], []).append(file)
    return files


def _python(delivery: Delivery) -> Iterator[str]:
    file = delivery[0]
    runtime = "onnxruntime" if file.written.format == "onnx" else "ai-edge-litert"
    yield f"`pip install {runtime} numpy pillow`, then `python classify.py PICTURE`:"
    yield f"\n```python\n{python_snippet(delivery.called(file))}```"


def _android(delivery: Delivery) -> Iterator[str]:
    files = [file for file in delivery if file.written.format == "tflite"]
    if not files:
        yield "Deliver it as TFLite (`--format tflite`), which Android runs with LiteRT."
        return
    yield (
        f'`implementation("{_LITERT}")`, with `{files[0].name}` and `labels.txt` among the '
        "app's assets:"
    )
    imports = "\n".join(f"import {name}" for name in KOTLIN_IMPORTS)
    yield f"\n```kotlin\n{imports}\n\n{kotlin_snippet(delivery.called(files[0]))}```"


def _architecture(delivery: Delivery) -> Iterator[str]:
    network, arch = delivery.network.subnet.network, delivery.network.arch
    yield (
        f"{arch.space.label}, `{brief_arch(arch.arch)}`: {network.macs / 1e6:.2f} M "
        f"multiply-accumulates, {network.params / 1e3:,.0f} k parameters."
    )
    yield ""
    yield from _table(
        ("layer", "block", "output (h, w, c)", "k MACs", "parameters"),
        (
            (
                layer.name,
                f"`{layer.block.key}`",
                " x ".join(map(str, layer.block.output)),
                f"{layer.block.macs / 1e3:,.0f}",
                f"{layer.block.params:,}",
            )
            for layer in network.layers
        ),
    )


def _data(delivery: Delivery) -> Iterator[str]:
    data = delivery.network.source.facts
    sizes = ", ".join(f"{count:,} for {name}" for name, count in data["sizes"].items())
    yield f"- {data['name']}: {sizes} (splits of seed {data['seed']})"
    yield f"- fingerprint `{data['fingerprint']}`"
    yield from (f"- {note}" for note in data["notes"])
    trained_on = delivery.network.card.data
    if trained_on and trained_on.get("fingerprint") != data["fingerprint"]:
        name, fingerprint = trained_on.get("name"), trained_on.get("fingerprint")
        yield f"- the supernet was trained on others: {name}, fingerprint `{fingerprint}`"


def _recipe(delivery: Delivery) -> Iterator[str]:
    network = delivery.network
    recipe, digest = network.card.recipe, network.source.digest
    yield f"- a network of a supernet of {network.card.space.label}, weights `{digest}`"
    if recipe:
        yield f"- trained so: {_settings(recipe)}"
    if network.tuned is not None:
        taught = ", with the largest as teacher" if network.tuned["teacher"] else ""
        settings = {name: value for name, value in network.tuned.items() if name != "teacher"}
        yield f"- trained further, alone{taught}: {_settings(settings)}"
    yield f"- batch norm recalibrated on {network.recalibrated_on:,} training images"
    options = delivery.request["options"]
    if "int8" in options["precisions"]:
        yield f"- int8: ranges from {options['calibration']:,} training images"


def _settings(values: JsonObject) -> str:
    shown = (f"{name} {value}" for name, value in values.items() if not isinstance(value, dict))
    return ", ".join(shown)


def _latency(delivery: Delivery) -> Iterator[str]:
    for file in delivery:
        if file.latency is None:
            yield f"- `{file.name}`: not known: {file.latency_error}"
            continue
        one = file.latency
        low, high = one.latency_ms.ci95
        doubts = f" (careful: {', '.join(one.flags)})" if one.flags else ""
        threads = f"{one.threads} thread{'s' * (one.threads > 1)}"
        yield (
            f"- `{file.name}`: {one.latency_ms.trimmed_mean:.3g} ms ({low:.3g} to {high:.3g}) on "
            f"{one.device}, {one.runtime} {one.runtime_version or ''}, {threads}, batch 1{doubts}"
        )


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _listed(names: Sequence[str]) -> str:
    more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
