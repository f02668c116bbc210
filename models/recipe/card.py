"""The model's card, written from its manifest and what `evaluate` measured, nothing by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_ROW = "| {lang} | {texts} | {refused} | {with_an_unsupported_claim} | {with_a_claim_left_out} |"
_LANGUAGES = {"en": "English", "es": "Spanish"}


def card(manifest: dict[str, Any], figures: dict[str, Any]) -> str:
    """Return CARD.md."""
    ((temperature, hot),) = figures["temperature"].items()
    child = figures["child"]
    greedy = figures["greedy"].items()
    form = Path(__file__).with_suffix(".md").read_text()
    return form.format(
        **manifest["architecture"],
        **manifest["training"],
        parameters=manifest["parameters"],
        block=manifest["quantisation"]["block"],
        parity=manifest["parity"],
        wording=manifest["wording"],
        bytes=figures["bytes"],
        greedy="\n".join(_ROW.format(lang=_LANGUAGES.get(k, k), **row) for k, row in greedy),
        temperature=temperature,
        hot_texts=hot["texts"],
        hot_refused=hot["refused"],
        hot_unsupported=hot["with_an_unsupported_claim"],
        hot_missing=hot["with_a_claim_left_out"],
        by_template=child["by_the_template"],
        summaries=child["summaries"],
        both_ms=child["both_languages_cpu_ms"]["p50"],
        both_p50=child["both_languages_cpu_ms"]["p50"],
        both_p95=child["both_languages_cpu_ms"]["p95"],
        rss_mb=child["rss_mb"],
        p50=figures["text_cpu_ms"]["p50"],
        p95=figures["text_cpu_ms"]["p95"],
        speed=figures["tokens_per_cpu_s"],
    )
