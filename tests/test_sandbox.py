"""What the daemon can still do once it has given up what it does not need: asked of the kernel."""

import ctypes
import errno
import json
import os
import platform
import resource
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm import broker, config, ledger
from healthslm.link import Link
from healthslm.publisher import Publisher
from healthslm.records import Frame, Summary
from healthslm.sandbox import kernel, landlock, seccomp
from healthslm.vault import PROFILES, Store, create

PASSPHRASE = "correct horse battery staple"  # noqa: S105  of a store that lives for a test
MACHINE = seccomp.MACHINES.get(platform.machine())


def has_landlock():
    try:
        return landlock.version() > 0
    except OSError:
        return False


needs_filter = pytest.mark.skipif(MACHINE is None, reason="no filter for this kind of machine")
needs_landlock = pytest.mark.skipif(not has_landlock(), reason="the kernel has no Landlock")

INSIDE = """
import ctypes, errno, json, os, resource, socket, subprocess, sys, threading
from pathlib import Path
from healthslm import sandbox
from healthslm.sandbox import seccomp
store, outside, port = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
isolation = sandbox.enter(sandbox.Needs((store,), (), port))
libc = ctypes.CDLL(None, use_errno=True)
told = {}
def ask(name, act):
    try:
        told[name] = ["yes", act()]
    except OSError as error:
        told[name] = [errno.errorcode[error.errno], None]
"""


