"""A disk that is full: the daemon acknowledges only what is stored, and waits for space."""

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


def said(home):
    return (home / "daemon.log").read_text()


def test_a_full_disk_loses_nothing_and_the_daemon_goes_on_when_there_is_space(tmp_path):
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
            resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (full, resource.RLIM_INFINITY))
            for seq in range(10, 200):
                publisher.outbox.submit(frame(seq))
            until(publisher, lambda: "nothing is acknowledged until" in said(tmp_path))
            acknowledged = publisher.outbox.acknowledged
            with Store.unlock(tmp_path / "store", PASSPHRASE) as store:
                stored = [f.seq for f in store.frames()]
            assert stored == list(range(len(stored)))
            assert 10 <= acknowledged <= len(stored) < 200
            unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, unlimited)
            until(publisher, lambda: publisher.outbox.waiting == 0)
            daemon.terminate()
            assert daemon.wait(20) == 0
    assert "can be written again" in said(tmp_path)
    assert "Traceback" not in said(tmp_path)
    with Store.unlock(tmp_path / "store", PASSPHRASE) as store:
        assert [f.seq for f in store.frames()] == list(range(200))


def test_a_daemon_that_is_to_end_while_the_disk_is_full_says_that_it_failed(tmp_path):
    """What it had taken in is not stored, so it does not end as if all were well."""
    create(tmp_path / "store", PASSPHRASE, now_s=T0_S, profile=PROFILES["cheapest"])
    with broker.Broker("auto", tmp_path) as server:
        text = config.default_toml("ada", url=server.url).replace('"wall"', '"data"')
        text = text.replace("commit_s = 5.0", "commit_s = 60.0").replace("= 20 ", "= -1 ")
        (tmp_path / "healthslm.toml").write_text(text)
        daemon = start(tmp_path)
        with Publisher(server.url, "ada", patience_s=1.0) as publisher:
            for seq in range(40):  # some are committed with a finding; the rest waits
                publisher.outbox.submit(frame(seq))
            until(publisher, lambda: 0 < publisher.outbox.waiting < 40)
            waiting = publisher.outbox.waiting
            resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
            end_s = time.monotonic() + 1.0
            until(publisher, lambda: time.monotonic() > end_s)
            daemon.terminate()
            assert daemon.wait(20) == 1
            assert publisher.outbox.waiting == waiting
    assert "error: vault.db: the disk" in said(tmp_path)
