"""The daemon, turn by turn: a link that hands it messages, a store that may be cut off."""

import json
import random
import time
from dataclasses import dataclass, field, replace

import pytest

from healthslm import config, daemon, days, ingest, ledger, service, vault
from healthslm.daemon import Daemon
from healthslm.errors import ConfigError, IntegrityError
from healthslm.link import Message, Up
from healthslm.records import Alert, Chunk, Finding, Frame, Summary, Tick
from healthslm.vault import PROFILES, create
from healthslm.vault.retention import Policy

NOW_S = 1.7e9
TOPIC = "healthslm/1/ada/chest/temperature/frame"


@dataclass
class Link:
    """Hands over what a test puts in, and remembers what the daemon says."""

    inbox: list = field(default_factory=list)
    said: list = field(default_factory=list)
    acked: list = field(default_factory=list)

    def poll(self, timeout_s):
        events, self.inbox = self.inbox, []
        return events

    def publish(self, topic, payload, *, qos=0, retain=False):
        self.said.append((topic, json.loads(payload)))
        return True

    def ack(self, ticket):
        self.acked.append(ticket)


@dataclass
class Store:
    """Keeps what was committed, as a disk would over a crash."""

    frames: list = field(default_factory=list)
    records: list = field(default_factory=list)
    letters: list = field(default_factory=list)
    newest: bytes | None = None
    commits: int = 0
    pending: list = field(default_factory=list)

    def state(self):
        return self.newest

    def set_aside(self, reason, payload):
        self.pending.append((reason, payload))

    def commit(self, frames, derived, state, *, now_s):
        self.frames += frames
        self.records += derived
        self.letters += self.pending
        self.newest, self.pending = state, []
        self.commits += 1

    def derived(self, t0_s=None, t1_s=None):
        return iter(self.records)


def settings(**daemon):
    wanted = {"clock": "data", "commit_s": 60.0, "commit_frames": 4, "summary_hour": -1, **daemon}
    return config.Config(config.Person("ada"), daemon=config.Daemon(**wanted))


def frame(seq, *, boot=1, kept=0, stream="temperature", t_s=None, raw=370):
    t_s = NOW_S + 60 * seq if t_s is None else t_s
    return Frame("chest", stream, boot, seq, seq, t_s, 1 / 60, "Cel", 0.1, 0.0, (raw,), kept)


class Rig:
    """A daemon with its link and store; `crash` takes away all but the store."""

    def __init__(self, **daemon):
        self.config, self.store, self.tickets = settings(**daemon), Store(), 0
        self.crash()

    def crash(self):
        self.link = Link()
        self.store.pending = []
        self.daemon = Daemon(self.config, self.store, self.link)

    def send(self, *frames):
        for f in frames:
            self.raw(ingest.topic("ada", f.device, f.stream), ingest.encode(f))

    def raw(self, topic, payload):
        self.tickets += 1
        self.link.inbox = [Message(topic, payload, (1, self.tickets))]
        self.daemon.turn()

    @property
    def acks(self):
        return [ack for topic, ack in self.link.said if topic.endswith("/ack")]


def test_nothing_is_acknowledged_before_it_is_stored():
    rig = Rig()
    rig.send(frame(0), frame(1), frame(2))
    assert (rig.link.acked, rig.acks, rig.store.frames) == ([], [], [])
    rig.send(frame(3))
    assert len(rig.store.frames) == 4
    assert rig.link.acked == [(1, n) for n in (1, 2, 3, 4)]
    assert rig.link.said == [("healthslm/1/ada/chest/temperature/ack", {"boot": 1, "seq": 3})]


def test_time_alone_commits_what_waits():
    rig = Rig(commit_s=1e-6)
    rig.send(frame(0))
    assert len(rig.store.frames) == 1
    assert Rig(commit_s=1e-6).store.commits == 0


def test_a_finding_commits_at_once():
    rig = Rig(commit_frames=1000)
    rig.send(*(frame(i, raw=395) for i in range(600)))
    findings = [r for r in rig.store.records if type(r).__name__ == "Finding"]
    assert findings
    assert rig.store.commits >= 1
    assert len(rig.store.frames) < 600


