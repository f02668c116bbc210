"""The comparison of variants: equal weights, every option of effect, no run done twice."""

import json
from dataclasses import replace

import pytest

from healthslm.language import guard, slm, tokens, writer

NEEDED = "the recipe is not for the board: ./dev recipe runs it where torch is"
torch = pytest.importorskip("torch", reason=NEEDED)
pytest.importorskip("onnx", reason=NEEDED)  # train and export share a module

SMALL = {"layers": 2, "width": 48, "heads": 2, "kv_heads": 1, "head_dim": 16, "ffn": 128}
SIZES = [{}, {"repeat": 2}, {"tied": False, "layers": 1}, {"gated": False}, {"kv_heads": 2}]


@pytest.fixture
def ablate(recipe):
    return recipe("ablate")


@pytest.fixture
def settings(ablate):
    """Return settings of a few steps."""
    base = SMALL | {"context": 100}
    return ablate.Settings(texts=32, batch=8, validation=4, written=2, base=base)


def run(variant: str, seed: int, worse: float = 0.0) -> dict[str, object]:
    """Return what `ablate` would have found, as far as `claims` reads it."""
    return {
        "variant": variant,
        "seed": seed,
        "loss": 0.5 + 0.1 * seed + worse,
        "sentences_refused_pct": 40.0 + seed + worse,
        "texts_refused_pct": 90.0,
    }


def test_every_variant_has_the_weights_of_the_baseline(recipe, ablate) -> None:
    """Within 2 %, counted in the decoder itself, and each is the decoder it says it is."""
    equal, model = recipe("equal"), recipe("model")
    vocabulary = len(ablate.said("en"))
    shapes = [equal.fitted(vocabulary, ablate.BASE, v.sizes) for v in ablate.VARIANTS]
    weights = [equal.faithful(model.Decoder(shape), shape)[0] for shape in shapes]
    assert 600_000 < weights[0] < 1_000_000
    assert all(abs(w / weights[0] - 1) < 0.02 for w in weights)
    assert len(set(shapes)) == len(shapes)


def test_a_variant_that_cannot_be_as_small_is_refused(recipe, ablate) -> None:
    with pytest.raises(ValueError, match="as many weights"):
        recipe("equal").fitted(1000, ablate.BASE, {"width": 512})


@pytest.mark.parametrize(
    "overlooked",
    [{"tied": False}, {"gated": False}, {"repeat": 2}, {"kv_heads": 2}, {"layers": 3}],
    ids=lambda sizes: next(iter(sizes)),
)
def test_an_option_that_the_decoder_overlooks_is_found(recipe, overlooked) -> None:
    equal, model = recipe("equal"), recipe("model")
    decoder, plain = model.Decoder(model.Shape(200, **SMALL)), model.Shape(200, **SMALL)
    equal.faithful(decoder, plain)
    with pytest.raises(ValueError, match="not the decoder"):
        equal.faithful(decoder, replace(plain, **overlooked))


def test_a_variant_whose_option_is_overlooked_is_not_trained(
    recipe, ablate, settings, monkeypatch
) -> None:
    """The planted fault: the trainer makes its decoder without sharing."""
    train, model = recipe("train"), recipe("model")
    monkeypatch.setattr(train, "Decoder", lambda shape: model.Decoder(replace(shape, repeat=1)))
    bench, twice = ablate.Bench(settings), ablate.Variant("each block twice", {"repeat": 2})
    with pytest.raises(ValueError, match="not the decoder"):
        bench.run(twice, 1, settings.texts)


def test_a_head_that_the_loss_does_not_reach_is_found(recipe) -> None:
    equal, model = recipe("equal"), recipe("model")
    shape = model.Shape(200, **SMALL, tied=False)
    decoder = model.Decoder(shape)
    decoder.shape = replace(shape, tied=True)  # what it goes by: the head stands idle
    with pytest.raises(ValueError, match="not the decoder"):
        equal.faithful(decoder, shape)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_token_by_token_it_computes_what_it_computes_at_once(recipe, sizes) -> None:
    """Each use of a shared block keeps keys and values of its own."""
    model = recipe("model")
    torch.manual_seed(0)
    decoder = model.Decoder(model.Shape(200, **(SMALL | sizes)))
    with torch.no_grad():
        for weight in decoder.parameters():
            weight.mul_(8.0) if weight.ndim == 2 else weight.uniform_(0.5, 1.5)
        read, past = torch.randint(0, 200, (3, 12)), decoder.past()
        whole = decoder(read)
        parts = [decoder(read[:, :5], past)]
        parts += [decoder(read[:, n : n + 1], past) for n in range(5, 12)]
        torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=1e-4, rtol=1e-4)
    with pytest.raises(ValueError, match="one at a time"):
        decoder(read, past)


class Slow:
    """A decoder as the board reads one, with the weights of another and no memory of its own."""

    def __init__(self, decoder) -> None:
        self.decoder, self.ids = decoder, []
        self.context = decoder.shape.context - 1  # the last token of a text is never read

    @property
    def seen(self) -> int:
        return len(self.ids)

    def rewind(self) -> None:
        self.ids = []

    def read(self, ids):
        self.ids += ids
        with torch.no_grad():
            return self.decoder(torch.tensor([self.ids]))[0, -1].numpy()


