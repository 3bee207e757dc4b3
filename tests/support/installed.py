"""Packages as pip leaves them, without pip: modules and the metadata beside them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def install(
    folder: Path, name: str, entry_points: str | bytes, modules: dict[str, str] | None = None
) -> None:
    """Put a package into a folder that is to be on the path.

    Args:
        name: of the distribution.
        entry_points: lines of the group ``nasprof.plugins``; bytes are the whole file.
        modules: their sources by name.
    """
    metadata = folder / f"{name.replace('-', '_')}-1.5.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n")
    if isinstance(entry_points, str):
        entry_points = f"[nasprof.plugins]\n{entry_points}\n".encode()
    (metadata / "entry_points.txt").write_bytes(entry_points)
    for module, source in (modules or {}).items():
        (folder / f"{module}.py").write_text(source)


def run_beside(
    folder: Path, *arguments: str, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run Python where the packages of a folder are installed beside this project."""
    paths = os.pathsep.join([str(folder), str(ROOT)])
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, "PYTHONPATH": paths, **environment},
    )
