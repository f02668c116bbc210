"""The decode benchmark measures what it says: shapes, missing peers, ratios within a round."""

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def decode(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Return the module, with small shapes and a folder of its own."""
    monkeypatch.syspath_prepend(ROOT)
    module = importlib.import_module("benchmarks.decode")
    small = replace(module.SHAPES["125m"], layers=2, width=64, heads=2, kv_heads=1, ffn=128)
    small = replace(small, head_dim=32)
    monkeypatch.setattr(module, "SHAPES", {"125m": small})
    count = importlib.import_module("healthslm.language.shape").parameters(small)
    monkeypatch.setattr(module, "PARAMETERS", {"125m": count})
    monkeypatch.setattr(module, "MADE", tmp_path / "made")
    return module


def test_without_peers_our_own_figures_are_told(decode, capsys: pytest.CaptureFixture) -> None:
    """A peer that is missing is said, and fails nothing."""
    task = importlib.import_module("benchmarks.language_tasks.decode_125m")
    (alone,) = task.measure(1, 1, None)
    assert alone.holds and not alone.goals and not alone.peers
    assert alone.metrics["tokens_per_s"] > 0 and alone.metrics["logit_error"] > 0
    assert 4.5 <= alone.metrics["bits_per_weight"] < 5  # its tables count too
    (missing,) = task.measure(1, 1, Path(sys.executable))  # has none of the engines
    assert missing.holds and not missing.peers
    assert "no llama_cpp" in capsys.readouterr().err


def test_the_command_says_its_figures(decode, monkeypatch, capsys: pytest.CaptureFixture) -> None:
    """As `./dev bench decode`: a page for people, the figures as JSON, a status for scripts."""
    asked = ["--task", "decode_125m", "--rounds", "1", "--no-peers"]
    monkeypatch.setattr(sys, "argv", ["decode", *asked, "--check"])
    assert decode.main() == 0
    assert "tokens_per_s" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["decode", *asked, "--json", "-"])
    assert decode.main() == 0
    (row,) = json.loads(capsys.readouterr().out)["results"]
    assert row["task"] == "decode_125m" and row["metrics"]["tokens_per_s"] > 0


def test_a_shape_that_is_not_the_published_one_is_refused(decode, monkeypatch) -> None:
    monkeypatch.setitem(decode.PARAMETERS, "125m", 1)
    with pytest.raises(ValueError, match="weights"):
        decode.made("125m", 1)


def test_the_shapes_are_the_published_ones(monkeypatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    module = importlib.reload(importlib.import_module("benchmarks.decode"))
    for size, shape in module.SHAPES.items():
        assert module.parameters(shape) == module.PARAMETERS[size]


def test_ratios_are_taken_within_a_round(decode, tmp_path: Path) -> None:
    """A round in which all were slow changes no ratio."""
    ours = decode.Engine("ours", None, None, None, 0.1, [1.0, 2.0, 9.0], [0.1, 0.2, 0.9], 50.0)
    they = decode.Engine("llama", None, None, None, 0.1, [2.0, 4.0, 18.0], [0.15, 0.3, 1.35], 100.0)
    setting = importlib.import_module("benchmarks.language_tasks.decode_125m").SETTING
    lost = {"ours": {"logit_error": 0.0}, "llama": {"logit_error": 0.0}}
    (tmp_path / "model.onnx").write_bytes(b"x")
    metrics = decode._metrics({"ours": ours, "llama": they}, tmp_path / "model.onnx", setting, lost)
    assert metrics["ratio_llama"] == 1.5  # more is better for us
    assert metrics["ttft_ratio_llama"] == 2.0
    assert metrics["rss_ratio_llama"] == 0.5  # less is


def test_every_engine_answers_the_same_questions(decode, tmp_path: Path) -> None:
    """Ours at least, here: what is read and kept has the sizes that are compared."""
    folder = decode.made("125m", 1)
    path = folder / "ours-8" / "model.onnx"
    decode._build(folder, path, 8)
    engine = decode.Engine.start("ours", Path(sys.executable), path, 1)
    assert engine.ask("prefill", tokens=[1, 2, 3])["s"] > 0
    assert len(engine.ask("decode", tokens=[4, 5])["s"]) == 2
    engine.ask("force", tokens=list(range(20)), to=str(tmp_path / "rows.npy"))
    import numpy as np

    assert np.load(tmp_path / "rows.npy").shape == (5, 32_000)
    engine.stop()
    assert json.loads((folder / "checkpoint" / "config.json").read_text())["num_hidden_layers"] == 2
