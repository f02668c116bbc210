"""What is installed from the wheel works without the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, without a network, and unpack it as an installer would."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory"]
    subprocess.run([*build, str(folder)], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def run(installed: Path, *arguments: str) -> str:
    """Run Python with the installed package, away from the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=installed.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_every_file_that_is_no_code(installed: Path) -> None:
    for source, place in (
        (ROOT / "healthslm", "healthslm"),
        (ROOT / "sensors", "healthslm/data/sensors"),
        *(
            (folder, f"healthslm/data/models/{folder.name}")
            for folder in (ROOT / "models").iterdir()
            if (folder / "CARD.md").exists()
        ),
    ):
        files = {
            p.relative_to(source)
            for p in source.rglob("*")
            if p.is_file() and p.suffix != ".pyc" and not p.name.startswith(".")
        }
        assert files
        assert [f for f in files if not (installed / place / f).is_file()] == []
    names = {p.parts[len(installed.parts)] for p in installed.rglob("*")}
    assert {n for n in names if not n.endswith(".dist-info")} == {"healthslm"}


def test_it_speaks_both_languages_from_what_was_installed(installed: Path) -> None:
    code = """
import healthslm
from healthslm import config
from healthslm.language import facts, writer
assert "site" in healthslm.__file__, healthslm.__file__
model = config.resource("models/mini")
told = facts.gather([], 0.0, 86400.0, zone="UTC")
for lang in ("en", "es"):
    print(writer.summarise(told, lang, model, emergency="112").summary.source)
"""
    sources = run(installed, "-c", code).split()
    assert len(sources) == 2 and all(s.startswith("model:") for s in sources)


def test_its_model_and_its_sensors_are_whole(installed: Path) -> None:
    assert "files are what the manifest says" in run(installed, "-m", "healthslm", "model", "check")
    code = "from healthslm import config; print(*config.resource('sensors').glob('*.toml'))"
    assert str(installed) in run(installed, "-c", code)
