"""Files that people know by name: those shipped, and their own.

One's own are in the data folder (``$NASPROF_DATA`` or the platform's usual place,
``~/.local/share/nasprof`` on Linux) and win over shipped ones of the same name.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from nasprof.errors import UsageError
from nasprof.user_folders import data_folder, described, files_in


@dataclass(frozen=True)
class NamedFiles:
    """Files of one sort that have names.

    Args:
        folder: its name in the data folder.
        suffix: of its files.
        shipped: the package and the folders in it that hold those shipped.
        noun: what a file holds, with its article: "a lookup table".
        origin: where one's own come from, as a sentence.
        readable: what else may be named as a file.
    """

    folder: str
    suffix: str
    shipped: tuple[str, ...]
    noun: str
    origin: str
    readable: tuple[str, ...] = ()

    @property
    def own(self) -> Path:
        """The folder that files are kept in unless another is named.

        Raises:
            UsageError: this user has no home folder.
        """
        return data_folder() / self.folder

    @property
    def shipped_folder(self) -> Path:
        """Where the shipped ones are."""
        package, *folders = self.shipped
        return Path(str(files(package))).joinpath(*folders)

    def known(self) -> dict[str, Path]:
        """All of them by name; not read yet. One's own are left out where they cannot be read."""
        folders = (lambda: self.shipped_folder, lambda: self.own)
        return {path.stem: path for folder in folders for path in files_in(folder, self.suffix)}

    def own_described(self) -> str:
        """Where one's own are, for people; why they cannot be read, if so."""
        return described(lambda: self.own)

    def find(self, name: str) -> Path:
        """The file called ``name`` if it ends like one, else the known one of that name.

        Raises:
            UsageError: there is none, with the known ones.
        """
        if name.endswith((self.suffix, *self.readable)):
            return Path(name)
        known = self.known()
        if name not in known:
            endings = ", ".join((self.suffix, *self.readable))
            _, noun = self.noun.split(" ", 1)
            raise UsageError(
                f"no {noun} is called {name!r}",
                f"Known: {', '.join(sorted(known)) or 'none yet'}. "
                f"Your own are looked for in {self.own_described()}. "
                f"Name a file ({endings}), or {self.origin}",
            )
        return known[name]

    def path(self, name: str) -> Path:
        """Where to write what is to be called ``name``: a file, else among one's own.

        Raises:
            UsageError: it is neither a file name of this sort nor a bare name.
        """
        if name.endswith(self.suffix):
            return Path(name)
        bare = name and name == Path(name).name and not name.startswith(".")
        if not bare or name.endswith(self.readable or ("/",)):
            raise UsageError(
                f"{name!r} is no name for {self.noun}",
                f"Expected a file ({self.suffix}) or a name.",
            )
        return self.own / f"{name}{self.suffix}"
