"""The recipe's modules, which are a program of their own and need torch."""

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

RECIPE = Path(__file__).parents[2] / "models" / "recipe"


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Return a way to import a module of the recipe, whose folder is a program's own."""
    import torch

    monkeypatch.syspath_prepend(RECIPE)
    torch.set_num_threads(1)
    return importlib.import_module