def test_a_repeat_is_answered_at_once_with_what_is_stored():
    rig = Rig()
    rig.send(*(frame(i) for i in range(4)))
    rig.link.said.clear()
    rig.send(frame(2))
    assert rig.acks == [{"boot": 1, "seq": 3}]
    assert len(rig.store.frames) == 4


def test_a_frame_too_soon_is_asked_for_from_the_one_due():
    rig = Rig()
    rig.send(*(frame(i) for i in range(4)), frame(4), frame(7))
    assert rig.acks[-1] == {"boot": 1, "seq": 3, "due": 5}
    rig.send(frame(5), frame(6), frame(7))
    assert [f.seq for f in rig.store.frames] == list(range(8))


def test_after_a_crash_it_goes_on_from_its_last_commit_and_says_so():
    rig = Rig()
    rig.send(*(frame(i) for i in range(6)))
    rig.crash()
    rig.link.inbox = [Up(resumed=False)]
    rig.daemon.turn()
    assert rig.link.said == [("healthslm/1/ada/ready", {})]
    rig.send(frame(5), frame(4), frame(5), frame(6), frame(7))
    assert [f.seq for f in rig.store.frames] == list(range(8))


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_crash_at_any_message_leaves_the_same_records(cut):
    whole, broken = Rig(), Rig()
    frames = [frame(i, raw=365 + i % 40) for i in range(40)]
    whole.send(*frames)
    broken.send(*frames[:cut])
    broken.crash()
    broken.send(*frames)  # the sensor sends all it keeps
    assert broken.store.frames == whole.store.frames
    assert broken.store.records == whole.store.records
    one, two = ledger.read(broken.store.newest), ledger.read(whole.store.newest)
    assert (one.pipeline, one.data_s) == (two.pipeline, two.data_s)


GOOD = ingest.encode(frame(0))
TEXT = ingest.encode(frame(0), "json")
BAD = {
    "topic": ("healthslm/1/ada/chest/frame", GOOD),
    "oversized": (TOPIC, TEXT + b" " * 65_536),
    "malformed": (TOPIC, GOOD[:-1]),
    "kind": (TOPIC.replace("temperature", "mood"), GOOD),
    "unit": (TOPIC, TEXT.replace(b'"Cel"', b'"mV"')),
    "range": (TOPIC, TEXT.replace(b"0.1", b"0.0")),
    "too long": (TOPIC, TEXT.replace(b"[370]", b"[370,371,372]")),
    "person": (TOPIC.replace("ada", "bob"), GOOD),
}


@pytest.mark.parametrize("reason", BAD)
def test_bad_input_is_counted_set_aside_and_acknowledged_and_harms_nobody(reason):
    topic, payload = BAD[reason]
    rig, calm = Rig(), Rig()
    good = [frame(i) for i in range(4)]
    calm.send(*good)
    rig.send(*good[:2])
    rig.raw(topic, payload)
    rig.send(*good[2:])
    assert rig.daemon.counts == {"taken": 4, reason: 1}
    assert rig.store.letters == [(reason, payload)]
    assert rig.link.acked == [(1, n) for n in range(1, 6)]
    assert (rig.store.frames, rig.store.records) == (calm.store.frames, calm.store.records)
    assert ledger.counters(rig.store.newest) == {"taken": 4, reason: 1}


def test_a_topic_that_is_not_utf8_is_bad_input():
    rig = Rig(commit_frames=1)
    rig.raw("", GOOD)
    rig.send(frame(0))
    assert rig.daemon.counts == {"topic": 1, "taken": 1}


@pytest.mark.parametrize("off_s", [-7 * 86_400 - 60, 360])
def test_a_time_far_off_is_refused_by_the_wall_clock_and_its_number_is_acknowledged(off_s):
    rig = Rig(clock="wall", commit_frames=1)
    now_s = time.time()
    rig.send(frame(0, t_s=now_s + off_s))
    rig.send(frame(1, t_s=now_s))
    assert rig.daemon.counts == {"time": 1, "taken": 1}
    assert rig.acks[-1] == {"boot": 1, "seq": 1}
    assert [reason for reason, _ in rig.store.letters] == ["time"]


