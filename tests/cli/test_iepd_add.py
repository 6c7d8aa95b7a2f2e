"""`gateway iepd check` and `add`: a specification of one's own, from its folder to messages that are accepted."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.deployment import ROOT, Deployment, command
from tests.iepd.invented import notice
from tests.iepd.test_intake import FILES, zipped

ID = "county-notice/1.0"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """The folder of a specification as its publisher gives it out."""
    folder = tmp_path / "County Notice"
    for name, data in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def test_check_says_what_registering_would_give_and_writes_nothing(published: Path) -> None:
    before = sorted(published.rglob("*"))
    result = command("iepd", "check", published, "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["exchange"], told["ok"], told["registered"], told["fields"]) == ("county-notice/1.0", True, False, 0)
    assert told["not_confirmed"] == told["unclassified"] == 23
    assert {each["file"]: each["valid"] for each in told["samples"]} == {"smallest.xml": True, "wrong.xml": False}
    assert "fields.not-confirmed" in [each["code"] for each in told["findings"]]
    assert sorted(published.rglob("*")) == before
    assert "writes a draft" in command("iepd", "check", published).output


def test_check_of_a_shipped_exchange_finds_nothing() -> None:
    result = command("iepd", "check", ROOT / "iepd/custody-release/1.0", "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["not_confirmed"], told["unclassified"], told["findings"]) == (0, 0, 0, [])
    assert len(told["samples"]) > 5


def test_a_specification_is_drafted_reviewed_confirmed_and_its_messages_are_accepted(
    deployment: Deployment, published: Path, tmp_path: Path
) -> None:
    drafted = deployment.json("iepd", "add", published, status=1)
    assert drafted["fields"] == 23
    assert "iepd.not-confirmed" in deployment.run("iepd", "add", published, status=1).stderr
    done = deployment.json("iepd", "add", published, "--confirm", "--as", deployment.officer())
    assert done["registered"]
    assert done["fields"] + done["not_confirmed"] == 23
    confirmed = (published / "fields.yaml").read_text()
    assert confirmed.startswith(f"exchange: {ID}\n")
    assert "confirmed: false" not in confirmed
    assert ID in [row["exchange"] for row in deployment.json("iepd", "list")]
    message = tmp_path / "message.xml"
    message.write_bytes(notice())
    assert deployment.json("validate", message)["valid"]
    withheld = deployment.json("iepd", "show", ID, "--unclassified")
    assert len(withheld) == done["unclassified"] > 0
    assert all(row["label"] == "unclassified" for row in withheld)
    shown = deployment.run("iepd", "show", ID, "--unclassified").stdout
    assert withheld[0]["path"] in shown
    deployment.run("iepd", "add", published, status=2)
    deployment.run("iepd", "add", published, "--as", deployment.officer())


def test_a_draft_can_be_written_elsewhere_and_nothing_is_ever_overwritten(
    deployment: Deployment, published: Path, tmp_path: Path
) -> None:
    out = tmp_path / "draft.yaml"
    deployment.run("iepd", "add", published, "--draft", out)
    text = out.read_bytes()
    assert not (published / "fields.yaml").exists()
    assert "[iepd.file-there]" in deployment.run("iepd", "add", published, "--draft", out, status=1).stderr
    assert out.read_bytes() == text
    assert (
        "[iepd.file-there]"
        in deployment.run("iepd", "add", published, "--draft", tmp_path / "no" / "d", status=1).stderr
    )


def test_new_places_are_added_to_a_catalog_that_is_there(
    deployment: Deployment, published: Path, tmp_path: Path
) -> None:
    deployment.run("iepd", "add", published, status=1)
    fields = published / "fields.yaml"
    lines = [line for line in fields.read_text().splitlines(keepends=True) if "n:RiskScore" not in line]
    fields.write_text("".join(lines))
    added = deployment.json("iepd", "add", published, "--draft", tmp_path / "more.yaml")
    assert (added["fields"], added["labels"]) == (1, {"risk": 1})


def test_a_zip_is_taken_like_a_folder(deployment: Deployment, tmp_path: Path) -> None:
    place = tmp_path / "Notice.zip"
    place.write_bytes(zipped(*((f"top/{name}", data) for name, data in FILES.items())))
    out = tmp_path / "fields.yaml"
    deployment.run("iepd", "add", place, "--draft", out, "--id", ID)
    assert f"exchange: {ID}\n" in out.read_text()
    place.write_bytes(zipped(("../evil.xsd", b"")))
    assert "[iepd.archive-name]" in deployment.run("iepd", "add", place, status=1).stderr


def test_only_a_reviewed_catalog_is_confirmed_and_by_somebody(deployment: Deployment, published: Path) -> None:
    assert (
        "[iepd.nothing-to-confirm]"
        in deployment.run("iepd", "add", published, "--confirm", "--as", deployment.officer(), status=1).stderr
    )
    assert deployment.run("iepd", "add", published, "--confirm", status=2)
    assert not (published / "fields.yaml").exists()


def test_nobody_confirms_under_a_name_whose_key_they_do_not_have(deployment: Deployment, published: Path) -> None:
    deployment.run("iepd", "add", published, status=1)
    draft = (published / "fields.yaml").read_bytes()
    clerk, key = "clerk", deployment.directory / "users/clerk.key"
    deployment.run("user", "add", clerk, "--role", "operator")
    officer = deployment.officer()
    for words, code in (
        (("somebody.else",), "key."),
        ((officer, "--key", key), "user.wrong-key"),
        ((clerk,), "user.not-allowed"),
    ):
        said = deployment.run("iepd", "add", published, "--confirm", "--as", *words, status=1).stderr
        assert f"[{code}" in said, said
    assert (published / "fields.yaml").read_bytes() == draft
    assert ID not in [row["exchange"] for row in deployment.json("iepd", "list")]


def test_a_refusal_comes_with_its_code_file_and_line_for_machines_too(deployment: Deployment, published: Path) -> None:
    shutil.copytree(published / "base xsd", published / "second")
    (published / "second/core/core.xsd").write_bytes(FILES["base xsd/core/core.xsd"] + b"<!-- newer -->")
    told = deployment.json("iepd", "add", published, status=1)
    assert (told["ok"], told["code"]) == (False, "iepd.refused")
    assert {each["code"] for each in told["findings"]} == {"schema.two-documents"}
    assert all(each["file"] and each["line"] for each in told["findings"])
    assert deployment.json("iepd", "add", published, "--without", "second", status=1)["fields"] == 23


def test_a_folder_that_is_no_specification(tmp_path: Path) -> None:
    result = command("iepd", "check", tmp_path)
    assert result.exit_code == 1
    assert "[iepd.no-schema]" in result.stderr
    assert command("iepd", "check", tmp_path / "nowhere").exit_code == 2
