"""The bundled model, spoilt in the ways that tests ask for."""

import hashlib
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from healthslm.language.facts import Fact, Facts

MINI = Path(__file__).parents[2] / "models" / "mini"
LINES = Path(__file__).parents[2] / "models" / "recipe" / "ask"
_DAY = Facts(
    1_767_225_600.0,
    1_767_312_000.0,
    "UTC",
    (
        Fact(
            "tachycardia",
            "amber",
            (
                *(("times", "one"), ("usual", "unknown")),
                *(("again", "no"), ("part", "day")),
            ),
            (
                ("start", 1_767_261_600.0),
                ("longest", 240.0),
                ("highest", 164.0),
                ("worst_at", 1_767_261_600.0),
                ("limit", 120.0),
            ),
        ),
        Fact("pulse", "info", (("vs", "unknown"),), (("typical", 63.0),)),
        Fact("coverage", "info", (("share", "full"),), (("watched", 86_400.0),)),
        Fact("missing", "info", (("extent", "some"),), (("what", "oxygen,breathing"),)),
    ),
)
_QUIET = Facts(_DAY.t0_s, _DAY.t1_s, "UTC", _DAY.facts[1:])


@pytest.fixture
def mini() -> Path:
    """Return the folder of the bundled model."""
    return MINI


@pytest.fixture
def day() -> Facts:
    """Return a day with one fast pulse, little known of the person, oxygen not measured."""
    return _DAY


@pytest.fixture
def quiet() -> Facts:
    """Return the same day without the finding."""
    return _QUIET


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Return a copy of the bundled model that a test may spoil."""
    return Path(shutil.copytree(MINI, tmp_path / "mini"))


@pytest.fixture(scope="session")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bundled model with random weights, properly sealed."""
    folder = Path(shutil.copytree(MINI, tmp_path_factory.mktemp("models") / "random"))
    graph = folder / "model.onnx"
    graph.write_bytes(_random_weights(graph.read_bytes()))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["model.onnx"] = hashlib.sha256(graph.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def _random_weights(graph: bytes) -> bytes:
    """Return the graph with every quantised matrix replaced by random bytes."""
    draw, out = random.Random(1), bytearray(graph)
    ((begin, end),) = _fields(graph, 7)  # ModelProto.graph
    for a, b in _fields(graph[begin:end], 5):  # GraphProto.initializer
        tensor = graph[begin + a : begin + b]
        ((n0, n1),) = _fields(tensor, 8)  # TensorProto.name
        if tensor[n0:n1].endswith(b".q"):
            ((r0, r1),) = _fields(tensor, 9)  # TensorProto.raw_data
            out[begin + a + r0 : begin + a + r1] = draw.randbytes(r1 - r0)
    return bytes(out)


def _fields(message: bytes, number: int) -> list[tuple[int, int]]:
    """Return where the values of one field of a protocol buffer begin and end."""
    found, at = [], 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = varint()
        if key & 7 == 0:
            varint()
        elif key & 7 == 2:
            size = varint()
            if key >> 3 == number:
                found.append((at, at + size))
            at += size
        else:
            at += 4 if key & 7 == 5 else 8
    return found


@pytest.fixture
def written() -> Callable[..., list[list[str]]]:
    """Return the lines written for the router, as rows of cells.

    Of a language and a kind ("questions", "red_flags"); `writers`: a pattern of their letters.
    """

    def rows(lang: str, kind: str, writers: str = "*") -> list[list[str]]:
        files = sorted((LINES / lang).glob(f"{writers}_{kind}.tsv"))
        assert files
        return [r.split("\t") for f in files for r in f.read_text("utf-8").splitlines()]

    return rows
