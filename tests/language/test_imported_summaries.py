"""Models from elsewhere, with random weights: every summary they choose is true."""

from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest

from healthslm.language import checkpoint, guard, importing, slm, slots, writer
from healthslm.language.facts import Facts
from healthslm.language.plan import plan
from healthslm.language.script import script
from healthslm.language.wording import languages

from .published import publish

corpus = SimpleNamespace(**run_path(str(Path(__file__).parents[2] / "models/recipe/corpus.py")))


@pytest.fixture(scope="module", params=["llama", "mobilellm, shared blocks"])
def imported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an imported model that has room for a summary."""
    base = tmp_path_factory.mktemp("imported")
    read = checkpoint.read(publish(base / "published", request.param, max_position_embeddings=4096))
    importing.convert(read, base / "tiny", bits=8)
    return base / "tiny"


@pytest.mark.parametrize("which", ["day", "quiet"])
def test_an_imported_model_tells_a_day(
    imported: Path, which: str, request: pytest.FixtureRequest
) -> None:
    facts: Facts = request.getfixturevalue(which)
    both = writer.summarise_all(facts, languages(), imported, emergency="112", timeout_s=60)
    for lang, written in zip(languages(), both, strict=True):
        assert (written.reason, written.attempts) == ("", 1)
        assert written.summary.source.startswith("model:")
        assert guard.check_text(written.summary.text, plan(facts), lang, emergency="112").ok


def test_whatever_it_chooses_is_true(imported: Path) -> None:
    model, texts = slm.Model(imported), set()
    for n, (what, lang, _) in enumerate(corpus.plans(78, 60)):
        said = script(what, lang, n)
        pieces = said.text(model.answer(slm.parsed(said.job(n, spelt=True))))
        shown = slots.render(pieces, what, lang, emergency="112")
        assert guard.check_text(shown, what, lang, emergency="112") == guard.Verdict()
        texts.add(shown)
    assert len(texts) > 50


def test_in_the_freer_way_nothing_of_random_weights_passes(imported: Path, day: Facts) -> None:
    manner = writer.Manner(free=True)
    written = writer.summarise(
        day, "en", imported, emergency="112", manner=manner, attempts=2, timeout_s=60
    )
    assert (written.summary.source, written.reason) == ("template", "refused")
    assert written.attempts == 2
