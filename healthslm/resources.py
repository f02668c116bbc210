"""Where the files that travel with the code lie: installed, or in a checkout."""

from pathlib import Path


def resource(name: str) -> Path:
    """Return the folder `name` ("sensors", "models/mini"): installed, or in a checkout."""
    package = Path(__file__).parent
    installed = package / "data" / name
    return installed if installed.exists() else package.parent / name
