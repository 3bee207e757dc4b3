"""The runner as one file, to be pushed to a board and run as ``python3 runner.pyz``."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

_MAIN = "from runner.serve import main\n\nmain()\n"


def runner_archive() -> bytes:
    """Content of ``runner.pyz``; the same sources give the same bytes."""
    folder = Path(__file__).parent
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "__main__.py", _MAIN)
        for path in sorted(folder.rglob("*.py")):
            name = f"runner/{path.relative_to(folder).as_posix()}"
            _add(archive, name, path.read_text(encoding="utf-8"))
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, text: str) -> None:
    entry = zipfile.ZipInfo(name, date_time=(2020, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, text)
