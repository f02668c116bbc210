"""Other people's detectors, run in an environment of their own beside ours.

They need older packages than we do, so they live in `.venv-peers` (`./dev peers` makes it)
and answer over a pipe: `peer_side.py` is their end of it.
"""

from __future__ import annotations

import pickle
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
SIDE = Path(__file__).with_name("peer_side.py")

Answer = tuple[NDArray[np.float64], float]


@dataclass(frozen=True, slots=True)
class Peers:
    """The other side: names of methods stand in `peer_side.py`."""

    python: Path

    @classmethod
    def found(cls) -> Peers | None:
        """Return the peers, or None where they are not installed."""
        return cls(PYTHON) if PYTHON.exists() else None

    def run(
        self, method: str, signals: Sequence[tuple[NDArray[np.float64], float]], **more: Any
    ) -> list[Answer]:
        """Return what `method` makes of each (values, fs), and the CPU seconds it took.

        An answer is an array (beat times in s; a rate); empty where the peer raised an error.
        """
        answers: list[Answer] = self._ask({"method": method, "signals": list(signals), **more})
        return answers

    def versions(self) -> Mapping[str, str]:
        """Return the peers' versions."""
        versions: Mapping[str, str] = self._ask({"method": "versions", "signals": []})
        return versions

    def _ask(self, question: Mapping[str, Any]) -> Any:
        done = subprocess.run(  # noqa: S603 - our own file, our own environment
            [str(self.python), str(SIDE)],
            input=pickle.dumps(question),
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"peers: {done.stderr.decode()[-2000:]}")
        return pickle.loads(done.stdout)  # noqa: S301 - written by our own child
