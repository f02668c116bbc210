"""The daemon, its store and a broker, all real, in one process."""

import time

import pytest

from healthslm import broker, config, ingest, ledger
from healthslm.daemon import Daemon, serve
from healthslm.link import Link
from healthslm.publisher import Publisher
from healthslm.records import Frame, Vital
from healthslm.vault import PROFILES, Store, create

PASSPHRASE = "correct horse battery staple"  # noqa: S105  of a store that lives for a test
GOOD = "healthslm/1/ada/chest/temperature/frame"


@pytest.fixture(params=["mosquitto", "amqtt"])
def url(request, tmp_path):
    if request.param == "mosquitto" and broker.mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    with broker.running(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def settings(url, tmp_path):
    create(tmp_path / "store", PASSPHRASE, now_s=time.time(), profile=PROFILES["cheapest"])
    return config.Config(
        config.Person("ada"),
        config.Broker(url),
        config.Store(tmp_path / "store"),
        config.Daemon(commit_s=0.1, summary_hour=-1),
    )


def frame(seq, t0_s):
    return Frame("chest", "temperature", 1, seq, 30 * seq, t0_s + 30 * seq, 1.0, "Cel", 0.1, 0.0,
                 (370,) * 30)  # fmt: skip


def test_bad_input_of_every_sort_among_good_is_counted_and_harms_nothing(settings, url):
    t0_s = time.time() - 3600
    good = [frame(n, t0_s) for n in range(40)]
    text = ingest.encode(frame(0, t0_s), "json")
    elsewhere = GOOD.replace("chest", "other")
    bad = [
        (elsewhere, b"\xff\xfe", "malformed"),
        (elsewhere, text + b" " * 70_000, "oversized"),
        (elsewhere, text.replace(b"Cel", b"mV"), "unit"),
        (elsewhere, text.replace(b"0.1", b"NaN"), "malformed"),
        (elsewhere, text.replace(b'"g":0.1', b'"g":0'), "range"),
        (elsewhere, text.replace(b'"t":', b'"t":9'), "time"),
        (elsewhere.replace("temperature", "mood"), text, "kind"),
        ("healthslm/1/ada/Chest/temperature/frame", text, "topic"),
        ("healthslm/1/ada/chest/weather", text, "topic"),
        (GOOD, ingest.encode(good[0]), "repeat"),
    ]
    with Store.open(settings.store.folder) as store:
        link = Link(config.address(url), "daemon", ["healthslm/1/ada/#"], lasting=True)
        daemon = Daemon(settings, store, link)
        noise = Link(config.address(url), "noise", ["none"], lasting=False)
        while not noise.up or not link.up:
            noise.poll(0.1)
            daemon.turn()
        with Publisher(url, "ada") as publisher:
            for n, each in enumerate(good):
                publisher.outbox.submit(each)
                publisher.poll(0.01)
                if 5 <= n < 5 + len(bad):
                    topic, payload, _ = bad[n - 5]
                    noise.publish(topic, payload, qos=1)
                    noise.poll(0.01)
                daemon.turn()
            end_s = time.monotonic() + 10.0
            while publisher.outbox.waiting and time.monotonic() < end_s:
                publisher.poll(0.05)
                daemon.turn()
        link.close()
        noise.close()
        counts = ledger.counters(store.state())
    told = {}
    for _, _, reason in bad:
        told[reason] = told.get(reason, 0) + 1
    assert counts == {"taken": len(good), **told}
    with Store.unlock(settings.store.folder, PASSPHRASE) as store:
        assert [(f.name, f.seq) for f in store.frames()] == [
            ("chest/temperature", n) for n in range(40)
        ]
        assert sum(isinstance(x, Vital) for x in store.derived()) == 40 * 30
        assert sorted(reason for reason, _ in store.letters()) == sorted(
            reason for _, _, reason in bad if reason != "repeat"
        )


def test_frames_of_before_the_daemon_came_are_sent_again_when_it_is_ready(settings, url):
    t0_s = time.time() - 3600
    with Publisher(url, "ada") as publisher:
        for n in range(5):
            publisher.outbox.submit(frame(n, t0_s))
        for _ in range(5):
            publisher.poll(0.05)
        assert publisher.outbox.waiting == 5

        def all_stored():
            publisher.poll(0.01)
            return publisher.outbox.waiting == 0 or time.monotonic() > end_s

        end_s = time.monotonic() + 10.0
        with Store.open(settings.store.folder) as store:
            report = serve(settings, store, all_stored)
        assert publisher.outbox.waiting == 0
    assert report.taken == 5
    assert report.commits >= 1
    assert report.rss_mb > 0
    assert time.monotonic() < end_s
