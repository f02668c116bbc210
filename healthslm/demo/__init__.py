"""`healthslm demo`: one day through the whole system, and what it proves.

`day` plays a recording over MQTT into a daemon of its own, `proofs` looks for what must
not be there, `screen` writes what a person sees.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from healthslm.demo import screen

if TYPE_CHECKING:
    from healthslm.demo.day import Played
    from healthslm.language.writer import Written
    from healthslm.recordings import Recording
    from healthslm.recordings.folder import Expected
    from healthslm.records import Derived, Finding, Frame

PERSON = "demo-person"
EMERGENCY = "112"
LANGUAGES = ("en", "es")
DAY_S = 86_400.0
KEY_NOTE = "demo-passphrase.txt"  # left beside a kept store: it is nobody's


@dataclass(slots=True)
class Evidence:
    """Everything the demo saw, from which the proofs are told."""

    frames_sent: int = 0
    frames_acknowledged: int = 0
    frames_stored: int = 0
    frames_twice: int = 0
    gaps: int = 0
    gaps_made: int = 0
    plaintext_hits: int = 0
    control_hits: int = 0
    needles: int = 0
    bytes_sealed: int = 0
    findings: list[dict[str, Any]] = field(default_factory=list)
    expected: int = 0
    expected_found: int = 0
    unexpected: int = 0
    summaries: list[dict[str, Any]] = field(default_factory=list)
    sockets: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    restarts: int = 0
    broker: str = ""
    daemon_rss_mb: float = 0.0
    model_rss_mb: float = 0.0
    daemon_cpu_s: float = 0.0  # before and after its restart
    summary_cpu_ms: float = 0.0
    seconds: float = 0.0

    def proofs(self) -> list[tuple[bool, str, str]]:
        """Return (holds, what is claimed, what was counted), in the order of the day."""
        sent, kept = self.frames_sent, self.frames_stored
        same = sent == self.frames_acknowledged == kept > 0 and not self.frames_twice
        counted = f"{sent:,} = {self.frames_acknowledged:,} = {kept:,}"
        model = sum(s["source"].startswith("model") for s in self.summaries)
        proofs = [
            (same, "every frame sent is acknowledged and stored, once", counted),
            (self.gaps == self.gaps_made, "every hole in the streams is recorded",
             f"{self.gaps} of {self.gaps_made}"),
            (self.plaintext_hits == 0, "nothing readable in the store",
             f"{self.plaintext_hits} of {self.needles:,} planted pieces found"),
            (self.control_hits > 0, "... and the same search finds them in a plain database",
             f"{self.control_hits:,} found"),
            (not self.strangers, "no connection but the broker's, on this machine",
             ", ".join(self.strangers or self.sockets) or "none"),
            (len(self.summaries) == len(LANGUAGES), "the day told, every claim checked",
             f"{len(self.summaries)} texts, {model} by the model"),
        ]  # fmt: skip
        if self.expected:
            found = f"{self.expected_found} of {self.expected}; {self.unexpected} false alarms"
            holds = self.expected_found == self.expected and not self.unexpected
            proofs.insert(2, (holds, "what was planted in the day was found", found))
        return proofs

    def document(self) -> dict[str, Any]:
        """Return what `--json` writes."""
        told = {name: getattr(self, name) for name in self.__dataclass_fields__}
        proofs = [{"claim": c, "holds": h, "counted": n} for h, c, n in self.proofs()]
        return {"schema": "healthslm/demo/1", **told, "proofs": proofs}


def main(
    *,
    json_file: Path | None = None,
    keep: Path | None = None,
    recording: Path | None = None,
    seed: int | None = None,
    broker: Literal["mosquitto", "amqtt"] | None = None,
) -> int:
    """Play a day, tell it, prove it; return 0 only if every proof holds."""
    from healthslm.demo import day

    began_s = time.monotonic()
    if json_file:
        json_file.touch()  # where it cannot be written, that is said now, not in a minute
    evidence = Evidence()
    played = _recording(recording, seed)
    screen.opening(played, real=recording is not None)
    with _home(keep) as home:
        passphrase = " ".join(secrets.token_hex(3) for _ in range(4))
        day.prepare(home, PERSON, passphrase)
        result = day.play(played, home, PERSON, broker or "auto")
        _count(evidence, result)
        _tell(evidence, played, home)
        _review(evidence, played, home, passphrase, real=recording is not None)
        evidence.seconds = round(time.monotonic() - began_s, 1)
        screen.proofs(evidence)
        if keep:
            (home / KEY_NOTE).touch(mode=0o600)
            (home / KEY_NOTE).write_text(passphrase + "\n")
            screen.kept(home, KEY_NOTE)
    if json_file:
        json_file.write_text(json.dumps(evidence.document(), indent=2, ensure_ascii=False) + "\n")
    return 0 if all(holds for holds, _, _ in evidence.proofs()) else 1


def _recording(path: Path | None, seed: int | None) -> Recording:
    """Return the recording to play, placed so that it ended before now."""
    from healthslm import recordings, simulate

    yesterday_s = (time.time() // DAY_S - 1) * DAY_S
    if path is None:
        return simulate.day(simulate.DEMO_SEED if seed is None else seed, start_s=yesterday_s)
    loaded = recordings.load(path)
    return loaded.moved(min(yesterday_s + DAY_S / 2, time.time() - (loaded.t1_s - loaded.t0_s)))


@contextlib.contextmanager
def _home(keep: Path | None) -> Iterator[Path]:
    """Yield the folder the demo lives in: the person's, or one that goes when it ends."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="healthslm-demo-") as folder:
        yield Path(folder)