def test_what_is_missing_is_a_gap_record():
    rig = Rig(commit_frames=2)
    rig.send(frame(0), frame(3, kept=None))
    (gap,) = [r for r in rig.store.records if type(r).__name__ == "Gap"]
    assert (gap.stream, gap.missing) == ("chest/temperature", 2)


def test_its_own_words_and_descriptions_are_no_input():
    rig = Rig(commit_frames=1)
    for leaf in ("ack", "meta", "ready"):
        rig.raw(TOPIC.replace("frame", leaf), b"{}")
    assert rig.daemon.counts == {}
    assert rig.link.acked == [(1, 1), (1, 2), (1, 3)]


class Faulty:
    """A pipeline with a stage that cannot bear one sample."""

    def __init__(self, inner, poison):
        self.inner, self.poison = inner, poison
        self.snapshot, self.restore = inner.snapshot, inner.restore

    def feed(self, item):
        out = self.inner.feed(item)
        if isinstance(item, Chunk) and item.values[0] == pytest.approx(self.poison):
            raise ZeroDivisionError
        return out


def test_a_stage_that_fails_costs_one_analysis_and_the_frame_is_stored(caplog):
    rig, calm = Rig(), Rig()
    rig.daemon._pipeline = Faulty(rig.daemon._pipeline, 41.1)
    frames = [frame(i) for i in range(8)]
    calm.send(*(replace(f, kept=None) for f in frames if f.seq != 5))
    calm.daemon.commit()
    rig.send(*(replace(f, samples=(411,)) if f.seq == 5 else f for f in frames))
    assert [f.seq for f in rig.store.frames] == list(range(8))
    assert rig.daemon.counts == {"taken": 8, "fault": 1}
    vitals = [(type(r).__name__, r.t_s) for r in rig.store.records if hasattr(r, "t_s")]
    assert vitals == [(type(r).__name__, r.t_s) for r in calm.store.records if hasattr(r, "t_s")]
    assert "41" not in caplog.text


def test_the_wall_clock_moves_time_only_where_no_data_do(monkeypatch):
    rig = Rig(clock="wall", commit_frames=1)
    fed = []
    feed = rig.daemon._pipeline.feed
    monkeypatch.setattr(rig.daemon._pipeline, "feed", lambda x: fed.append(x) or feed(x))
    rig.daemon.turn()
    assert fed == []
    rig.daemon._moved_s -= 11.0
    rig.daemon.turn()
    assert [type(x) for x in fed] == [Tick]
    assert fed[0].t_s == pytest.approx(time.time(), abs=5)


def test_the_days_words_are_written_once_when_their_hour_has_passed(monkeypatch):
    asked = []

    def written(self, t0_s, t1_s):
        asked.append((t0_s, t1_s))
        self._derived.append(Summary(t0_s, t1_s, "en", "…", "template"))
        self._urgent = True

    monkeypatch.setattr(Daemon, "_summarise", written)
    rig = Rig(commit_frames=1, summary_hour=20)
    end_s = days.last_hour_s(NOW_S, 20, "UTC") + 86_400.0
    for k, t_s in enumerate([end_s - 3600, end_s + 60, end_s + 300, end_s + 360]):
        if k == 3:
            rig.crash()
        rig.send(frame(k, t_s=t_s))
    assert asked == [(end_s - 86_400.0, end_s)]


def test_a_wish_for_words_is_granted_for_the_day_so_far(monkeypatch):
    asked = []
    monkeypatch.setattr(Daemon, "_summarise", lambda self, *span: asked.append(span))
    rig = Rig(commit_frames=1)
    rig.send(frame(0))
    rig.raw("healthslm/1/ada/summary", b"")
    rig.raw("healthslm/1/ada/summary", b"x" * 257)
    assert asked == [(days.midnight_s(NOW_S + 60, "UTC"), NOW_S + 60)]


