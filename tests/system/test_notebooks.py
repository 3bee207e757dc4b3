"""The notebooks of ``examples/`` run from the first cell to the last."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


def test_there_are_notebooks_of_measuring_tables_and_answers():
    assert [notebook.stem for notebook in NOTEBOOKS] == ["answer", "measure", "table"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_every_cell_that_shows_something_does(path, tmp_path, monkeypatch):
    for arch in EXAMPLES.glob("*.json"):
        shutil.copy(arch, tmp_path)
    homes = ("NASPROF_DATA", "NASPROF_CONFIG", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR")
    for home in homes:
        monkeypatch.setenv(home, str(tmp_path / home.lower()))
    notebook = nbformat.read(path, as_version=4)
    shown = [bool(cell.outputs) for cell in notebook.cells if cell.cell_type == "code"]
    client = NotebookClient(notebook, timeout=200, resources={"metadata": {"path": tmp_path}})
    client.execute()
    ran = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [bool(_results(cell)) for cell in ran] == shown


def _results(cell):
    """What a cell gave, but for what was said on stderr."""
    return [output for output in cell.outputs if output.get("name") != "stderr"]
