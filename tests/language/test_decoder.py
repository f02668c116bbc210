"""The runner: however a text is cut or taken back, the logits are those of the whole."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from healthslm.language import decoder as module
from healthslm.language import graph
from healthslm.language.decoder import Decoder
from healthslm.language.seal import Spoilt, sealed

from .published import SHAPE, drawn

TOKENS = np.random.default_rng(2).integers(0, SHAPE.vocabulary, 30).tolist()


@pytest.fixture(scope="module")
def content() -> bytes:
    """Return a small graph."""
    return graph.build(SHAPE, drawn(SHAPE), 8).SerializeToString()


def test_it_knows_its_sizes(content: bytes) -> None:
    decoder = Decoder(content)
    assert (decoder.vocabulary, decoder.context, decoder.seen) == (320, 128, 0)


@pytest.mark.parametrize("cuts", [(1,), (7,), (1, 2, 15), (29,), tuple(range(1, 30))])
def test_however_a_text_is_cut_the_logits_are_the_same(content: bytes, cuts) -> None:
    decoder = Decoder(content)
    whole = decoder.read(TOKENS)
    decoder.rewind()
    for start, stop in zip((0, *cuts), (*cuts, 30), strict=True):
        found = decoder.read(TOKENS[start:stop])
    assert decoder.seen == 30
    assert np.abs(found - whole).max() <= 2e-5


def test_a_long_text_is_read_in_pieces_and_as_one(content: bytes, monkeypatch) -> None:
    tokens = [*TOKENS, *TOKENS[::-1], *TOKENS, *TOKENS]
    pieces = Decoder(content).read(tokens)
    monkeypatch.setattr(module, "AT_ONCE", 1000)
    assert np.abs(Decoder(content).read(tokens) - pieces).max() <= 2e-5


def test_what_is_taken_back_leaves_no_trace(content: bytes) -> None:
    """A prompt that is kept, and an end that is written anew."""
    decoder, other = Decoder(content), Decoder(content)
    decoder.read(TOKENS[:10])
    decoder.read([7, 8, 9, 10, 11])
    decoder.read([12])
    decoder.rewind(10)
    assert decoder.seen == 10
    other.read(TOKENS[:10])
    for token in TOKENS[10:14]:
        assert np.array_equal(decoder.read([token]), other.read([token]))


def test_logits_that_were_given_stay_as_they_are(content: bytes) -> None:
    decoder = Decoder(content)
    first = decoder.read([1])
    kept = first.copy()
    decoder.read([2])
    assert np.array_equal(first, kept)


def test_it_holds_as_many_tokens_as_its_context_and_no_more(content: bytes) -> None:
    decoder = Decoder(content)
    decoder.read([1] * 127)
    decoder.read([1])
    with pytest.raises(ValueError, match="do not fit"):
        decoder.read([1])
    assert decoder.seen == 128


@pytest.mark.parametrize("tokens", [[], [320], [-1], [0, 320], [1] * 129])
def test_what_is_no_text_is_refused_and_leaves_it_as_it_was(content: bytes, tokens) -> None:
    decoder = Decoder(content)
    expected = decoder.read(TOKENS)
    decoder.rewind()
    with pytest.raises(ValueError, match="token"):
        decoder.read(tokens)
    assert decoder.seen == 0
    assert np.array_equal(decoder.read(TOKENS), expected)


@pytest.mark.parametrize("seen", [-1, 31])
def test_only_what_was_read_can_be_kept(content: bytes, seen: int) -> None:
    decoder = Decoder(content)
    decoder.read(TOKENS)
    with pytest.raises(ValueError, match="kept"):
        decoder.rewind(seen)


def test_two_threads_give_the_same_logits(content: bytes) -> None:
    a, b = (
        Decoder(content, threads, spin=spin).read(TOKENS)
        for threads, spin in ((1, False), (2, True))
    )
    assert np.abs(a - b).max() <= 2e-5


def test_it_runs_alone_and_opens_nothing_once_it_is_loaded(tmp_path: Path, monkeypatch) -> None:
    """As in the model's own process: no package, and no file once the graph is there."""
    monkeypatch.setattr(graph, "BESIDE", 1000)
    graph.save(tmp_path / "model.onnx", SHAPE, drawn(SHAPE), 8, 32)
    code = f"""
import importlib.util, resource, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("decoder", {module.__file__!r})
decoder = importlib.util.module_from_spec(spec)
spec.loader.exec_module(decoder)
runner = decoder.Decoder(Path({str(tmp_path / "model.onnx")!r}))
resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
try:
    open("/dev/null")
except OSError:
    print(len(runner.read([1, 2, 3])), len(runner.read([4])), "healthslm" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["320", "320", "False"]


def test_the_bundled_model_is_as_it_was_sealed(mini: Path) -> None:
    assert sealed(mini)["architecture"]["vocabulary"] == Decoder(mini / "model.onnx").vocabulary


SPOILT = {
    "a byte of the weights": (lambda f: flip(f / "model.onnx"), "hash"),
    "a byte of the vocabulary": (lambda f: flip(f / "tokenizer.json"), "hash"),
    "a byte of the card": (lambda f: flip(f / "CARD.md"), "hash"),
    "weights that are gone": (lambda f: (f / "model.onnx").unlink(), "missing"),
    "no manifest": (lambda f: (f / "manifest.json").unlink(), "missing"),
    "a manifest that is none": (lambda f: (f / "manifest.json").write_text("[]"), "form"),
    "a manifest that names no weights": (lambda f: rewrite(f, "files", {}), "form"),
    "a manifest of another form": (lambda f: rewrite(f, "form", 2), "form"),
    "a manifest that leads elsewhere": (lambda f: rewrite(f, "files", {"../x": "0"}), "form"),
    "constants that nothing vouches for": (
        lambda f: (f / "model.onnx.data").write_bytes(b"x"),
        "form",
    ),
}


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def rewrite(folder: Path, key: str, value: object) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    if isinstance(value, dict) and value:
        value = manifest[key] | value
    path.write_text(json.dumps(manifest | {key: value}))


@pytest.mark.parametrize(("spoil", "reason"), SPOILT.values(), ids=SPOILT)
def test_a_folder_that_is_not_as_it_was_sealed_is_refused(copied: Path, spoil, reason) -> None:
    spoil(copied)
    with pytest.raises(Spoilt) as refused:
        sealed(copied)
    assert refused.value.reason == reason