def _count(evidence: Evidence, played: Played) -> None:
    evidence.frames_sent, evidence.frames_acknowledged = played.sent, played.acknowledged
    evidence.sockets, evidence.strangers = sorted(played.sockets), sorted(played.strangers)
    evidence.daemon_rss_mb = played.rss_mb
    evidence.daemon_cpu_s = round(sum(played.cpu.values()), 2)
    evidence.broker, evidence.restarts = played.broker, played.restarts


def _tell(evidence: Evidence, recording: Recording, home: Path) -> None:
    """Have the day written in every language, keep the texts, and show them."""
    from healthslm import config
    from healthslm.language import facts, writer
    from healthslm.vault import Store

    span = (recording.t0_s, recording.t1_s)
    with Store.open(home / "store") as store:
        told = facts.gather(store.derived(*span), *span, zone="UTC")
        texts = [
            writer.summarise(told, lang, config.resource("models/mini"), emergency=EMERGENCY)
            for lang in LANGUAGES
        ]
        state = store.state() or b""
        store.commit([], [t.summary for t in texts], state, now_s=recording.t1_s)
    evidence.summaries = [_as_told(text) for text in texts]
    evidence.model_rss_mb = max(text.rss_mb for text in texts)
    evidence.summary_cpu_ms = round(sum(text.cpu_ms for text in texts) / len(texts), 1)
    screen.summaries(evidence)


def _as_told(written: Written) -> dict[str, Any]:
    summary = written.summary
    return {
        "lang": summary.lang,
        "text": summary.text,
        "source": summary.source,
        "attempts": written.attempts,
        "refusals": list(written.refusals),
        "reason": written.reason,
    }


def _review(
    evidence: Evidence, recording: Recording, home: Path, passphrase: str, *, real: bool
) -> None:
    """Open the store as its owner: the clinician's list, one strip, and the proofs."""
    from healthslm.records import Gap
    from healthslm.review import timeline
    from healthslm.vault import Store

    with Store.unlock(home / "store", passphrase) as store:
        frames, derived = list(store.frames()), list(store.derived())
        counts = store.counts()
    evidence.frames_stored = len({(f.name, f.boot, f.seq) for f in frames})
    evidence.frames_twice = len(frames) - evidence.frames_stored
    evidence.gaps = sum(isinstance(x, Gap) for x in derived)
    evidence.gaps_made = len(recording.tracks) - len({t.lane for t in recording.tracks})
    evidence.bytes_sealed = counts["bytes"]
    events = timeline.events(derived)
    evidence.findings = [timeline.as_json(event, "UTC") for event in events]
    if not real:
        _compare(evidence, recording, derived)
    screen.review(events, frames)
    _search(evidence, home, frames, derived)


def _compare(evidence: Evidence, recording: Recording, derived: Sequence[Derived]) -> None:
    """Hold what was found against the labels of the simulated day."""
    from healthslm import simulate
    from healthslm.review import timeline

    wanted = simulate.expected(recording)
    found = timeline.final(derived)

    def of(event: Expected, finding: Finding) -> bool:
        return (
            event.kind == finding.kind
            and event.t0_s - event.tolerance_s <= finding.t1_s
            and finding.t0_s <= event.t1_s + event.tolerance_s
        )

    grave = [f for f in found if f.severity != "info"]
    evidence.expected = len(wanted)
    evidence.expected_found = sum(any(of(e, f) for f in found) for e in wanted)
    evidence.unexpected = sum(not any(of(e, f) for e in wanted) for f in grave)


def _search(
    evidence: Evidence, home: Path, frames: Sequence[Frame], derived: Sequence[Derived]
) -> None:
    """Look for the day in the files of the store, and in a plain database as a control."""
    from healthslm.demo import proofs

    words = {PERSON, *(f"{f.device}/{f.stream}" for f in frames)}
    needles = proofs.needles(words, frames, derived)
    evidence.needles = sum(len(patterns) for patterns in needles.values())
    evidence.plaintext_hits = sum(proofs.search(home / "store", needles).values())
    with tempfile.TemporaryDirectory(prefix="healthslm-control-") as plain:
        proofs.control(Path(plain), words, frames, derived)
        evidence.control_hits = sum(proofs.search(Path(plain), needles).values())
