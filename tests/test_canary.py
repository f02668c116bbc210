"""Nothing that was planted in a stream stands in a log, a temporary file, or a command line.

The daemon runs with every log line let out, over good frames, bad ones, a stage that fails
with the samples in its message, requests for words, and a broker that goes and comes.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from healthslm import broker, config, ingest
from healthslm.link import Link
from healthslm.publisher import Publisher
from healthslm.records import Frame
from healthslm.vault import PROFILES, Store, create

PERSON, DEVICE = "kanarienvogel", "brustgurt"
PASSPHRASE = "correct horse battery staple"  # noqa: S105  of a store that lives for a test
T0_S = 1_712_345_678.0
RAW, OTHER = 3871, 4129  # 38.71 and 41.29 degrees
DAEMON = """
import logging, sys
from pathlib import Path
logging.basicConfig(level=logging.DEBUG)
from healthslm import config, daemon
from healthslm.signals.measured import Measured
step = Measured.step
def failing(self, state, chunk):
    if chunk.values[0] > 41:
        raise ValueError(f"{chunk.stream}: {chunk.values.tolist()} at {chunk.t_s}")
    return step(self, state, chunk)
Measured.step = failing
daemon.run(config.load(Path(sys.argv[1])))
"""
NEEDLES = [
    re.escape(word)
    for word in (PERSON, DEVICE, "temperature", "fever", "38.71", "41.29", "3871", "4129", "17123")
] + [PASSPHRASE, r"2024-04-0[56]"]


def frame(seq, raw=RAW):
    return Frame(DEVICE, "temperature", 1, seq, seq, T0_S + 60 * seq, 1 / 60, "Cel", 0.01, 0.0,
                 (raw,))  # fmt: skip


def hits(text):
    return [needle for needle in NEEDLES if re.search(needle, text)]


def wait(publisher, done, timeout_s=20.0):
    end_s = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < end_s
        publisher.poll(0.05)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return what the daemon and the broker wrote, by file, and the daemon's command line."""
    home = tmp_path_factory.mktemp("home")
    (home / "tmp").mkdir()
    create(home / "store", PASSPHRASE, now_s=T0_S, profile=PROFILES["cheapest"])
    with broker.Broker("auto", home) as server:
        text = config.default_toml(PERSON, url=server.url, folder="store")
        text = text.replace('"wall"', '"data"').replace("commit_s = 5.0", "commit_s = 0.1")
        (home / "healthslm.toml").write_text(text)
        command = [sys.executable, "-c", DAEMON, str(home / "healthslm.toml")]
        with (home / "daemon.log").open("wb") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, "TMPDIR": str(home / "tmp")}
            )
        try:
            _play(server)
            at = Path(f"/proc/{process.pid}")
            line = (at / "cmdline").read_bytes() + (at / "environ").read_bytes()
        finally:
            process.terminate()
            assert process.wait(20) == 0
    files = [p for p in home.rglob("*") if p.is_file() and p.name != "healthslm.toml"]
    told = {p.name: p.read_bytes().decode("latin-1") for p in files if p.parent.name != "store"}
    with Store.unlock(home / "store", PASSPHRASE) as store:
        stored = [f.samples for f in store.frames()]
        letters = sum(1 for _ in store.letters())
    return told | {"command line": line.decode("latin-1")}, stored, letters


def _play(server):
    with Publisher(server.url, PERSON, patience_s=1.0) as publisher:
        for seq in range(60):
            publisher.outbox.submit(frame(seq, OTHER if seq == 40 else RAW))
        wait(publisher, lambda: publisher.outbox.waiting == 0)
        noise = Link(config.address(server.url), "noise", ["none"], lasting=False)
        while not noise.up:
            noise.poll(0.05)
        good = ingest.encode(frame(60))
        where = ingest.topic(PERSON, DEVICE, "temperature")
        for topic, payload in (
            (where, good[:-1]),
            (where.replace(PERSON, "nachbar"), good),
            (f"healthslm/1/{PERSON}/{DEVICE}/wetter/frame", good),
            (f"healthslm/1/{PERSON}/summary", PERSON.encode()),
        ):
            noise.publish(topic, payload, qos=1)
        noise.close()
        server.kill()
        server.start()
        publisher.outbox.submit(frame(60))
        wait(publisher, lambda: publisher.outbox.waiting == 0)


def test_no_log_temporary_file_or_command_line_holds_what_was_planted(written):
    told, stored, letters = written
    assert len(stored) == 61  # it was all there to be betrayed
    assert letters >= 2
    assert "analysis failed: ValueError" in told["daemon.log"]
    assert {name: hits(text) for name, text in told.items()} == {name: [] for name in told}


def test_the_search_finds_what_a_careless_line_would_say(written):
    """The control: one repr of each thing, and the search has something to say of each."""
    text = (
        f"{frame(0)!r} 38.71 fever {frame(0, OTHER)!r} at 41.29, 2024-04-05 {PERSON} {PASSPHRASE}"
    )
    assert hits(written[0]["daemon.log"] + text) == NEEDLES