def test_the_words_of_the_day_are_stored_with_the_news_that_they_are_written():
    rig = Rig(commit_frames=1)
    rig.send(*(frame(i) for i in range(20)))
    rig.raw("healthslm/1/ada/summary", b"")
    (summary,) = [r for r in rig.store.records if isinstance(r, Summary)]
    assert (summary.lang, summary.t0_s) == ("en", days.midnight_s(NOW_S, "UTC"))
    assert summary.text
    assert ledger.counters(rig.store.newest)["summary"] == 1
    assert rig.link.acked == [(1, n) for n in range(1, 22)]


def test_an_operator_is_told_once_where_the_model_failed():
    """The finding is in the commit of its text; a model that is not wanted is no failure."""
    failed = {}
    for folder in ("none", "/nowhere"):
        rig = Rig(commit_frames=1)
        rig.config = replace(rig.config, model=config.Model(folder))
        rig.crash()
        rig.send(*(frame(i) for i in range(20)))
        rig.raw("healthslm/1/ada/summary", b"")
        kinds = [r.kind for r in rig.store.records if isinstance(r, Finding)]
        failed[folder] = kinds.count("summary_by_template"), ledger.counters(rig.store.newest)
    (calm, counts), (told, others) = failed.values()
    assert (calm, counts["summary"], counts.get("by template")) == (0, 1, None)
    assert (told, others["summary"], others["by template"]) == (1, 1, 1)


def test_the_words_come_once_a_minute_however_often_they_are_asked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(Daemon, "_summarise", lambda self, *span: asked.append(span))
    rig = Rig(commit_frames=1)
    rig.send(frame(0))
    for payload in (b"", b"", b"x" * 257):
        rig.raw("healthslm/1/ada/summary", payload)
    assert len(asked) == 1
    assert rig.daemon.counts == {"taken": 1, "busy": 1, "oversized": 1}
    rig.daemon._granted_s -= 61.0
    rig.raw("healthslm/1/ada/summary", b"")
    assert len(asked) == 2


def test_words_that_cannot_be_written_cost_the_words_and_nothing_else(monkeypatch, caplog):
    def broken(*_):
        raise ValueError("37.0 is no value")

    monkeypatch.setattr("healthslm.summaries.write", broken)
    rig = Rig(commit_frames=1, summary_hour=20)
    end_s = days.last_hour_s(NOW_S, 20, "UTC") + 86_400.0
    rig.send(frame(0, t_s=end_s - 3600), frame(1, t_s=end_s + 300), frame(2, t_s=end_s + 360))
    assert rig.daemon.counts == {"taken": 3, "no summary": 1, "gap": 1}
    rig.crash()
    rig.send(frame(3, t_s=end_s + 420))
    assert rig.daemon.counts["no summary"] == 1
    assert "37.0" not in caplog.text


def test_days_are_told_again_after_a_clock_was_years_ahead(monkeypatch):
    asked = []
    monkeypatch.setattr(Daemon, "_summarise", lambda self, *span: asked.append(span))
    now = [NOW_S + 3e8]
    monkeypatch.setattr(time, "time", lambda: now[0])
    rig = Rig(clock="wall", summary_hour=20)
    rig.daemon.turn()
    now[0] = NOW_S
    rig.daemon.turn()
    now[0] = NOW_S + 86_400.0
    rig.daemon.turn()
    end_s = days.last_hour_s(NOW_S + 86_400.0 - 180.0, 20, "UTC")
    assert asked == [(end_s - 86_400.0, end_s)]


class Full(Store):
    """A disk that is full."""

    full = True

    def commit(self, *args, **kwargs):
        if self.full:
            raise IntegrityError("vault.db: SQLITE_FULL")
        super().commit(*args, **kwargs)


