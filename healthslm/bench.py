"""The one shape in which every benchmark of the project says what it measured."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any, Literal

Goal = tuple[Literal[">=", "<="], float]


@dataclass(frozen=True, slots=True)
class Result:
    """One task's figures on one data set. Rates are in percent."""

    task: str
    dataset: str
    split: str
    metrics: Mapping[str, float]
    goals: Mapping[str, Goal] = field(default_factory=dict)  # of some of the metrics
    peers: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def missed(self) -> list[str]:
        """The metrics whose goal is not met; one that could not be measured does not meet it."""
        return [n for n, goal in self.goals.items() if not met(self.metrics.get(n), goal)]

    @property
    def holds(self) -> bool:
        """Every goal is met."""
        return not self.missed


def met(value: float | None, goal: Goal) -> bool:
    """Return whether a value meets a goal; NaN and None do not."""
    sign, limit = goal
    if value is None:
        return False
    return value >= limit if sign == ">=" else value <= limit


def document(results: Iterable[Result], packages: Sequence[str]) -> dict[str, Any]:
    """Return the results as plain data, with the versions they were made with."""
    listed = [_plain({**asdict(r), "holds": r.holds}) for r in results]
    return {"results": listed, "versions": versions(packages)}


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Return the versions of Python and of `packages`."""
    here = {"python": platform.python_version(), "machine": platform.machine()}
    return here | {name: version(name) for name in packages}


def _plain(value: Any) -> Any:
    """Return JSON's own types: NaN, which it does not know, becomes None."""
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if value != value else value
