"""The bill of materials says what is in a build, by hash, and says it in the same bytes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

import sbom

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CARRIED = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]

# Of schema/bom-1.6.schema.json: the objects that we write, what each must have, and what it may.
REQUIRED = {
    "bom": {"bomFormat", "specVersion"},
    "component": {"type", "name"},
    "hash": {"alg", "content"},
    "externalReference": {"type", "url"},
    "dependency": {"ref"},
    "property": {"name"},
}
ALLOWED = {
    "bom": REQUIRED["bom"]
    | {"$schema", "serialNumber", "version", "metadata", "components", "dependencies"},
    "component": REQUIRED["component"]
    | {"bom-ref", "version", "description", "scope", "hashes", "licenses", "purl"}
    | {"externalReferences", "components", "properties"},
    "hash": REQUIRED["hash"],
    "externalReference": REQUIRED["externalReference"] | {"comment", "hashes"},
    "dependency": REQUIRED["dependency"] | {"dependsOn"},
    "property": REQUIRED["property"] | {"value"},
}
TYPES = {"application", "library", "machine-learning-model", "file"}
REFERENCES = {"distribution", "model-card"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """Return the document of this tree."""
    read: dict[str, Any] = json.loads(sbom.document(ROOT, None))
    return read


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a wheel and an sdist, without a network, dated 1 March 2026."""
    folder = tmp_path_factory.mktemp("built")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)],
        cwd=ROOT,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1772323200"},
        check=True,
        capture_output=True,
    )
    return folder


def well_formed(kind: str, found: dict[str, Any]) -> None:
    """Check one object of the document, and what it holds."""
    assert REQUIRED[kind] <= found.keys() <= ALLOWED[kind], kind
    for component in found.get("components", []):
        well_formed("component", component)
    for reference in found.get("externalReferences", []):
        assert reference["type"] in REFERENCES
        well_formed("externalReference", reference)
    for each in found.get("hashes", []):
        well_formed("hash", each)
        assert each["alg"] == "SHA-256" and re.fullmatch("[0-9a-f]{64}", each["content"])
    for each in found.get("properties", []):
        well_formed("property", each)
    if kind == "component":
        assert found["type"] in TYPES
        assert found.get("scope", "required") == "required"
        for licence in found.get("licenses", []):
            assert licence == {"license": {"id": "Apache-2.0"}}


def test_it_has_the_form_of_cyclonedx_1_6(document: dict[str, Any]) -> None:
    well_formed("bom", document)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert document["version"] == 1
    serial = "urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    assert re.fullmatch(serial, document["serialNumber"])
    assert document["metadata"].keys() == {"lifecycles", "component"}
    well_formed("component", document["metadata"]["component"])
    for each in document["dependencies"]:
        well_formed("dependency", each)


def refs(components: list[dict[str, Any]]) -> list[str]:
    """Return the names by which components are referred to, those within others too."""
    return [r for c in components for r in (c["bom-ref"], *refs(c.get("components", [])))]


def test_each_part_has_a_name_of_its_own_and_nothing_is_referred_to_that_is_not_there(
    document: dict[str, Any],
) -> None:
    known = refs([document["metadata"]["component"], *document["components"]])
    assert len(set(known)) == len(known)
    for each in document["dependencies"]:
        assert {each["ref"], *each.get("dependsOn", [])} <= set(known)


def test_every_dependency_is_in_it_with_the_hashes_of_the_lock(document: dict[str, Any]) -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    found = {c["purl"]: c for c in document["components"] if c["type"] == "library"}
    needed = document["dependencies"][0]["dependsOn"]
    for line in PROJECT["project"]["dependencies"]:
        name = re.match("[a-z0-9-]+", line)[0]  # type: ignore[index]
        assert any(purl.startswith(f"pkg:pypi/{name}@") for purl in needed), name
    assert set(needed) - {r for r in needed if r.startswith("model:")} <= found.keys()
    hashes = [h["content"] for c in found.values() for h in c["externalReferences"][0]["hashes"]]
    assert sorted(hashes) == sorted(re.findall("sha256:([0-9a-f]{64})", lock))
    assert len(found) == len(re.findall("^[a-z0-9-]+==", lock, re.M))


def test_a_package_of_some_machines_alone_says_of_which(document: dict[str, Any]) -> None:
    marked = [c["properties"][0]["value"] for c in document["components"] if "properties" in c]
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert marked == re.findall(r"^[a-z0-9-]+==\S+ ; (.*) \\$", lock, re.M) != []


