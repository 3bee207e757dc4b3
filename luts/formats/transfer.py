"""Tables made from the files of others, and written as such."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from luts.cost_model import CostModel
from luts.errors import MissingEntries
from luts.files import cost_model_files, open_cost_model, refuse_existing, write_cost_model
from luts.formats.base import TableFormat, table_formats
from luts.table import LookupTable
from nasprof.errors import UsageError
from nasprof.files import write_atomic
from nasprof.log import logger
from nasprof.reading import read_text
from nasprof.typing import JsonObject
from spaces import Space


@dataclass(frozen=True)
class ImportedTable:
    """A table that was made from the files of others.

    Args:
        table: what was read, written to its ``path``.
        notes: what whoever imports it should know, a sentence each.
    """

    table: LookupTable
    notes: tuple[str, ...]

    def to_dict(self) -> JsonObject:
        """As JSON: what it lacks, space by space."""
        spaces = [
            {
                "space": space.label,
                "blocks": len(space.vocabulary),
                "missing": [block.key for block in self.table.missing(space)],
            }
            for space in self.table.spaces
        ]
        return {
            "path": str(self.table.path),
            "entries": len(self.table.entries),
            "spaces": spaces,
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class ExportedTable:
    """The files that a table was written to.

    Args:
        losses: what is not in them, a sentence each.
    """

    paths: tuple[Path, ...]
    losses: tuple[str, ...]

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return {"paths": [str(path) for path in self.paths], "losses": list(self.losses)}


def import_table(
    files: Sequence[str | Path],
    format: str,
    output: str | Path,
    *,
    spaces: Sequence[Space] = (),
    device: str | None = None,
    overwrite: bool = False,
) -> ImportedTable:
    """Make a table from those of others.

    Args:
        files: one or several, which become one table.
        format: "csv" (a header ``key,latency_ms[,cpu_ms][,std_ms][,count]``, then a block a line)
            or "ofa" (OFA's YAML).
        output: file (``.json``) or name of the new table.
        spaces: those the entries belong to, where the files do not tell.
        device: what it was measured on, None if that is not known.
        overwrite: replace the output if it exists.

    Raises:
        UsageError: a file cannot be read, holds no such table, or the output exists.

    >>> import_table(["note10.yaml"], "ofa", "note10")  # doctest: +SKIP
    """
    reader = table_formats.get(format)()
    path = cost_model_files.path(str(output))
    refuse_existing(path, overwrite)
    paths = [Path(file) for file in files]
    table, notes = import_files(reader, format, paths, spaces, path.stem, device)
    write_cost_model(table, path)
    for note in (*notes, *_gaps(table)):
        logger.info(note)
    return ImportedTable(table.located(path), tuple(notes))


def import_files(
    reader: TableFormat,
    format_name: str,
    paths: Sequence[Path],
    spaces: Sequence[Space],
    name: str,
    device: str | None = None,
) -> tuple[LookupTable, list[str]]:
    """The table in files of some format, and what whoever imports it should know.

    Args:
        spaces: those the entries belong to, where the files do not tell.
        name: of the new table.
        device: what it was measured on, None if that is not known.

    Raises:
        UsageError: a file cannot be read, or holds no such table.
    """
    texts: dict[str, str] = {}
    for path in paths:
        if str(path) in texts:
            raise UsageError(f"{path} is named twice")
        texts[str(path)] = read_text(path, f"a table as {format_name}")
    read = reader.read(texts, spaces)
    provenance = _provenance(format_name, paths, device)
    return LookupTable(name, read.spaces, read.entries, provenance), list(read.notes)


def _provenance(format: str, files: Sequence[Path], device: str | None) -> JsonObject:
    unknown = dict.fromkeys(("runtime", "threads", "precision", "batch", "protocol"))
    return {
        "source": "imported",
        "format": format,
        "files": [
            {"file": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
            for file in files
        ],
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": device,
        **unknown,
    }


def _gaps(table: LookupTable) -> list[str]:
    """What to say about spaces with missing entries."""
    gaps = []
    for space in table.spaces:
        try:
            table.costs_ms(space)
        except MissingEntries as error:
            gaps.append(str(error))
    return gaps


def export_table(
    lut: str | Path | CostModel, format: str, output: str | Path, *, overwrite: bool = False
) -> ExportedTable:
    """Write a table's entries for others, without its calibration and audit.

    Args:
        lut: name or file (``.json``) of a table, or itself.
        format: "csv" or "ofa".
        output: file, or a folder if there are several.
        overwrite: replace files that exist.

    Raises:
        UsageError: there is no such table, the format cannot hold it, or a file exists.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     name = "cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224"
    ...     exported = export_table(name, "csv", Path(folder) / "table.csv")
    >>> [path.name for path in exported.paths]
    ['table.csv']
    """
    writer: TableFormat = table_formats.get(format)()
    table = open_cost_model(lut)
    if not isinstance(table, LookupTable):
        name = lut.name if isinstance(lut, CostModel) else str(lut)
        raise UsageError(f"{name!r} is no table of blocks: there are no entries to export")
    exported = writer.write(table)
    targets = _targets(exported.files, Path(output))
    for path in targets.values():
        refuse_existing(path, overwrite)
    for file_name, path in targets.items():
        write_atomic(path, exported.files[file_name].encode())
    losses = list(exported.losses)
    if table.networks:
        losses.append(
            "the whole networks it was compared with, and so calibration and bounds, are left out"
        )
    for loss in losses:
        logger.info(f"Not as it was: {loss}")
    return ExportedTable(tuple(targets.values()), tuple(losses))


def _targets(files: Mapping[str, str], output: Path) -> dict[str, Path]:
    """Where each file goes: into the folder ``output``, or it alone to that path."""
    if len(files) == 1 and not output.is_dir():
        return dict.fromkeys(files, output)
    if output.is_file() or (not output.is_dir() and output.suffix):
        raise UsageError(
            f"the table becomes {len(files)} files ({', '.join(list(files)[:3])}, ...), "
            f"and {output} is no folder"
        )
    return {name: output / name for name in files}
