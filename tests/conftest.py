"""What every test shares: the hypothesis profile and the way to real recordings."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("healthslm", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("healthslm")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of real annotated recordings; tests that need it are skipped where it is not set."""
    root = os.environ.get("HEALTHSLM_DATA")
    if not root:
        pytest.skip("set HEALTHSLM_DATA to the folder of real recordings to run this test")
    return Path(root)
