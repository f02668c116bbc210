"""The model's card, written from its manifest and what `evaluate` measured, nothing by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_ROW = "| {lang} | {texts} | {refused} | {with_an_unsupported_claim} | {with_a_claim_left_out} |"
_LANGUAGES = {"en": "English", "es": "Spanish"}


def card(manifest: dict[str, Any], figures: dict[str, Any]) -> str:
    """Return CARD.md."""
    child, beside = figures["child"], Path(__file__).parent
    return (
        (beside / "card.md")
        .read_text()
        .format(
            **manifest["architecture"],
            **manifest["training"],
            parameters=manifest["parameters"],
            block=manifest["quantisation"]["block"],
            parity=manifest["parity"],
            wording=manifest["wording"],
            bytes=figures["bytes"],
            chosen=_rows(figures["chosen"]),
            free=_rows(figures["free"]),
            by_template=child["by_the_template"],
            summaries=child["summaries"],
            both_ms=child["both_languages_cpu_ms"]["p50"],
            both_p50=child["both_languages_cpu_ms"]["p50"],
            both_p95=child["both_languages_cpu_ms"]["p95"],
            rss_mb=child["rss_mb"],
            p50=figures["text_cpu_ms"]["p50"],
            p95=figures["text_cpu_ms"]["p95"],
            speed=figures["free_tokens_per_cpu_s"],
            read=(beside / "read_aloud.md").read_text().strip(),
            ablation=(beside / "ablation.md").read_text().strip(),
        )
    )


def _rows(judged: dict[str, Any]) -> str:
    return "\n".join(_ROW.format(lang=_LANGUAGES.get(k, k), **row) for k, row in judged.items())
