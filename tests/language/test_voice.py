"""The model behind a socket, as systemd would hold it: one process for each connection."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from healthslm import config, summaries
from healthslm.cli.place import Place
from healthslm.cli.status import speaker
from healthslm.errors import ModelError
from healthslm.language import facts, voice, writer
from healthslm.records import Vital

MODULE = [sys.executable, "-m", "healthslm.language.slm"]
T0_S = 1_772_323_200.0  # Sunday 2026-03-01, midnight UTC
NOBODY = 65534


class Door:
    """Starts a program for each connection, as its stdin and stdout, under a user."""

    def __init__(self, place, program=MODULE, user=None):
        self.asked = 0
        self._program, self._user = program, user
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(place))
        self._listener.listen()
        self._children = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            with line:
                self.asked += 1
                self._children.append(
                    subprocess.Popen(
                        self._program, stdin=line, stdout=line, stderr=subprocess.DEVNULL,
                        user=self._user, cwd="/",
                        env={"PYTHONPATH": str(Path(config.__file__).parents[1])},
                    )
                )  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for child in self._children:
            child.kill()
            child.wait()


@pytest.fixture
def place(tmp_path):
    return tmp_path / "voice.sock"


@pytest.fixture
def told():
    """Return the facts of a day with a usual pulse."""
    pulse = [Vital("heart_rate", "band/heart_rate", T0_S + 60 * n, 62.0) for n in range(600)]
    return facts.gather(pulse, T0_S, T0_S + 86_400.0, zone="UTC")


def test_the_words_from_behind_the_socket_are_those_of_our_own_child(place, told, mini):
    alone = writer.summarise(told, "en", mini, emergency="112", timeout_s=30)
    with Door(place) as door:
        apart = writer.summarise(told, "en", mini, emergency="112", timeout_s=30, socket=place)
    assert door.asked == 1
    assert apart.summary == alone.summary
    assert apart.summary.source.startswith("model:")


def test_where_nobody_answers_our_own_child_speaks(place, told, mini, caplog):
    """The socket is not there, or there and nobody behind it."""
    written = writer.summarise(told, "en", mini, emergency="112", timeout_s=30, socket=place)
    assert written.summary.source.startswith("model:")
    assert "under our own user" in caplog.text
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(place))
    assert voice.said(place, b"{}", 5.0, 100) is None


SAYS = "import sys, time; sys.stdin.read(); "


@pytest.mark.parametrize(
    "program, reason",
    [
        (SAYS + "time.sleep(60)", "timeout"),
        ("import time; time.sleep(60)", "timeout"),
        (SAYS, "crash"),
        ("", "crash"),
        (SAYS + "print('no answer')", "garbage"),
        (SAYS + "sys.stdout.write('x' * (2 << 20))", "garbage"),
        (SAYS + 'print(\'{"said": [], "ms_cpu": 1, "rss_mb": 1}\')', "garbage"),
        (SAYS + 'print(\'{"error": "memory", "uid": 1}\')', "memory"),
    ],
)
def test_whatever_it_does_the_template_has_written_within_five_seconds(
    place, told, mini, program, reason
):
    begun_s = time.monotonic()
    with Door(place, [sys.executable, "-c", program]):
        written = writer.summarise(told, "en", mini, emergency="112", timeout_s=2.0, socket=place)
        took_s = time.monotonic() - begun_s
    assert (written.reason, written.summary.source) == (reason, "template")
    assert took_s < 5.0


def test_a_drip_of_bytes_does_not_win_time(place):
    """The time is that of the whole answer, not of each piece."""
    drip = "import sys, time\nwhile True: sys.stdout.write('x'); sys.stdout.flush(); time.sleep(.1)"
    begun_s = time.monotonic()
    with Door(place, [sys.executable, "-c", drip]), pytest.raises(ModelError, match="timeout"):
        voice.said(place, b"{}", 1.0, 1 << 20)
    assert time.monotonic() - begun_s < 3.0


def test_an_answer_that_is_too_long_is_not_read_to_its_end(place):
    program = [sys.executable, "-c", SAYS + "sys.stdout.write('x' * 101)"]
    with Door(place, program), pytest.raises(ModelError, match="garbage"):
        voice.said(place, b"{}", 5.0, 100)


def test_the_daemon_asks_at_the_socket_of_its_configuration(place):
    class Store:
        def derived(self, t0_s=None, t1_s=None):
            return iter([Vital("heart_rate", "band/heart_rate", T0_S + 60, 62.0)])

    settings = config.Config(voice=config.Voice(str(place)))
    with Door(place) as door:
        summaries.write(settings, Store(), T0_S, T0_S + 86_400.0, timeout_s=30)
    assert door.asked == 1


def test_the_environment_names_the_socket():
    read = config.parse("", {"HEALTHSLM_VOICE_SOCKET": "/run/healthslm-voice/voice.sock"})
    assert config.voice(read) == Path("/run/healthslm-voice/voice.sock")
    assert config.voice(config.Config()) is None


# ---- whose process it is --------------------------------------------------------------------


def asked(place, folder):
    """Return what `status` says of the words."""
    (folder / "vault.db").touch()
    return speaker(Place(folder, config.Config(voice=config.Voice(str(place) if place else ""))))


def test_status_says_where_the_child_shares_the_daemons_user(place, tmp_path):
    nowhere, unanswered = asked(None, tmp_path), asked(place, tmp_path)
    assert not nowhere["own_user"] and "names no socket" in nowhere["words"]
    assert not unanswered["own_user"] and "nobody answers" in unanswered["words"]
    with Door(place):
        same = asked(place, tmp_path)
    assert not same["own_user"] and same["uid"] == os.geteuid()
    assert "the daemon's own user" in same["words"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start a process of another user")
def test_status_says_that_words_are_made_under_another_user(place, tmp_path):
    program = SAYS + 'import os; print(\'{"error": "request", "uid": %d}\' % os.geteuid())'
    with Door(place, ["/usr/bin/env", "python3", "-c", program], NOBODY):
        other = asked(place, tmp_path)
    assert other["own_user"] and other["uid"] == NOBODY


def test_the_models_process_says_whose_it_is_even_where_it_refuses():
    done = subprocess.run(MODULE, input=b"{}", capture_output=True, timeout=60)
    assert json.loads(done.stdout) == {"error": "request", "uid": os.geteuid()}


def test_the_models_runtime_keeps_no_account_of_itself(tmp_path, mini):
    """Onnxruntime would leave a device id and what it did under the user's home, to be sent."""
    request = json.dumps({"model": str(mini), "jobs": []}).encode()
    done = subprocess.run(
        MODULE,
        input=request,
        capture_output=True,
        timeout=60,
        env={"HOME": str(tmp_path), "PYTHONPATH": str(Path(config.__file__).parents[1])},
    )
    assert json.loads(done.stdout)["said"] == []
    assert list(tmp_path.iterdir()) == []
