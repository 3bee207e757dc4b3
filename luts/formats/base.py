"""What a format of lookup tables offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from luts.entry import Entry
from luts.table import LookupTable
from nasprof.errors import UsageError
from nasprof.reader import brief
from nasprof.registry import Registry
from spaces import Space


@dataclass(frozen=True)
class Imported:
    """What was read.

    Args:
        spaces: those the entries belong to.
        entries: by :attr:`spaces.graph.Block.key`; of at least one block.
        notes: what whoever imports it should know, a sentence each.
    """

    spaces: tuple[Space, ...]
    entries: Mapping[str, Entry]
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Exported:
    """What is to be written.

    Args:
        files: name -> text; at least one.
        losses: what the format cannot say, a sentence each.
    """

    files: Mapping[str, str]
    losses: Sequence[str] = ()


class TableFormat(ABC):
    """Reads and writes tables in a format of its own."""

    names_spaces: ClassVar[bool]
    """Whether its files tell which spaces they are of."""

    @abstractmethod
    def read(self, texts: Mapping[str, str], spaces: Sequence[Space]) -> Imported:
        """The entries in files.

        Args:
            texts: contents by name of the file, at least one.
            spaces: those the entries belong to; ignored where the files tell.

        Raises:
            UsageError: naming the file and what is wrong in it.
        """

    @abstractmethod
    def write(self, table: LookupTable) -> Exported:
        """A table's entries, calibration and audit left out.

        Raises:
            UsageError: the format cannot hold the table.
        """


table_formats: Registry[type[TableFormat]] = Registry(
    "table format",
    {
        "csv": "luts.formats.csv_format:CsvFormat",
        "ofa": "luts.formats.ofa_format:OfaFormat",
    },
)


def reject_unknown_keys(
    where: str, unknown: Sequence[str], total: int, known: Collection[str], of: str
) -> None:
    """Keys of a file that mean nothing are an error.

    Args:
        unknown: as they should be shown, perhaps with a line number.
        total: number of keys in the file.
        known: what is expected.
        of: what the expected ones belong to.
    """
    if not unknown:
        return
    first = ", ".join(key if len(key) <= 120 else brief(key) for key in unknown[:3])
    more = ", ..." if len(unknown) > 3 else ""
    raise UsageError(
        f"{where}: {len(unknown)} of {total} keys are unknown: {first}{more}",
        f"Expected are the {len(known)} keys of {of}, such as {next(iter(known))}.",
    )
