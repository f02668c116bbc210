"""Chunks to beats and vitals: one file, one modality, found by being there."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from healthslm.stage import Stage


def signals() -> dict[str, Stage[Any]]:
    """Return every signal stage by the name of its module: all that have a `SIGNAL`."""
    names = sorted(module.name for module in iter_modules(__path__))
    modules = {name: import_module(f"{__name__}.{name}") for name in names}
    return {name: m.SIGNAL for name, m in modules.items() if hasattr(m, "SIGNAL")}
