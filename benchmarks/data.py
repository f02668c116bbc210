"""Where the recordings of one split lie, and the readers that several tasks share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class Missing(Exception):
    """A data set is not there; the message says which."""


@dataclass(frozen=True, slots=True)
class Data:
    """One split of every data set."""

    root: Path
    split: str

    def folder(self, dataset: str) -> Path:
        """Return the folder of a data set.

        Raises
        ------
        Missing
            There is none.
        """
        return self._there(self.root / dataset / self.split)

    def archive(self, dataset: str) -> Path:
        """Return the zip file of a data set that comes as one; raises Missing."""
        return self._there(self.root / dataset / f"{self.split}.zip")

    def _there(self, path: Path) -> Path:
        if not path.exists():
            raise Missing(f"no {path.relative_to(self.root)} in HEALTHSLM_DATA")
        return path

    def mitdb(self) -> list[Path]:
        """Return the headers of MIT-BIH Arrhythmia; raises Missing."""
        return sorted(self.folder("mitdb").glob("*.hea"))