def test_every_model_that_the_wheel_carries_is_in_it_file_by_file(
    document: dict[str, Any],
) -> None:
    models = [c for c in document["components"] if c["type"] == "machine-learning-model"]
    folders = {name for name in CARRIED if name.startswith("models/")}
    assert {f"models/{c['name']}" for c in models} == folders
    for found in models:
        source = ROOT / "models" / found["name"]
        place = CARRIED[f"models/{found['name']}"]
        assert {f["name"]: f["hashes"][0]["content"] for f in found["components"]} == {
            f"{place}/{p.relative_to(source)}": hashlib.sha256(p.read_bytes()).hexdigest()
            for p in source.rglob("*")
            if p.is_file()
        }


def test_it_names_no_machine_and_no_index() -> None:
    content = sbom.document(ROOT, None).decode()
    assert set(re.findall('[a-z]+://[^/"]+', content)) == {"http://cyclonedx.org"}
    assert str(ROOT) not in content


def test_the_same_tree_gives_the_same_bytes_and_another_tree_another_number(
    tmp_path: Path,
) -> None:
    copy = copied(tmp_path)
    first = sbom.document(ROOT, None)
    assert sbom.document(copy, None) == first
    dated = json.loads(sbom.document(copy, "1772323200"))
    assert dated["metadata"]["timestamp"] == "2026-03-01T00:00:00+00:00"
    lock = copy / "requirements.lock"
    lock.write_text(lock.read_text("utf-8").replace("click==", "click==1"), "utf-8")
    numbers = {json.loads(first)["serialNumber"], dated["serialNumber"]}
    numbers.add(json.loads(sbom.document(copy, None))["serialNumber"])
    assert len(numbers) == 3


def copied(folder: Path) -> Path:
    """Copy what the document is made of."""
    for name in ("pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, folder / name)
    for name in CARRIED:
        shutil.copytree(ROOT / name, folder / name)
    return folder


@pytest.mark.parametrize(
    ("name", "before", "after", "told"),
    [
        ("requirements.lock", "click==", "clock==", "lacks click"),
        ("requirements.lock", "\nclick==", "\nclick==1\nclick==", "click==1: no pin"),
        ("requirements.lock", "click==", "click>=", "no pin with a hash"),
        ("requirements.lock", "cbor2==", "--index-url=x\ncbor2==", "no pin with a hash"),
        ("models/mini/tokenizer.json", "{", "{ ", "not the file of its manifest"),
    ],
)
def test_a_tree_that_nobody_vouches_for_is_not_described(
    tmp_path: Path, name: str, before: str, after: str, told: str
) -> None:
    path = copied(tmp_path) / name
    content = path.read_text("utf-8")
    assert before in content
    path.write_text(content.replace(before, after, 1), "utf-8")
    with pytest.raises(ValueError, match=told):
        sbom.document(tmp_path, None)


def test_the_wheel_and_the_sdist_hold_it_and_leave_the_tree_as_it_was(built: Path) -> None:
    expected = sbom.document(ROOT, "1772323200")
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".cdx.json"))
        assert re.fullmatch(r"healthslm-[0-9.]+\.dist-info/sboms/healthslm\.cdx\.json", name)
        assert archive.read(name) == expected
        records = archive.read(f"{name.split('/')[0]}/RECORD").decode()
        assert name in records
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        (name,) = (n for n in archive.getnames() if n.endswith(".cdx.json"))
        member = archive.extractfile(name)
        assert member is not None and member.read() == expected
    assert not (ROOT / sbom.NAME).exists()


def test_a_wheel_made_from_the_sdist_holds_the_same_document(built: Path, tmp_path: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (tree,) = tmp_path.iterdir()
    assert sbom.document(tree, "1772323200") == sbom.document(ROOT, "1772323200")
    assert (tree / "sbom.py").is_file()


def test_the_command_writes_it_to_a_file_or_to_stdout(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "SOURCE_DATE_EPOCH"}
    run = [sys.executable, str(ROOT / "sbom.py")]
    said = subprocess.run(run, env=environment, check=True, capture_output=True).stdout
    file = tmp_path / "bill.json"
    subprocess.run([*run, str(file)], env=environment, check=True)
    assert said == file.read_bytes() == sbom.document(ROOT, None)
