"""The folder list shows the architecture; these tests keep the imports true to it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import healthslm

PACKAGE = Path(healthslm.__file__).parent

# Each layer may import from the layers below it, and within itself.
LAYERS = [
    {"cli", "demo", "bench", "__main__"},
    {"daemon"},
    {"summaries", "bell"},
    {"replay", "validate", "simulate"},
    {
        "pipeline",
        "alerts",
        "vault",
        "language",
        "review",
        "share",
        "witness",
        "outbox",
        "recordings",
        "publisher",
        "broker",
        "link",
    },
    {"config", "ledger", "days", "service", "sandbox", "outage"},
    {"signals", "detect"},
    {"ingest", "learnt"},
    {"stage"},
    {"records", "errors", "resources", "durable"},
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}

MODULES = sorted(PACKAGE.rglob("*.py"))


def part(path: Path) -> str:
    """Return the top-level part of healthslm that a file belongs to."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> set[tuple[str, ...]]:
    """Return every name imported from healthslm, lazily too, but not for types alone."""
    found: set[tuple[str, ...]] = set()
    tree = ast.parse(path.read_text())
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {
                tuple(a.name.split(".")[1:]) for a in node.names if a.name.startswith("healthslm.")
            }
        if (
            isinstance(node, ast.ImportFrom)
            and node.module
            and node.module.split(".")[0] == "healthslm"
        ):
            inside = tuple(node.module.split(".")[1:])
            found |= {(*inside, a.name) for a in node.names}
    return found - {("__version__",)}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_downwards_only(path: Path) -> None:
    """A module imports from its own layer or from below, never from above."""
    if part(path) == "__init__":
        return
    assert part(path) in RANK, f"{part(path)} has no place in the architecture: give it one"
    for target in imported(path):
        if target[0] != part(path):
            assert RANK[target[0]] >= RANK[part(path)], f"{path.name} imports {'.'.join(target)}"


PURE = {"signals", "detect", "stage", "pipeline", "alerts", "records", "errors", "ingest", "share"}
IMPURE = {"os", "io", "socket", "subprocess", "time", "random", "logging", "pathlib", "sqlite3"}


@pytest.mark.parametrize(
    "path", [p for p in MODULES if part(p) in PURE], ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_the_core_touches_no_clock_file_or_socket(path: Path) -> None:
    """The pure core imports nothing that could reach the world outside."""
    roots = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            roots |= {a.name.split(".")[0] for a in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            roots.add(node.module.split(".")[0])
    assert not roots & IMPURE


RAW = {"Frame", "Chunk"}


@pytest.mark.parametrize(
    "path",
    [
        p
        for p in MODULES
        if part(p) in {"review", "language", "share", "witness", "outbox"} and p.stem != "strips"
    ],
    ids=lambda p: str(p.relative_to(PACKAGE)),
)
def test_words_and_lists_never_see_raw_samples(path: Path) -> None:
    """Only the strip, which stays on the device, may know what a raw sample is."""
    for target in imported(path):
        assert not (target[0] == "records" and target[-1] in RAW)
        assert target[0] not in {"ingest", "signals", "recordings"}


def modules_of(statement: str) -> set[str]:
    """Return the modules that one statement loads in a fresh interpreter."""
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    )


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that one statement loads in a fresh interpreter."""
    return {module.split(".")[0] for module in modules_of(statement)}


def ours(statement: str) -> set[str]:
    """Return the parts of healthslm that one statement loads."""
    named = (m.split(".") for m in modules_of(statement))
    return {m[1] for m in named if m[0] == "healthslm" and len(m) > 1}


def reached(*starts: str) -> set[tuple[str, ...]]:
    """Return every name imported from healthslm by parts and by all that they import."""
    found: set[tuple[str, ...]] = set()
    todo, done = list(starts), set()
    while todo:
        name = todo.pop()
        done.add(name)
        for path in MODULES:
            if part(path) == name:
                found |= imported(path)
        todo += {target[0] for target in found if target} - done - set(todo)
    return found


def test_what_writes_a_report_cannot_reach_a_raw_sample_a_key_or_a_file() -> None:
    """Not directly, not through what it imports, and not while it runs."""
    every = "import healthslm.share.digest, healthslm.share.envelope"
    assert ours(every) == {"share", "records", "errors", "review"}
    assert not loaded_by(every) & {"numpy", "sqlite3", "socket", "subprocess"}
    for path in (p for p in MODULES if part(p) == "share"):
        assert {t[0] for t in imported(path)} <= {"share", "records", "errors", "review"}
        assert not {t[-1] for t in imported(path)} & {*RAW, "strips"}


def test_the_outbox_cannot_reach_the_store_a_key_or_the_configuration() -> None:
    """It carries what it cannot open: nothing it loads could."""
    assert {target[0] for target in reached("outbox")} == {"errors"}
    for module in ("outbox", "cli.outbox"):
        loaded = modules_of(f"import healthslm.{module}")
        assert not {m for m in loaded if m.startswith(("cryptography", "sqlite3"))}
    assert ours("import healthslm.cli.outbox") == {"cli", "outbox", "errors", "records"}


@pytest.mark.parametrize(
    "module", ["records", "errors", "cli", "config", "vault", "language", "review"]
)
def test_what_the_small_commands_need_loads_no_numpy(module: str) -> None:
    """`--help`, `status` and `summary` stay quick on a small board."""
    assert not loaded_by(f"import healthslm.{module}") & {"numpy", "pandas", "scipy", "onnxruntime"}


def test_the_daemon_loads_neither_pandas_nor_the_model_runtime() -> None:
    """The daemon's memory holds what watching needs, and no more."""
    assert not loaded_by("import healthslm.daemon") & {"pandas", "onnxruntime"}
