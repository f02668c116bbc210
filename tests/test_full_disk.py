"""A disk that is full: the daemon ends, says why, and has acknowledged only what is stored."""

import resource
import subprocess
import sys
import time

from healthslm import broker, config
from healthslm.publisher import Publisher
from healthslm.records import Frame
from healthslm.vault import PROFILES, Store, create

PASSPHRASE = "correct horse battery staple"  # noqa: S105  of a store that lives for a test
T0_S = 1.7e9


def frame(seq):
    noise = bytes((seq * 31 + i * i) % 251 for i in range(2500))
    return Frame("chest", "ecg", 1, seq, 1250 * seq, T0_S + 5 * seq, 250.0, "mV", 0.001, 0.0, noise)


def start(home):
    command = [sys.executable, "-m", "healthslm", "run", "--config", str(home / "healthslm.toml")]
    with (home / "daemon.log").open("wb") as log:
        return subprocess.Popen(command, stderr=log)


def until(publisher, done, timeout_s=20.0):
    end_s = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < end_s
        publisher.poll(0.02)


def test_a_full_disk_ends_the_daemon_and_loses_nothing(tmp_path):
    create(tmp_path / "store", PASSPHRASE, now_s=T0_S, profile=PROFILES["cheapest"])
    with broker.Broker("auto", tmp_path) as server:
        text = config.default_toml("ada", url=server.url).replace('"wall"', '"data"')
        text = text.replace("commit_s = 5.0", "commit_s = 0.1").replace("= 20 ", "= -1 ")
        (tmp_path / "healthslm.toml").write_text(text)
        daemon = start(tmp_path)
        with Publisher(server.url, "ada", patience_s=1.0) as publisher:
            for seq in range(10):
                publisher.outbox.submit(frame(seq))
            until(publisher, lambda: publisher.outbox.waiting == 0)
            full = (tmp_path / "store" / "vault.db-wal").stat().st_size + 4096
            resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (full, full))
            for seq in range(10, 200):
                publisher.outbox.submit(frame(seq))
            until(publisher, lambda: daemon.poll() is not None)
            assert daemon.returncode == 1
            said = (tmp_path / "daemon.log").read_text()
            assert "error: vault.db: the disk" in said
            assert "Traceback" not in said
            acknowledged = publisher.outbox.acknowledged
            with Store.unlock(tmp_path / "store", PASSPHRASE) as store:
                stored = [f.seq for f in store.frames()]
            assert stored == list(range(len(stored)))
            assert 10 <= acknowledged <= len(stored) < 200
            daemon = start(tmp_path)
            until(publisher, lambda: publisher.outbox.waiting == 0)
            daemon.terminate()
            assert daemon.wait(20) == 0
    with Store.unlock(tmp_path / "store", PASSPHRASE) as store:
        assert [f.seq for f in store.frames()] == list(range(200))
