"""Results that are a list of records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, overload

from nasprof.errors import UsageError
from nasprof.typing import JsonObject

if TYPE_CHECKING:
    import pandas


class JsonResult(Protocol):
    """A result that tells itself as JSON."""

    def to_dict(self) -> JsonObject:
        """As JSON."""
        ...


T = TypeVar("T", bound=JsonResult)


class Records(Sequence[T], Generic[T]):
    """Results in order: a sequence that is JSON or a data frame when asked for.

    Args:
        results: in order.
    """

    def __init__(self, results: Iterable[T]) -> None:
        self._results = tuple(results)

    def __len__(self) -> int:
        return len(self._results)

    def __iter__(self) -> Iterator[T]:
        return iter(self._results)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self._results[index]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self._results)!r})"

    def to_dict(self) -> list[JsonObject]:
        """As JSON: what the command of the same job prints with ``--json``."""
        return [result.to_dict() for result in self]

    def rows(self) -> list[JsonObject]:
        """A flat row each, for a table."""
        return self.to_dict()

    def to_frame(self) -> pandas.DataFrame:
        """A row each, as a pandas data frame.

        Raises:
            UsageError: pandas is not installed.
        """
        return frame(self.rows())


def frame(rows: Iterable[Mapping[str, object]]) -> pandas.DataFrame:
    """Rows as a pandas data frame.

    Raises:
        UsageError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise UsageError(
            "a data frame needs pandas, which is not installed",
            "Run: pip install 'nasprof[frames]', or take to_dict().",
        ) from error
    return pandas.DataFrame.from_records([dict(row) for row in rows])