@pytest.mark.parametrize("sizes", [{}, {"repeat": 2}], ids=str)
def test_it_writes_together_what_the_board_would_write_alone(recipe, ablate, sizes) -> None:
    """Weights are drawn so that slots and ends are often the likeliest, and have to be withheld."""
    model, writing, corpus = recipe("model"), recipe("writing"), recipe("corpus")
    vocabulary = ablate.said("en")
    torch.manual_seed(0)
    decoder = model.Decoder(model.Shape(len(vocabulary), **(SMALL | sizes), context=60))
    marks = [token.startswith("<") for token in vocabulary.tokens]
    with torch.no_grad():
        for weight in decoder.parameters():
            weight.mul_(8.0) if weight.ndim == 2 else weight.uniform_(0.5, 1.5)
        decoder.embedding.weight[marks] *= 3.0
        decoder.embedding.weight[vocabulary.ids[tokens.END]] *= 2.0
    asked = [(what, "en") for what, lang, _ in corpus.plans(5, 24) if lang == "en"]
    texts = writing.written(decoder, asked, vocabulary)
    board = object.__new__(slm.Model)
    board._tokens = slm.Words(json.dumps({"tokens": vocabulary.tokens}).encode())
    board._decoder = Slow(decoder)
    assert texts == [board.write(slm.parsed(writer.free_job(*plan))) for plan in asked]
    assert any(tokens.END in text for text in texts)
    assert any(tokens.is_slot(piece) for text in texts for piece in text)


def test_sentences_of_the_corpus_pass_and_a_planted_one_does_not(recipe, ablate) -> None:
    corpus = recipe("corpus")
    for what, lang, rng in corpus.plans(3, 40):
        text = corpus.text(rng, what, lang)
        wrong, count = ablate.refused(text, what, lang)
        assert wrong == 0 and count >= 1
        assert guard.check(text, what, lang).ok
        planted = ["Nothing", "is", "wrong", ".", *text]
        assert ablate.refused(planted, what, lang)[0] >= 1


def test_what_is_done_is_not_done_again(ablate, settings, tmp_path, monkeypatch) -> None:
    """Two variants, a few steps; broken off, gone on with, and written about."""
    two = (ablate.BASELINE, ablate.Variant("each block twice", {"repeat": 2}))
    first = ablate.ablate(tmp_path, settings, 1, two[:1])
    done = []
    monkeypatch.setattr(ablate, "_line", lambda run: done.append((run["variant"], run["seed"])))
    runs = ablate.ablate(tmp_path, settings, 2, two)
    assert done == [("each block twice", 1), ("baseline", 2), ("each block twice", 2)]
    assert first == [runs[0], runs[-1]]  # the second: the baseline, longer
    assert [r["learnt"] for r in runs] == [32, 32, 32, 32, 64]
    assert len({r["tokens"] for r in runs[:2]}) == 1
    assert len({r["loss"] for r in runs}) == 5
    page = (tmp_path / "ablation.md").read_text()
    assert page.startswith("## MobileLLM's claims on this task\n")
    assert "Using each block twice" in page
    kept = json.loads((tmp_path / "ablation.json").read_text())
    assert kept["runs"] == runs
    done.clear()
    ablate.ablate(tmp_path, settings, 2, two)
    assert not done


def test_a_run_comes_out_the_same_again(ablate, settings) -> None:
    same = [ablate.Bench(settings).run(ablate.BASELINE, 1, settings.texts) for _ in range(2)]
    for run_ in same:
        del run_["cpu_s"], run_["learning_cpu_s"]
    assert same[0] == same[1]


def test_differences_are_paired_and_weighed(recipe) -> None:
    """Seeds lie further apart than the variants: only the pairs show what is clear."""
    claims = recipe("claims")
    runs = [run("baseline", seed) for seed in (1, 2, 3)]
    runs += [run("GELU", seed, 0.05 + 0.001 * seed) for seed in (1, 2, 3)]
    runs += [run("full heads", seed, (-0.01, 0.0, 0.02)[seed - 1]) for seed in (1, 2, 3)]
    found = claims.compared(runs)
    clear, none = found["GELU"]["against"], found["full heads"]["against"]
    assert clear["loss"]["word"] == clear["sentences_refused_pct"]["word"] == "clear"
    assert clear["texts_refused_pct"]["word"] == none["loss"]["word"] == "none"
    assert claims.verdict(claims.CLAIMS["GELU"], clear) == "agrees"
    assert claims.verdict(claims.CLAIMS["each block twice"], clear) == "does not agree"
    assert claims.verdict(claims.CLAIMS["full heads"], none) == "not decided"
    assert claims.compared(runs[:1] + runs[3:4])["GELU"]["against"]["loss"]["word"] == "one seed"


def test_the_page_tells_whether_a_difference_lasts(recipe, ablate) -> None:
    claims, shape = recipe("claims"), dict(layers=2, width=64, ffn=128, repeat=1)
    sizes = {"parameters": 9, "multiplications": 9, "tokens": 9, "cpu_s": 9.0, "shape": shape}
    first = [run("baseline", 1), run("wide and shallow", 1, -0.2)]
    later = [run("baseline", 1, -0.3), run("wide and shallow", 1, -0.31)]
    runs = [r | sizes | {"learnt": 100} for r in first] + [
        r | sizes | {"learnt": 200} for r in later
    ]
    settings = {"texts": 100, "validation": 1, "written": 1}
    page = claims.page(settings, runs, claims.compared(runs[:2]))
    assert "after 100 and then 200 texts: loss -0.200 and then -0.010, sentences" in page
    assert page.count("| baseline |") == 1


def test_every_variant_stands_for_a_claim(recipe, ablate) -> None:
    claims = recipe("claims")
    assert {v.name for v in ablate.VARIANTS} - {claims.BASELINE} == set(claims.CLAIMS)
