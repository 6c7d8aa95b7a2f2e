"""`gateway mou new` and `gateway mou schema`: from nothing to a draft that an editor and the gateway understand."""

import json
from pathlib import Path

import jsonschema
import pytest

from gateway.document.source import read_source
from gateway.folders import templates
from gateway.policy.digest import plain
from tests.cli.deployment import Deployment, command


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_template_lints_clean_and_fits_the_schema(tmp_path: Path) -> None:
    files = []
    for name in templates():
        files.append(tmp_path / f"{name}.yaml")
        assert command("mou", "new", "--template", name, "-o", files[-1]).exit_code == 0
    result = command("mou", "lint", *files)
    assert result.exit_code == 0, result.output
    assert f"{len(files)} agreements: {len(files)} readable, 0 findings" in result.stdout
    assert command("mou", "schema", "-o", "mou.schema.json").exit_code == 0
    validator = jsonschema.Draft7Validator(json.loads((tmp_path / "mou.schema.json").read_text()))
    for file in files:
        root, _ = read_source(file.read_bytes(), "")
        assert root is not None
        validator.validate(plain(root))


@pytest.mark.parametrize("name", templates())
def test_every_template_passes_its_check_under_law(name: str) -> None:
    assert command("mou", "new", "--template", name, "-o", "draft.yaml").exit_code == 0
    result = command("mou", "check", "draft.yaml")
    assert result.exit_code == 0, result.output


def test_the_templates_are_listed_with_a_line_each() -> None:
    told = command("mou", "new", "--list").stdout
    assert all(name in told for name in templates())
    listed = json.loads(command("mou", "new", "--list", "--json").stdout)
    assert {each["template"] for each in listed} == set(templates())
    assert all(each["line"] for each in listed)


def test_a_draft_names_the_parties_asked_for_and_their_liaisons() -> None:
    words = ("mou", "new", "-t", "release-notice", "--from", "harlan-county-jail", "--to", "millbrook-police")
    text = command(*words, "--to", "harlan-district-attorney").stdout
    assert "parties: [harlan-county-jail, millbrook-police, harlan-district-attorney]" in text
    assert "from: harlan-district-attorney" in text
    assert "Sgt. Imre Castellane" in text


def test_a_draft_lands_where_no_file_is(tmp_path: Path) -> None:
    (tmp_path / "draft.yaml").write_text("mine")
    result = command("mou", "new", "-o", tmp_path / "draft.yaml")
    assert result.exit_code == 2
    assert (tmp_path / "draft.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    "words",
    [
        ("--template", "realease-notice"),
        ("--from", "Harlan Jail"),
        ("--from", "millbrook-police", "--to", "millbrook-police"),
    ],
)
def test_what_cannot_be_drafted_is_said(words: tuple[str, ...]) -> None:
    assert command("mou", "new", *words).exit_code == 2


def test_a_slip_in_the_template_or_the_agency_gets_a_hint() -> None:
    assert "release-notice" in command("mou", "new", "--template", "realease-notice").stderr
    result = command("mou", "new", "--to", "millbrook-polise")
    assert result.exit_code == 0
    assert "did you mean 'millbrook-police'?" in result.stderr


def test_the_schema_holds_the_exchanges_of_the_deployment(deployment: Deployment) -> None:
    schema = json.loads(deployment.run("mou", "schema").stdout)
    assert "custody-release-1.0" in schema["definitions"]
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"


def test_several_files_are_linted_in_one_go(tmp_path: Path) -> None:
    for name, text in (("b", "mou: 1\n"), ("a", "mou: [\n")):
        (tmp_path / f"{name}.yaml").write_text(text)
    command("mou", "new", "-o", tmp_path / "c.yaml")
    result = command("mou", "lint", "b.yaml", "a.yaml", "c.yaml", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["ok"] is False
    assert [(each["file"], each["ok"]) for each in told["files"]] == [
        ("a.yaml", False),
        ("b.yaml", False),
        ("c.yaml", True),
    ]
    places = [(each["file"], each["line"], each["column"]) for each in told["findings"]]
    assert places == sorted(places)
    assert "3 agreements: 1 readable" in command("mou", "lint", "b.yaml", "a.yaml", "c.yaml").stdout
