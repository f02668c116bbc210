"""Models on the command line: imported, listed, chosen, measured, checked and removed."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from healthslm.cli import main, shelf
from healthslm.config import default_toml
from healthslm.errors import ConfigError

from .language.published import publish

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"


def run(*arguments: object, typed: str | None = None, **more: Any) -> Result:
    """Run one command as `main` does; output and errors apart."""
    unset = ("NO_COLOR", "FORCE_COLOR", "HEALTHSLM_STORE", "HEALTHSLM_MODEL_FOLDER")
    env = {**dict.fromkeys(unset, None), **more}
    words = [str(a) for a in arguments]
    return CliRunner(env=env).invoke(main, words, prog_name="healthslm", input=typed)


def document(result: Result, schema: str) -> dict[str, Any]:
    """Return a JSON document whose keys are those the page describes, in full."""
    data: dict[str, Any] = json.loads(result.stdout)
    assert data.pop("schema") == f"healthslm/{schema}/1"
    part = PAGE.read_text("utf-8").partition(f"### `healthslm/{schema}/1`")[2]
    rows = re.findall(r"^\| (`[^|]*) \|", part.partition("\n### ")[0], re.M)
    assert set(data) == {key for row in rows for key in re.findall(r"`([a-z0-9_]+)`", row)}
    return data


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a folder with a configuration, as `init` makes it."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "healthslm.toml").write_text(default_toml(timezone="Europe/Madrid"))
    return folder


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Return a published checkpoint."""
    return publish(tmp_path / "Tiny-Llama")


def imported(home: Path, tiny: Path, *more: object) -> Result:
    return run("model", "import", tiny, "--name", "tiny", "--store", home, *more)


def names(home: Path) -> list[tuple[str, bool]]:
    data = document(run("model", "list", "--store", home, "--json"), "models")
    return [(model["name"], model["used"]) for model in data["models"]]


def test_a_model_is_imported_chosen_checked_and_removed(home: Path, tiny: Path) -> None:
    """The whole of it, as a person would do it."""
    made = imported(home, tiny, "--bits", 8)
    assert made.exit_code == 0, made.stderr
    assert "parity.top1" in made.stdout and "quantisation.bits" in made.stdout
    assert "`healthslm model use tiny`" in made.stderr
    assert names(home) == [("mini", True), ("tiny", False)]
    listed = run("model", "--store", home).stdout.splitlines()
    assert listed[1].startswith("*  mini") and "LlamaForCausalLM" in listed[2]

    used = run("model", "use", "tiny", "--store", home)
    assert used.exit_code == 0, used.stderr
    config = tomllib.loads((home / "healthslm.toml").read_text())
    assert config["model"]["folder"] == str(home / "models" / "tiny")
    assert names(home) == [("mini", False), ("tiny", True)]

    checked = run("model", "check", "--store", home)
    assert checked.exit_code == 0 and "tiny: 2 files" in checked.stdout
    kept = run("model", "remove", "tiny", "--yes", "--store", home)
    assert kept.exit_code == 1 and "in use" in kept.stderr

    assert run("model", "use", "mini", "--store", home).exit_code == 0
    assert (home / "healthslm.toml").read_text() == default_toml(timezone="Europe/Madrid")
    gone = run("model", "remove", "tiny", "--store", home, typed="y\n")
    assert gone.exit_code == 0 and "tiny: deleted" in gone.stdout
    assert names(home) == [("mini", True)] and tiny.exists()


def test_the_documents_hold_what_the_page_says(home: Path, tiny: Path) -> None:
    made = document(imported(home, tiny, "--json"), "model")
    assert made["ok"] and made["manifest"]["quantisation"] == {
        "bits": 4,
        "block": 64,
        "products": "int8",
    }
    paced = document(run("model", "bench", "tiny", "--store", home, "--json"), "pace")
    assert paced["decode_tokens_per_s"] > 0
    assert paced["logit_error"] == made["manifest"]["parity"]["error"]


def test_the_bundled_model_can_be_measured_too() -> None:
    result = run("model", "bench", "mini")
    assert result.exit_code == 0, result.stderr
    assert "decode_tokens_per_s" in result.stdout and "not tested" in result.stdout


def test_a_removal_that_is_not_confirmed_keeps_the_model(home: Path, tiny: Path) -> None:
    imported(home, tiny)
    assert run("model", "remove", "tiny", "--store", home, typed="n\n").exit_code == 130
    assert names(home) == [("mini", True), ("tiny", False)]


def test_the_bundled_model_stays(home: Path) -> None:
    result = run("model", "remove", "mini", "--yes", "--store", home)
    assert result.exit_code == 1 and "stays" in result.stderr
    assert shelf.bundled().is_dir()


@pytest.mark.parametrize("command", ["check", "use", "bench", "remove"])
@pytest.mark.parametrize("name", ["other", "../home", "", "."])
def test_a_model_that_is_not_there_is_refused_by_name(home: Path, command: str, name: str) -> None:
    result = run("model", command, name, "--store", home)
    assert result.exit_code == 1
    assert "there is no model" in result.stderr and "there are: mini" in result.stderr


@pytest.mark.parametrize("command", ["check", "use", "bench"])
def test_a_model_that_was_altered_is_refused(home: Path, tiny: Path, command: str) -> None:
    """One byte of the weights, in whatever file they lie."""
    imported(home, tiny)
    path = home / "models" / "tiny" / "model.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    result = run("model", command, "tiny", "--store", home)
    assert result.exit_code == 1 and "model.onnx is altered" in result.stderr
    assert tomllib.loads((home / "healthslm.toml").read_text())["model"]["folder"] == ""


