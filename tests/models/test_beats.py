"""The trees that tell ventricular beats: small, of our features, described by what was measured."""

import json
from pathlib import Path

from healthslm.learnt import trees
from healthslm.signals.beat_kinds import FEATURES

MODEL = Path(__file__).parents[2] / "models" / "beats"


def test_the_card_tells_what_was_measured() -> None:
    gross = json.loads((MODEL / "loso.json").read_text())["gross"]
    row = f"| {gross['se']:.1f} % | {gross['ppv']:.1f} % | {gross['f1']:.1f} % |"
    assert row in (MODEL / "CARD.md").read_text()


def test_the_figures_are_those_of_the_recordings() -> None:
    held = json.loads((MODEL / "loso.json").read_text())
    for name in ("tp", "fp", "fn"):
        assert sum(r[name] for r in held["records"]) == held["gross"][name]


def test_the_trees_are_small_and_read_our_features_alone() -> None:
    model = trees("beats")
    assert (MODEL / "trees.npz").stat().st_size < 20_000
    assert model.feature.max() < len(FEATURES) - 1  # of pacemakers nothing is learnt
    assert model.leaf.shape[2] == 1