def test_nothing_is_acknowledged_that_a_full_disk_did_not_take():
    rig = Rig()
    rig.store = Full()
    rig.crash()
    with pytest.raises(IntegrityError, match="FULL"):
        rig.send(*(frame(i) for i in range(4)))
    assert (rig.link.acked, rig.acks, rig.store.frames) == ([], [], [])
    rig.store.full = False
    rig.crash()
    rig.send(*(frame(i) for i in range(4)))
    assert [f.seq for f in rig.store.frames] == [0, 1, 2, 3]
    assert rig.acks == [{"boot": 1, "seq": 3}]


def test_more_streams_than_the_state_can_hold_are_stored_all_the_same(tmp_path):
    """64 leads at 2000 Hz: the analysis of the heaviest begins anew, the daemon goes on."""
    create(tmp_path / "store", "secret", now_s=NOW_S, profile=PROFILES["cheapest"])
    noise = random.Random(1)
    with vault.Store.open(tmp_path / "store") as store:
        link = Link()
        busy = Daemon(settings(commit_frames=65), store, link)
        for seq in range(3):
            link.inbox = [
                Message(ingest.topic("ada", "chest", f.stream), ingest.encode(f), (1, 1))
                for f in [frame(seq), *(lead(seq, n, noise.randbytes(8000)) for n in range(63))]
            ]
            busy.turn()
            busy.commit()
        assert store.counts()["frames"] == busy.counts["taken"] == 3 * 64
        assert busy.counts["fault"] >= 1
        vitals = [r for r in store.derived() if getattr(r, "kind", "") == "temperature"]
        assert len(vitals) == 3  # a light lane is not the one to suffer
        Daemon(settings(), store, link)


def lead(seq, n, samples):
    start, t_s = 4000 * seq, NOW_S + 2 * seq
    return Frame("chest", f"ecg-{n}", 1, seq, start, t_s, 2000.0, "mV", 0.01, 0.0, samples, 0)


def test_a_second_daemon_on_a_store_is_refused(tmp_path):
    """Each would go on from a state of its own, and store what the other stored."""
    create(tmp_path / "store", "secret", now_s=NOW_S, profile=PROFILES["cheapest"])
    mine = replace(settings(), store=config.Store(tmp_path / "store"))
    with service.alone(tmp_path / "store"), pytest.raises(ConfigError, match="another daemon"):
        daemon.run(mine, stop=lambda: True)
    assert daemon.run(mine, stop=lambda: True).taken == 0


def test_a_daemon_keeps_what_the_configuration_says_and_no_more(tmp_path):
    """Days of waveforms that are too many go with the first new hour."""
    folder = tmp_path / "store"
    create(folder, "secret", now_s=NOW_S, profile=PROFILES["cheapest"])
    own = replace(settings(), store=config.Store(folder, raw_days=2, quota_mb=100, reserve_mb=5))
    assert daemon.kept(own.store) == Policy(
        2, 365, 1095, quota_bytes=100e6, reserve_bytes=5_000_000
    )
    with vault.Store.open(folder) as store:
        for day in range(4):
            t_s = NOW_S + day * 86_400
            store.commit([frame(day, t_s=t_s)], [], b"", now_s=t_s)
    with pytest.MonkeyPatch.context() as patch:  # the link to a broker is not what is asked here
        patch.setattr(daemon, "serve", lambda config, store, *how: commit_late(store))
        daemon.run(own, stop=lambda: True)
    with vault.Store.unlock(folder, "secret") as store:
        assert [f.seq for f in store.frames()] == [3, 9]


def commit_late(store):
    t_s = NOW_S + 4 * 86_400
    store.commit([frame(9, t_s=t_s)], [], b"", now_s=t_s)


def test_an_analysis_that_fails_leaves_no_trace_in_what_follows():
    """The pipeline is then what it would be had that one frame never come."""
    rig, calm = Rig(), Rig()
    rig.daemon._pipeline = Faulty(rig.daemon._pipeline, 41.1)
    frames = [frame(i, raw=385 + i % 3) for i in range(12)]
    calm.send(*(replace(f, kept=None) for f in frames if f.seq != 6))
    rig.send(*(replace(f, samples=(411,)) if f.seq == 6 else f for f in frames))
    assert rig.daemon.counts["fault"] == 1
    assert rig.daemon._pipeline.snapshot() == calm.daemon._pipeline.snapshot()