def test_what_is_no_checkpoint_is_refused_and_leaves_nothing(home: Path, tiny: Path) -> None:
    (tiny / "model.safetensors").rename(tiny / "pytorch_model.bin")
    result = imported(home, tiny)
    assert result.exit_code == 1
    assert "pytorch_model.bin" in result.stderr and "safetensors" in result.stderr
    assert "template" not in result.stderr  # no text is at stake
    assert not (home / "models").exists()


def test_a_name_is_the_folders_or_ones_own_and_safe(home: Path, tiny: Path) -> None:
    assert run("model", "import", tiny, "--store", home).exit_code == 0
    assert names(home)[1][0] == "tiny-llama"
    for name in ("../x", ".x", "a/b", "", "x" * 33, "mini", "tiny-llama"):
        result = run("model", "import", tiny, "--name", name, "--store", home)
        assert result.exit_code == 1 and "--name" in result.stderr, name
    assert len(names(home)) == 2


def test_without_a_configuration_the_folder_is_asked_for(tmp_path: Path, tiny: Path) -> None:
    result = run("model", "import", tiny, "--store", tmp_path)
    assert result.exit_code == 78 and "--into" in result.stderr
    into = tmp_path / "elsewhere"
    assert run("model", "import", tiny, "--into", into, "--name", "tiny").exit_code == 0
    used = run("model", "use", "tiny", "--into", into, "--store", tmp_path)
    assert used.exit_code == 78
    assert f'folder = "{into / "tiny"}"' in used.stderr


def test_a_folder_that_is_no_model_is_not_listed(home: Path) -> None:
    (home / "models" / "empty").mkdir(parents=True)
    (home / "models" / "file").write_text("")
    (home / "models" / "odd").mkdir()
    (home / "models" / "odd" / "manifest.json").write_text("[]")
    assert names(home) == [("mini", True), ("odd", False)]
    assert run("model", "use", "odd", "--store", home).exit_code == 1


EDITED = {  # before, after
    "empty": ("", '\n[model]\nfolder = "/m"\n'),
    "no end of line": ("[board]\nwatts = 4.0", '[board]\nwatts = 4.0\n\n[model]\nfolder = "/m"\n'),
    "a table without it": ("[model]\n[board]\n", '[model]\nfolder = "/m"\n[board]\n'),
    "a comment behind it": (
        '[model]  # the one\n  folder = "a \\" # b"   # mine\n',
        '[model]  # the one\n  folder = "/m"   # mine\n',
    ),
    "a literal text": ("[ model ]\nfolder='x'\n", '[ model ]\nfolder="/m"\n'),
    "the same key elsewhere": (
        '[store]\nfolder = "s"\n[model]\nfolder = ""\n',
        '[store]\nfolder = "s"\n[model]\nfolder = "/m"\n',
    ),
    "other ends of lines": ('[model]\r\nfolder = ""\r\n', '[model]\r\nfolder = "/m"\r\n'),
}


@pytest.mark.parametrize(("before", "after"), EDITED.values(), ids=EDITED)
def test_only_the_models_folder_is_changed(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "healthslm.toml"
    path.write_bytes(before.encode())
    path.chmod(0o640)
    shelf.use(path, "/m")
    assert path.read_bytes().decode() == after
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "text",
    [
        'model = {folder = "x"}\n',
        'model.folder = "x"\n',
        '[model]\n"folder" = "x"\n',
        '[model]\nfolder = """x\n[y]"""\n',
        'x = """\n[model]\n"""\n',
    ],
)
def test_what_cannot_be_edited_safely_is_left_and_the_line_is_said(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "healthslm.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match='by hand: folder = "/m"'):
        shelf.use(path, "/m")
    assert path.read_text() == text
    assert list(tmp_path.iterdir()) == [path]


def test_a_configuration_behind_a_link_stays_behind_it(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "healthslm.toml"
    real.write_text('[model]\nfolder = ""\n')
    link.symlink_to(real)
    shelf.use(link, "/m")
    assert link.is_symlink() and real.read_text() == '[model]\nfolder = "/m"\n'


def test_the_environment_says_which_model_is_in_use(home: Path, tiny: Path) -> None:
    imported(home, tiny)
    folder = str(home / "models" / "tiny")
    listed = run("model", "list", "--store", home, "--json", HEALTHSLM_MODEL_FOLDER=folder)
    assert [m["used"] for m in json.loads(listed.stdout)["models"]] == [False, True]


@pytest.mark.parametrize("package", ["onnx", "safetensors", "tokenizers"])
def test_without_the_packages_for_it_an_import_says_how_to_get_them(
    home: Path, tiny: Path, package: str
) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None; from healthslm.cli import main; "
        f"main(['model', 'import', {str(tiny)!r}, '--store', {str(home)!r}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"the package {package}," in done.stderr
    assert "pip install 'healthslm[import]'" in done.stderr


def test_the_list_loads_no_numpy() -> None:
    """What is listed and chosen on a small board has to be quick."""
    code = (
        "import sys\nfrom healthslm.cli import main\n"
        "try:\n    main(['model', 'list'])\nexcept SystemExit:\n    pass\n"
        "sys.stderr.write(' '.join(m for m in ('numpy', 'onnxruntime') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "" and "mini" in done.stdout
