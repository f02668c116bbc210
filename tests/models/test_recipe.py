"""The recipe: what is exported is what was trained, and a run that was interrupted goes on."""

import hashlib
import json
from types import ModuleType

import pytest

from healthslm.language import slm
from healthslm.language.shape import rotary
from healthslm.language.wording import fingerprint, vocabulary

NEEDED = "the recipe is not for the board: ./dev recipe runs it where torch is"
torch = pytest.importorskip("torch", reason=NEEDED)
pytest.importorskip("onnx", reason=NEEDED)
np = pytest.importorskip("numpy")


@pytest.fixture
def model(recipe) -> ModuleType:
    return recipe("model")


@pytest.fixture
def export(recipe) -> ModuleType:
    return recipe("export")


@pytest.fixture
def train(recipe) -> ModuleType:
    return recipe("train")


SMALL = {"layers": 2, "width": 64, "heads": 2, "kv_heads": 1, "ffn": 128}


def drawn(model: ModuleType, **sizes: int):
    """Return a decoder with weights large enough that an error would show."""
    torch.manual_seed(0)
    decoder = model.Decoder(model.Shape(300, **(SMALL | sizes)))
    with torch.no_grad():
        for weight in decoder.parameters():
            weight.mul_(4.0) if weight.ndim == 2 else weight.uniform_(0.5, 1.5)
    return decoder


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"repeat": 2},
        {"heads": 4, "kv_heads": 2},
        {"kv_heads": 2},
        {"theta": 500.0},
        {"tied": False},
    ],
    ids=["small", "shared blocks", "grouped", "ungrouped", "other rotation", "head of its own"],
)
def test_the_graph_computes_what_the_model_computes(model, export, sizes) -> None:
    assert export.parity(drawn(model, **sizes)) <= 2e-5


def test_a_graph_that_differs_from_the_model_is_not_written(
    model, export, tmp_path, monkeypatch
) -> None:
    decoder = drawn(model)
    monkeypatch.setattr(export.graph, "rotary", lambda shape: rotary(shape)[::-1])
    with pytest.raises(ValueError, match="differ"):
        export.export(decoder, vocabulary().tokens, tmp_path / "out", {})
    assert not (tmp_path / "out").exists()


def test_a_future_token_changes_nothing_before_it(model) -> None:
    decoder = drawn(model)
    tokens = torch.arange(12)[None]
    other = tokens.clone()
    other[0, 7] = 99
    a, b = decoder(tokens)[0], decoder(other)[0]
    assert torch.equal(a[:7], b[:7])
    assert not torch.equal(a[7], b[7])


def test_sharing_blocks_doubles_the_depth_and_adds_no_parameter(model, export) -> None:
    once, twice = drawn(model), drawn(model, repeat=2)
    assert model.parameters(once) == model.parameters(twice)
    attends = [n for n in export.build(twice, 8).graph.node if n.op_type == "GroupQueryAttention"]
    assert len(attends) == 4


@pytest.mark.parametrize(
    ("sizes", "named"),
    [
        ({"width": 96}, "width"),
        ({"ffn": 100}, "ffn"),
        ({"heads": 3}, "heads"),
        ({"gated": False}, "gated"),
    ],
    ids=lambda sizes: str(sizes),
)
def test_what_the_board_cannot_hold_is_refused_before_it_is_trained(
    model, export, train, tmp_path, sizes, named
) -> None:
    with pytest.raises(ValueError, match=named):
        export.build(drawn(model, **(SMALL | {"kv_heads": 1} | sizes)), 8)
    with pytest.raises(ValueError, match=named):
        train.train(train.Plan(texts=64, shape=SMALL | {"kv_heads": 1} | sizes), tmp_path)


def test_heads_that_cannot_share_keys_evenly_are_refused(model) -> None:
    with pytest.raises(ValueError, match="multiple"):
        model.Shape(300, kv_heads=4)


def test_only_the_text_is_learnt(train) -> None:
    """The prompt is read and padding is passed over: neither is a target."""
    pairs = [
        train.Pair(np.array([5, 6, 7, 8, 9], np.int16), 2),
        train.Pair(np.array([5, 7, 8], np.int16), 1),
    ]
    tokens, targets = train.tensors(pairs)
    assert tokens.tolist() == [[5, 6, 7, 8], [5, 7, 0, 0]]
    x = train.IGNORED
    assert targets.tolist() == [[x, 7, 8, 9], [7, 8, x, x]]


def test_the_rate_rises_stays_and_falls(train) -> None:
    plan = train.Plan(texts=32_000, rise=0.1, fall=0.4)
    rates = [plan.rate_at(step) for step in range(plan.steps)]
    assert rates[0] < 0.01 and rates[-1] < 0.01
    assert rates[100:599] == [1.0] * 499
    assert rates[:100] == sorted(rates[:100])
    assert rates[600:] == sorted(rates[600:], reverse=True)


def test_claims_are_counted_while_the_rate_falls_and_at_the_end(train) -> None:
    plan = train.Plan(texts=32_000, fall=0.5, checks=5)
    checked = [step for step in range(1, plan.steps + 1) if plan.checked(step)]
    assert checked == [600, 700, 800, 900, 1000]


def test_every_pair_is_learnt_once(train) -> None:
    plan = train.Plan(texts=3200)
    pairs = [train.Pair(np.zeros(1 + n % 7, np.int16), 1) for n in range(3200)]
    order = train.batches(pairs, plan)
    assert sorted(i for batch in order for i in batch) == list(range(3200))
    assert order == train.batches(pairs, plan)


def test_an_interrupted_run_ends_with_the_same_weights(train, tmp_path) -> None:
    plan = train.Plan(texts=192, checks=1, check_texts=2, shape=SMALL)
    whole = train.train(plan, tmp_path / "whole")
    train.train(plan, tmp_path / "parts", stop=2)
    parts = train.train(plan, tmp_path / "parts", resume=True)
    assert parts.step == whole.step == 6
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(weight, parts.model.state_dict()[name]), name


def test_another_plan_does_not_go_on_with_the_run(train, tmp_path) -> None:
    plan = train.Plan(texts=64, checks=1, check_texts=2, shape=SMALL)
    train.train(plan, tmp_path, stop=1)
    with pytest.raises(ValueError, match="another plan"):
        train.train(train.Plan(texts=96, shape=SMALL), tmp_path, resume=True)


def test_the_smoke_model_learns_and_writes_on_the_board(train, tmp_path) -> None:
    trained = train.train(train.SMOKE, tmp_path)
    assert trained.history == [{"step": 20, "wrong": 8}]  # too little to speak, and it shows
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["wording"] == fingerprint()
    assert manifest["training"]["texts"] == 640
    for name, sealed in manifest["files"].items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == sealed
    text = slm.Model(tmp_path).write(slm.FreeJob(("<en>", "<text>")))
    assert set(text) <= set(vocabulary().tokens)