def inside(program, store, outside=Path("/nowhere"), port=None):
    """Run a program in a process that has entered the sandbox; return what it told."""
    done = subprocess.run(
        [sys.executable, "-c", f"{INSIDE}\n{program}\nprint(json.dumps(told))",
         store, outside, json.dumps(port)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# ---- the filter on system calls -----------------------------------------------------------

SOCKETS = """
for name, arguments in {
    "unix stream": (socket.AF_UNIX, socket.SOCK_STREAM), "unix dgram": (socket.AF_UNIX, socket.SOCK_DGRAM),
    "tcp": (socket.AF_INET, socket.SOCK_STREAM), "tcp6": (socket.AF_INET6, socket.SOCK_STREAM),
    "udp": (socket.AF_INET, socket.SOCK_DGRAM), "udp6": (socket.AF_INET6, socket.SOCK_DGRAM),
    "raw": (socket.AF_INET, socket.SOCK_RAW, 1), "mptcp": (socket.AF_INET, socket.SOCK_STREAM, 262),
    "netlink": (socket.AF_NETLINK, socket.SOCK_RAW), "packet": (socket.AF_PACKET, socket.SOCK_RAW),
    "vsock": (40, socket.SOCK_STREAM), "bluetooth": (31, socket.SOCK_RAW), "alg": (38, 5),
}.items():
    ask(name, lambda: socket.socket(*arguments).close())
"""  # noqa: E501


@pytest.mark.parametrize("port", [None, 1883])
@needs_filter
def test_only_sockets_to_the_broker_can_be_made(tmp_path, port):
    """AF_UNIX always, TCP where the broker is behind a port, and nothing else at all."""
    told = inside(SOCKETS, tmp_path, port=port)
    allowed = {"unix stream", "unix dgram"} | ({"tcp", "tcp6"} if port else set())
    assert {name for name, (how, _) in told.items() if how == "yes"} == allowed
    assert {how for name, (how, _) in told.items() if name not in allowed} == {"EPERM"}


CALLS = """
def call(number, *arguments):
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "")
machine = seccomp.MACHINES[os.uname().machine]
for name, row in seccomp.REFUSED.items():
    if row[machine.column]:
        ask(name, lambda: call(row[machine.column], -1, -1, -1, -1, -1))
ask("clone3", lambda: call(435, 0, 0))
ask("newer", lambda: call(seccomp.NEWEST + 1))
ask("clone with a user namespace", lambda: call(machine.clone, 0x10000000 | 17, 0, 0, 0, 0))
"""


@needs_filter
def test_what_the_daemon_never_asks_for_is_refused(tmp_path):
    """To steer a process, to mount, to load code into the kernel, to listen: by every name."""
    told = {name: how for name, (how, _) in inside(CALLS, tmp_path).items()}
    assert told.pop("clone3") == told.pop("newer") == "ENOSYS"
    assert told.keys() >= {
        "ptrace", "process_vm_readv", "process_vm_writev", "bpf", "mount", "kexec_load", "keyctl",
        "finit_module", "perf_event_open", "userfaultfd", "open_by_handle_at", "io_uring_setup",
        "unshare", "setns", "listen", "accept4", "clone with a user namespace",
    }  # fmt: skip
    assert set(told.values()) == {"EPERM"}


@needs_filter
def test_what_the_daemon_needs_goes_on(tmp_path):
    """Pairs of sockets, threads, memory files, a Python of its own: with the filter on them too."""
    told = inside(
        """
def pair():
    for end in socket.socketpair():
        end.close()
def thread():
    seen = []
    one = threading.Thread(target=seen.append, args=[1]); one.start(); one.join()
    return seen
def child(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout
ask("pair", pair)
ask("thread", thread)
ask("memory file", lambda: os.close(os.memfd_create("x")))
ask("child", lambda: child("print(6 * 7)"))
ask("its sockets", lambda: child(
    "import socket\\ntry: socket.socket(type=socket.SOCK_DGRAM)\\nexcept OSError: print('none')"))
""",
        tmp_path,
    )
    assert told == {
        "pair": ["yes", None],
        "thread": ["yes", [1]],
        "memory file": ["yes", None],
        "child": ["yes", "42\n"],
        "its sockets": ["yes", "none\n"],
    }


@needs_filter
def test_a_thread_that_ran_before_is_under_the_filter_too(tmp_path):
    program = """
import os, socket, threading
from healthslm.sandbox import kernel, seccomp
go, told = threading.Event(), []
def late():
    go.wait()
    try:
        socket.socket(type=socket.SOCK_DGRAM).close()
    except PermissionError:
        told.append("refused")
one = threading.Thread(target=late); one.start()
kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
machine = seccomp.MACHINES[os.uname().machine]
seccomp.install(machine, seccomp.program(machine, tcp=True))
go.set(); one.join(); print(told)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "['refused']\n", done.stderr


def verdict(steps, number, audit, arguments=(0, 0, 0)):
    """Return what the kernel would do: a reader of the instructions, written for this test."""
    words = {0: number, 4: audit} | {16 + 8 * n: a for n, a in enumerate(arguments)}
    at = held = 0
    while True:
        code, yes, no, k = steps[at]
        if code == 0x06:
            return k
        if code == 0x20:
            held, jump = words[k], 0
        elif code == 0x54:
            held, jump = held & k, 0
        else:
            hit = {0x15: held == k, 0x35: held >= k, 0x45: bool(held & k)}[code]
            jump = yes if hit else no
        at += 1 + jump


every_machine = pytest.mark.parametrize("name", seccomp.MACHINES)


@every_machine
@given(number=st.integers(0, 2**32 - 1), tcp=st.booleans())
def test_a_number_is_refused_if_it_is_on_the_list_or_newer_than_it(name, number, tcp):
    """x32's numbers, from 2^30 on, are newer than any; another architecture is the end."""
    machine = seccomp.MACHINES[name]
    steps = seccomp.program(machine, tcp=tcp)
    said = verdict(steps, number, machine.audit)
    listed = {row[machine.column] for row in seccomp.REFUSED.values()} - {0}
    if number > seccomp.NEWEST or number == machine.clone3:
        assert said == seccomp.ENOSYS
    elif number in listed:
        assert said == seccomp.EPERM
    elif number not in (machine.socket, machine.socketpair, machine.clone):
        assert said == seccomp.ALLOW
    others = {m.audit for m in seccomp.MACHINES.values()} - {machine.audit}
    for audit in {0x40000003, 0x40000028, *others}:  # i386, ARM
        assert verdict(steps, number, audit) == seccomp.KILL


@every_machine
@given(family=st.integers(0, 50), kind=st.integers(0, 15), flags=st.sampled_from([0, 0o2004000]))
def test_sockets_are_of_the_broker_on_every_machine(name, family, kind, flags):
    machine = seccomp.MACHINES[name]
    inet = family in (socket.AF_INET, socket.AF_INET6) and kind == socket.SOCK_STREAM
    for tcp in (False, True):
        steps = seccomp.program(machine, tcp=tcp)
        for protocol in (0, 6, 17, 132, 262):
            said = verdict(steps, machine.socket, machine.audit, (family, kind | flags, protocol))
            good = family == socket.AF_UNIX or (tcp and inet and protocol in (0, 6))
            assert said == (seccomp.ALLOW if good else seccomp.EPERM)


@every_machine
def test_every_number_is_that_of_its_name(name):
    """Held against libseccomp, where Debian has it for systemd."""
    try:
        known = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        pytest.skip("libseccomp is not installed")
    machine = seccomp.MACHINES[name]
    own = ("socket", "socketpair", "clone", "clone3", "seccomp")
    numbers = {word: row[machine.column] for word, row in seccomp.REFUSED.items()}
    numbers |= {word: getattr(machine, word) for word in own}
    found = {
        word: known.seccomp_syscall_resolve_name_arch(machine.audit, word.encode())
        for word in numbers
    }
    newer = {"quotactl_fd", "open_tree_attr"}  # than some releases of libseccomp
    assert {w: n for w, n in numbers.items() if w not in newer} == {
        w: max(n, 0) for w, n in found.items() if w not in newer
    }


# ---- files and ports ------------------------------------------------------------------------

FILES = """
ask("store", lambda: (store / "a").write_text("x"))
ask("in it", lambda: ((store / "b").mkdir(), os.rename(store / "a", store / "b" / "a")) and None)
ask("truncate", lambda: os.truncate(store / "b" / "a", 0))
ask("system", lambda: len(Path("/etc/passwd").read_text()) and None)
ask("nothing", lambda: Path("/dev/null").write_text("x"))
ask("outside", lambda: (outside / "a").write_text("x"))
ask("read outside", lambda: (outside / "secret").read_text())
ask("list outside", lambda: os.listdir(outside))
ask("system is written", lambda: open("/etc/hostname", "a").close())
ask("a link out", lambda: os.link(outside / "secret", store / "c"))
ask("program of the store", lambda: subprocess.run([str(store / "run")]) and None)
ask("child", lambda: subprocess.run(
    [sys.executable, "-c", "import sys; open(sys.argv[1])", outside / "secret"],
    capture_output=True).returncode)
"""


@needs_landlock
def test_the_store_is_all_that_is_written(tmp_path):
    """And what is neither the system's nor the code's is not even read, by a child neither."""
    store, outside = tmp_path / "store", tmp_path / "outside"
    store.mkdir()
    outside.mkdir()
    (outside / "secret").write_text("x")
    (store / "run").write_text("#!/bin/sh\n")
    (store / "run").chmod(0o700)
    told = inside(FILES, store, outside)
    refused = {n for n, (how, _) in told.items() if how in ("EACCES", "EXDEV")}
    assert {n for n, (how, _) in told.items() if how == "yes"} == {
        "store", "in it", "truncate", "system", "nothing", "child",
    }  # fmt: skip
    assert refused == told.keys() - {"store", "in it", "truncate", "system", "nothing", "child"}
    assert told["child"][1] != 0


@needs_landlock
@pytest.mark.skipif(not has_landlock() or landlock.version() < 4, reason="no rules for ports")
def test_tcp_goes_to_the_brokers_port_alone(tmp_path):
    """From a port of the kernel's choice, which the MQTT client asks for by itself."""
    with (
        socket.create_server(("127.0.0.1", 0)) as ours,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        told = inside(
            f"""
for name, there in (("ours", {ours.getsockname()[1]}), ("other", {other.getsockname()[1]})):
    ask(name, lambda: socket.create_connection(
        ("127.0.0.1", there), source_address=("", 0)).close())
ask("bound", lambda: socket.socket().bind(("127.0.0.1", 1884)))
""",
            tmp_path,
            port=ours.getsockname()[1],
        )
    assert told == {"ours": ["yes", None], "other": ["EACCES", None], "bound": ["EACCES", None]}


def test_where_threads_run_already_files_are_said_to_be_open(tmp_path):
    """Landlock would bind one thread only, and a promise of all would be false."""
    told = inside(
        """
stop = threading.Event()
one = threading.Thread(target=stop.wait); one.start()
files = [m for m in sandbox.enter(sandbox.Needs((store,))).measures if m.name == "files"]
stop.set(); one.join()
told["files"] = [files[0].holds, files[0].words]
""",
        tmp_path,
    )
    assert told["files"] == [False, "it may open any file of this user (threads run already)"]


# ---- memory and privileges ------------------------------------------------------------------


def test_no_core_file_no_reader_of_its_memory_and_no_new_privileges(tmp_path):
    told = inside(
        """
ask("core", lambda: resource.getrlimit(resource.RLIMIT_CORE))
ask("dumpable", lambda: libc.prctl(3, 0, 0, 0, 0))
ask("no new privileges", lambda: libc.prctl(39, 0, 0, 0, 0))
told["measures"] = {m.name: m.holds for m in isolation.measures}
""",
        tmp_path,
    )
    assert told["core"][1] == [0, 0]
    assert told["dumpable"][1] == 0
    assert told["no new privileges"][1] == 1
    assert told["measures"]["user"] == (os.geteuid() != 0)
    for name in ("core", "memory", "privileges"):
        assert told["measures"][name]


def test_memory_is_locked_where_there_is_no_limit_and_said_to_be_swapped_where_there_is(tmp_path):
    program = """
locked = [l for l in open("/proc/self/status") if l.startswith("VmLck")][0].split()[1]
told["swap"] = [[m.holds for m in isolation.measures if m.name == "swap"][0], int(locked) > 0]
"""
    (holds, locked) = inside(program, tmp_path)["swap"]
    unlimited = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY
    assert holds == locked
    assert holds or not unlimited


# ---- the command ----------------------------------------------------------------------------

WITHOUT = """
import os, sys
from healthslm.sandbox import kernel, seccomp
machine = seccomp.MACHINES[os.uname().machine]
kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
number = getattr(machine, sys.argv.pop(1), 444)
seccomp.install(machine, [
    (seccomp.LOAD, 0, 0, seccomp.NUMBER), (seccomp.IS, 0, 1, number),
    (seccomp.RETURN, 0, 0, seccomp.EPERM), (seccomp.RETURN, 0, 0, seccomp.ALLOW)])
from healthslm.cli import main
main(sys.argv[1:], prog_name="healthslm")
"""


@pytest.fixture
def home(tmp_path):
    """Return a folder with a store and a configuration whose broker is not there."""
    create(tmp_path / "store", PASSPHRASE, now_s=time.time(), profile=PROFILES["cheapest"])
    text = config.default_toml("ada", url=f"unix://{tmp_path}/no.sock")
    (tmp_path / "healthslm.toml").write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    "lacking, words",
    [("seccomp", "it may make any system call"), ("landlock", "it may open any file")],
)
@needs_filter
def test_a_daemon_that_must_be_in_the_sandbox_does_not_start_outside(home, lacking, words):
    """The kernel refuses the call, as one without it would: nothing is taken in, exit status 78."""
    run = [sys.executable, "-c", WITHOUT, lacking, "run", "--config", home / "healthslm.toml"]
    done = subprocess.run([*run, "--require-sandbox"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 78
    assert words in done.stderr
    assert "without --require-sandbox" in done.stderr
    assert "looking for the broker" not in done.stderr


@needs_filter
def test_without_the_demand_it_goes_on_and_warns_once(home):
    run = [sys.executable, "-c", WITHOUT, "landlock", "run", "--config", home / "healthslm.toml"]
    with subprocess.Popen(run, stderr=subprocess.PIPE, text=True) as daemon:
        said = []
        for line in daemon.stderr:
            said.append(line)
            if "looking for the broker" in line:
                daemon.terminate()
        assert daemon.wait(30) == 0
    warned = [line for line in said if line.startswith("WARNING")]
    assert len(warned) == 1
    assert "it may open any file of this user (Landlock was refused" in warned[0]


# ---- the daemon in it -----------------------------------------------------------------------


@pytest.fixture(params=["mosquitto", "amqtt"])
def served(request, tmp_path):
    """Return a broker, on a unix socket or on loopback."""
    if request.param == "mosquitto" and broker.mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    with broker.Broker(request.param, tmp_path, unix=request.param == "mosquitto") as made:
        yield made


def frame(seq, t0_s):
    return Frame("chest", "temperature", 1, seq, 30 * seq, t0_s + 30 * seq, 1.0, "Cel", 0.1, 0.0,
                 (370,) * 30)  # fmt: skip


@needs_filter
@needs_landlock
def test_in_the_sandbox_it_stores_reconnects_and_writes_the_day(served, tmp_path):
    """SQLite makes its files and folds its log in, the broker comes back, the model speaks."""
    create(tmp_path / "store", PASSPHRASE, now_s=time.time(), profile=PROFILES["cheapest"])
    (tmp_path / "healthslm.toml").write_text(config.default_toml("ada", url=served.url))
    run = [sys.executable, "-m", "healthslm", "run", "--require-sandbox",
           "--config", tmp_path / "healthslm.toml"]  # fmt: skip
    t0_s = time.time() - 7200
    with subprocess.Popen(
        run,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "HEALTHSLM_DAEMON_COMMIT_S": "0.1"},
    ) as daemon:
        words = threading.Thread(target=lambda: said.append(daemon.stderr.read()))
        said = []
        words.start()
        try:
            with Publisher(served.url, "ada") as publisher:
                send(publisher, [frame(n, t0_s) for n in range(60)])
                served.kill()
                served.start()
                send(publisher, [frame(n, t0_s) for n in range(60, 120)])
            status = Path(f"/proc/{daemon.pid}/status").read_text()
            wish(served.url, tmp_path / "store")
        finally:
            daemon.terminate()
            daemon.wait(30)
            words.join()
    assert daemon.returncode == 0, said
    assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status
    assert "any file" not in said[0] and "any system call" not in said[0]
    with Store.unlock(tmp_path / "store", PASSPHRASE) as store:
        store.verify()
        assert [f.seq for f in store.frames()] == list(range(120))
        (text,) = [r for r in store.derived() if isinstance(r, Summary)]
        assert ledger.counters(store.state())["taken"] == 120
    assert text.source.startswith("model:")


def send(publisher, frames):
    """Send frames until the daemon has acknowledged them."""
    for each in frames:
        publisher.outbox.submit(each)
    end_s = time.monotonic() + 30
    while publisher.outbox.waiting and time.monotonic() < end_s:
        publisher.poll(0.05)
    assert publisher.outbox.waiting == 0


def wish(url, folder):
    """Ask for the words of the day, and wait until they are stored."""
    link = Link(config.address(url), "wish", ["none"], lasting=False)
    while not link.up:
        link.poll(0.1)
    link.publish("healthslm/1/ada/summary", b"", qos=1)
    end_s, done = time.monotonic() + 30, False
    while not done and time.monotonic() < end_s:
        link.poll(0.2)
        with Store.open(folder) as store:
            done = store.counts().get("summary", 0) > 0
    link.close()
    assert done


def test_the_kernels_refusal_is_an_error_with_its_number():
    with pytest.raises(OSError) as caught:
        kernel.syscall(landlock.ADD, -1, landlock.PATH_BENEATH, struct.pack("=Qi", 1, -1), 0)
    assert caught.value.errno in (errno.EBADF, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM)
