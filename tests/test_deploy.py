"""The units of deploy/: how far they are closed, and that they name what there is."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from healthslm import broker, config
from healthslm.vault import source

DEPLOY = Path(__file__).parents[1] / "deploy"
SERVICES = ["healthslm.service", "healthslm-voice@.service"]
UNITS = [*SERVICES, "healthslm-voice.socket"]

needs_analyze = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed (Debian: systemd)"
)


def exposure(unit):
    """Return how open systemd thinks a service is, 0 to 10; a test of ours wants 1.0 at most."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=10", str(unit)],
        capture_output=True, text=True, timeout=60, env={**os.environ, "LC_ALL": "C"},
    )  # fmt: skip
    assert "ignoring" not in done.stderr and "Unknown" not in done.stderr, done.stderr
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    return float(found.group(1))


@needs_analyze
@pytest.mark.parametrize("unit", SERVICES)
def test_a_service_is_open_by_one_tenth_at_most(unit):
    assert exposure(DEPLOY / unit) <= 1.0


@needs_analyze
def test_with_a_broker_on_loopback_too(tmp_path):
    shutil.copy(DEPLOY / "healthslm.service", tmp_path)
    (tmp_path / "healthslm.service.d").mkdir()
    shutil.copy(DEPLOY / "loopback-tcp.conf", tmp_path / "healthslm.service.d")
    alone = exposure(DEPLOY / "healthslm.service")
    assert alone < exposure(tmp_path / "healthslm.service") <= 1.0


def settings(unit):
    """Return the settings of a unit, each with its values in order."""
    found = {}
    for line in (DEPLOY / unit).read_text().splitlines():
        key, is_one, value = line.partition("=")
        if is_one and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize("unit", SERVICES)
def test_a_service_has_no_core_file_no_swap_no_capability_and_no_network(unit):
    told = settings(unit)
    assert told["LimitCORE"] == told["MemorySwapMax"] == ["0"]
    assert told["CapabilityBoundingSet"] == [""]
    assert told["PrivateNetwork"] == told["MemoryDenyWriteExecute"] == ["yes"]
    assert told["RestrictAddressFamilies"] == ["AF_UNIX" if "@" not in unit else "none"]


def test_the_voice_is_another_user_and_sees_neither_store_nor_keys():
    daemon, voice = (settings(unit) for unit in SERVICES)
    assert daemon["User"] != voice["User"]
    assert "SupplementaryGroups" not in voice
    assert not any(key.startswith(("LoadCredential", "StateDirectory")) for key in voice)
    hidden = voice["InaccessiblePaths"][0].split()
    assert {"-/var/lib/healthslm", "-/etc/credstore.encrypted", "-/run/credentials"} <= set(hidden)
    users = (DEPLOY / "sysusers.conf").read_text()
    for unit in (daemon, voice):
        assert re.search(rf"^u {unit['User'][0]} ", users, re.M)


def test_the_door_lets_in_the_daemons_group_alone():
    door = settings("healthslm-voice.socket")
    assert door["SocketMode"] == ["0660"]
    assert door["SocketGroup"] == settings("healthslm.service")["Group"]
    assert door["Accept"] == ["yes"]
    socket = config.parse(f"[voice]\nsocket = '{door['ListenStream'][0]}'\n")
    assert config.voice(socket) == Path(door["ListenStream"][0])


def test_the_broker_is_set_up_as_by_ourselves_on_a_socket_that_is_named_everywhere():
    path = "/run/healthslm-mqtt/mqtt.sock"
    assert (DEPLOY / "mosquitto.conf").read_text() == broker.settings(f"0 {path}")
    assert f"d {Path(path).parent} " in (DEPLOY / "tmpfiles.conf").read_text()
    assert config.address(f"unix://{path}").path == path
    assert f"unix://{path}" in (DEPLOY / "README.md").read_text()


def test_the_sealed_key_is_looked_for_where_it_is_put():
    wanted = settings("healthslm.service")["LoadCredentialEncrypted"]
    assert wanted == [f"device.key:{source.SEALED.name}"]
    assert str(source.SEALED) in (DEPLOY / "README.md").read_text()


def test_every_file_is_explained():
    page = (DEPLOY / "README.md").read_text()
    for path in DEPLOY.rglob("*"):
        if path.is_file() and path.name != "README.md":
            assert path.relative_to(DEPLOY).as_posix() in page
