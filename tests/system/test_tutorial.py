"""The commands of docs/tutorial.md work as they stand there, one after the other.

Those of the phone are not executed: ``test_docs.py`` looks whether they exist.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "tutorial.md").read_text()
BLOCKS = re.findall(r"^```(\w+) ?(\w*)\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
EXPECTED = {"run": {0}, "refused": {1, 2}, "judged": {0, 1}}


@pytest.fixture
def execute(tmp_path: Path) -> Callable[..., object]:
    """Run a block in a scratch folder, with this environment's commands in front."""
    binaries = Path(sys.executable).parent
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
    kinds = [(language, kind) for language, kind, _ in BLOCKS]
    assert {kind for language, kind in kinds if language != "text"} <= {*EXPECTED, "phone"}
    assert kinds.count(("sh", "run")) >= 6


def test_the_tutorial_on_this_machine(execute, tmp_path):
    """All blocks but the phone's; a text is what the block before it must have said."""
    said = ""
    for language, kind, code in BLOCKS:
        if language == "text":
            assert code in said
        elif kind in EXPECTED:
            done = execute(language, code)
            said = done.stdout + done.stderr
            assert done.returncode in EXPECTED[kind], f"{code}\n{said}"
            assert "Traceback" not in said
    for name in ("app/5ms.onnx", "delivered/one-int8.tflite", "delivered/card.md", "mine.md"):
        assert (tmp_path / name).stat().st_size > 0
