"""kill -9, of daemon and broker, while frames flow: none is lost, none is stored twice.

Each run takes 10 broker kills and 20 daemon kills at moments drawn from a fixed seed, then
looks with the owner's key at what lies in the store.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from itertools import count

import pytest

from healthslm import broker, config, ingest, ledger
from healthslm.pipeline import Pipeline
from healthslm.publisher import Publisher
from healthslm.records import Finding, Frame
from healthslm.vault import PROFILES, Store, create

T0_S = 1.7e9
ENOUGH = 1500  # frames: half an hour, with three bouts of illness
PASSPHRASE = "correct horse battery staple"  # noqa: S105  of a store that lives for a test
DAEMON = """
import sys
from pathlib import Path
from healthslm import config, daemon
daemon.run(config.load(Path(sys.argv[1])))
print("loaded", [m for m in ("pandas", "onnxruntime", "torch") if m in sys.modules])
"""

BROKERS = [
    pytest.param(
        "mosquitto",
        marks=pytest.mark.skipif(broker.mosquitto() is None, reason="mosquitto is not installed"),
    ),
    "amqtt",
]


def frames():
    """Yield what one person's sensors send: five seconds of each stream at a time."""
    unit = {"heart_rate": "/min", "spo2": "%", "temperature": "Cel", "ecg": "mV"}
    gain = {"heart_rate": 1.0, "spo2": 1.0, "temperature": 0.1, "ecg": 0.01}
    for n in count():
        ill = n // 60 % 2  # five minutes well, five minutes not
        level = {"heart_rate": 72 + 80 * ill, "spo2": 97 - 12 * ill, "temperature": 368 + 25 * ill}
        for stream, value in level.items():
            samples = tuple(value + i % 2 for i in range(5))
            yield Frame("wrist", stream, 1, n, 5 * n, T0_S + 5 * n, 1.0, unit[stream],
                        gain[stream], 0.0, samples)  # fmt: skip
        beat = [0] * 56 + [20, 80, 100, 60, -30, -10] + [0] * 63  # one a second
        yield Frame("chest", "ecg", 1, n, 625 * n, T0_S + 5 * n, 125.0, "mV", 0.01, 0.0,
                    tuple(beat * 5))  # fmt: skip


class Daemon:
    """The daemon in a process of its own, killed and started again."""

    def __init__(self, folder, url, commit_s=0.2):
        self.folder = folder
        text = config.default_toml("ada", url=url).replace('clock = "wall"', 'clock = "data"')
        text = text.replace("commit_s = 5.0", f"commit_s = {commit_s}").replace("= 20 ", "= -1 ")
        (folder / "healthslm.toml").write_text(text)
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def start(self):
        with (self.folder / "daemon.log").open("ab") as log:
            command = [sys.executable, "-c", DAEMON, str(self.folder / "healthslm.toml")]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)
        assert self.process.wait() == -signal.SIGKILL  # it had not ended by itself

    def stop(self):
        self.process.terminate()
        return self.process.wait(20)


def direct(sent):
    """Return the findings that intake and pipeline make of the frames themselves."""
    intake, pipeline, found = ingest.Intake(), Pipeline(), []
    for frame in sent:
        found += pipeline.feed(intake.accept(frame, None).chunk)
    return [x for x in found if isinstance(x, Finding)]


def by_lane(findings):
    return sorted(findings, key=lambda f: (f.stream, f.kind, f.t0_s, f.t1_s, not f.ongoing))


def play(publisher, source, sent, until):
    """Send frames until `until` says that it is enough."""
    limit_s = time.monotonic() + 60.0
    while not until():
        assert time.monotonic() < limit_s, "nothing is acknowledged any more"
        if publisher.outbox.waiting < publisher.outbox.window:
            frame = next(source)
            sent.append(frame)
            publisher.outbox.submit(frame)
        publisher.poll(0.002)


@pytest.mark.parametrize("kind", BROKERS)
def test_no_kill_loses_a_frame_or_stores_one_twice(kind, tmp_path):
    """20 kills of the daemon and 10 of the broker, then the whole store against what was sent."""
    chance = random.Random(20)
    create(tmp_path / "store", PASSPHRASE, now_s=T0_S, profile=PROFILES["cheapest"])
    kills = ["daemon"] * 20 + ["broker"] * 10
    chance.shuffle(kills)
    source, sent = frames(), []
    with (
        broker.Broker(kind, tmp_path) as server,
        Daemon(tmp_path, server.url) as daemon,
        Publisher(server.url, "ada", patience_s=3.0) as publisher,
    ):
        for victim in kills:
            if chance.random() < 0.6:  # at work; else wherever it is, starting perhaps
                stored = publisher.outbox.acknowledged
                play(publisher, source, sent, lambda n=stored: publisher.outbox.acknowledged > n)
            end_s = time.monotonic() + chance.uniform(0.0, 0.7)
            play(publisher, source, sent, lambda e=end_s: time.monotonic() > e)
            if victim == "daemon":
                daemon.kill()
                daemon.start()
            else:
                server.kill()
                server.start()
        play(publisher, source, sent, lambda: len(sent) >= ENOUGH)
        publisher.flush(30.0)
        assert publisher.outbox.acknowledged == len(sent)
        assert daemon.stop() == 0
    with Store.unlock(tmp_path / "store", PASSPHRASE) as store:
        stored = Counter((f.device, f.stream, f.boot, f.seq) for f in store.frames())
        counts = ledger.counters(store.state())
        findings = [x for x in store.derived() if isinstance(x, Finding)]
    assert stored == Counter((f.device, f.stream, f.boot, f.seq) for f in sent)
    assert counts["taken"] == len(sent)
    assert by_lane(findings) == by_lane(direct(sent))
    assert len(findings) >= 4  # or the comparison above says little


def test_sigterm_finishes_what_was_taken_and_nothing_heavy_was_loaded(tmp_path):
    create(tmp_path / "store", PASSPHRASE, now_s=T0_S, profile=PROFILES["cheapest"])
    with (
        broker.Broker("auto", tmp_path) as server,
        Daemon(tmp_path, server.url, commit_s=60.0) as daemon,
        Publisher(server.url, "ada") as publisher,
    ):
        source, sent = frames(), []
        play(publisher, source, sent, lambda: publisher.outbox.acknowledged >= 32)
        for _ in range(7):
            publisher.outbox.submit(next(source))
        newest, since_s = -1, 0.0
        while newest != publisher.outbox.acknowledged or time.monotonic() - since_s < 1.0:
            if newest != publisher.outbox.acknowledged:
                newest, since_s = publisher.outbox.acknowledged, time.monotonic()
            publisher.poll(0.05)
        assert 0 < publisher.outbox.waiting < 32  # taken, and waiting for a commit
        assert daemon.stop() == 0
        end_s = time.monotonic() + 10.0
        while publisher.outbox.waiting and time.monotonic() < end_s:
            publisher.poll(0.05)
        assert publisher.outbox.waiting == 0
    assert "loaded []" in (tmp_path / "daemon.log").read_text()