def test_a_new_boot_that_comes_too_soon_is_answered_as_that_boot():
    rig = Rig(commit_frames=1)
    rig.send(frame(0), frame(1), frame(3, boot=2, t_s=NOW_S + 600))
    assert rig.acks[-1] == {"boot": 2, "seq": -1, "due": 0}


def test_the_newest_sample_says_what_time_it_is_also_after_a_crash(monkeypatch):
    asked = []
    monkeypatch.setattr(Daemon, "_summarise", lambda self, *span: asked.append(span))
    rig = Rig(commit_frames=1)
    late = replace(frame(0, t_s=NOW_S), device="wrist")
    rig.send(frame(0, t_s=NOW_S + 3600), late)
    rig.crash()
    rig.raw("healthslm/1/ada/summary", b"")
    assert asked == [(days.midnight_s(NOW_S + 3660, "UTC"), NOW_S + 3660)]


def test_a_crash_before_the_hour_of_the_words_does_not_forget_them(monkeypatch):
    asked = []
    monkeypatch.setattr(Daemon, "_summarise", lambda self, *span: asked.append(span))
    rig = Rig(commit_frames=1, summary_hour=20)
    end_s = days.last_hour_s(NOW_S, 20, "UTC") + 86_400.0
    rig.send(frame(0, t_s=end_s - 3600), frame(1, t_s=end_s - 3540))
    rig.crash()
    rig.send(frame(2, t_s=end_s + 300))
    assert asked == [(end_s - 86_400.0, end_s)]


def test_ten_minutes_of_silence_are_one_commit():
    rig = Rig(clock="wall")
    for _ in range(60):
        assert rig.store.commits == 0
        rig.daemon._moved_s -= 11.0
        rig.daemon.turn()
    assert rig.store.commits == 1


# ---- alerts ------------------------------------------------------------------------------


def alerts_of(rig):
    return [said for topic, said in rig.link.said if topic == "healthslm/1/ada/alert"]


def feverish(rig):
    rig.send(*(frame(i, raw=395) for i in range(10)))
    return [x for x in rig.store.records if isinstance(x, Alert)]


def test_what_asks_for_a_person_is_told_at_once_and_sealed():
    rig = Rig(commit_frames=1000)
    (alert,) = feverish(rig)
    assert (alert.kind, alert.severity, alert.step) == ("fever", "amber", "told")
    (said,) = alerts_of(rig)
    assert said == {
        "kind": "fever",
        "severity": "amber",
        "step": "told",
        "began": alert.t0_s,
        "count": 1,
    }


def test_alarms_survive_a_crash():
    """Told once a day: the daemon that comes back knows that it was told."""
    rig = Rig(commit_frames=1)
    feverish(rig)
    rig.send(
        *(frame(i, raw=365) for i in range(10, 30)), *(frame(i, raw=395) for i in range(30, 33))
    )
    rig.crash()
    rig.send(*(frame(i, raw=395) for i in range(33, 43)))
    steps = [x.step for x in rig.store.records if isinstance(x, Alert)]
    assert steps == ["told", "cleared", "held"]
    assert alerts_of(rig) == []


def test_an_answer_is_taken_and_one_that_is_no_word_is_refused():
    rig = Rig()
    rig.raw("healthslm/1/ada/acknowledge", b"fever")
    rig.raw("healthslm/1/ada/acknowledge", b"")
    assert rig.daemon.counts.get("malformed", 0) == 0
    for bad in (b"\xff", b"a b", b"x" * 65):
        rig.raw("healthslm/1/ada/acknowledge", bad)
    assert rig.daemon.counts["malformed"] == 3


def test_its_own_alerts_that_come_back_are_passed_over():
    rig = Rig()
    rig.raw("healthslm/1/ada/alert", b"{}")
    assert rig.daemon.counts == {}
