"""Beats and vitals to findings: one file, one detector, found by being there."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from healthslm.stage import Stage


def detectors() -> dict[str, Stage[Any]]:
    """Return every detector by the name of its module: all that have a `DETECTOR`."""
    names = sorted(module.name for module in iter_modules(__path__))
    modules = {name: import_module(f"{__name__}.{name}") for name in names}
    return {name: m.DETECTOR for name, m in modules.items() if hasattr(m, "DETECTOR")}
