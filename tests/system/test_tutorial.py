"""The commands of docs/tutorial.md and docs/transfer.md work as they stand there, in order.

Those of the phone are not executed: ``test_docs.py`` looks whether they exist.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXPECTED = {"run": {0}, "refused": {1, 2}, "judged": {0, 1}}


def blocks_of(page: str) -> list[tuple[str, str, str]]:
    """Language, kind and code of each block of a page."""
    text = (ROOT / "docs" / page).read_text()
    return re.findall(r"^```(\w+) ?(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.fixture
def execute(tmp_path: Path) -> Callable[..., object]:
    """Run a block in a scratch folder, with this environment's commands in front."""
    binaries = Path(sys.executable).parent
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    env = {
        **os.environ,
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "NASPROF_DATA": str(tmp_path / "data"),
        "NASPROF_CONFIG": str(tmp_path / "config"),
    }

    def run(language, code):
        shell = ["sh", "-eu", "-c"] if language == "sh" else [sys.executable, "-c"]
        return subprocess.run(
            [*shell, code], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )

    return run


def test_every_block_says_whether_it_is_executed():
    kinds = [(language, kind) for language, kind, _ in blocks_of("tutorial.md")]
    assert {kind for language, kind in kinds if language != "text"} <= {*EXPECTED, "phone"}
    assert kinds.count(("sh", "run")) >= 6


def follow(page: str, execute: Callable[..., object]) -> None:
    """All blocks but the phone's; a text is what the block before it must have said."""
    said = ""
    for language, kind, code in blocks_of(page):
        if language == "text":
            assert code in said
        elif kind in EXPECTED:
            done = execute(language, code)
            said = done.stdout + done.stderr
            assert done.returncode in EXPECTED[kind], f"{code}\n{said}"
            assert "Traceback" not in said


def test_the_tutorial_on_this_machine(execute, tmp_path):
    follow("tutorial.md", execute)
    for name in ("app/5ms.onnx", "delivered/one-int8.tflite", "delivered/card.md", "mine.md"):
        assert (tmp_path / name).stat().st_size > 0


def test_from_a_folder_of_images_to_files_that_were_run(execute, tmp_path):
    follow("transfer.md", execute)
    (delivered, *_) = (tmp_path / "mine" / "delivered").iterdir()
    for path in (
        delivered / "card.md",
        tmp_path / "mine/supernet.safetensors",
        tmp_path / "fronts.png",
    ):
        assert path.stat().st_size > 0
