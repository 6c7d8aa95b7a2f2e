"""`gateway mou explain`: an agreement asked by its id or its file."""

from pathlib import Path

import pytest

from tests.cli.deployment import MOUS, Deployment, command

ID = "JAIL-PD-2026-01"
QUESTION = ("--field", "person.id.doc", "--as-role", "patrol-officer", "--for", "release-notification")
QUESTION += ("--to", "millbrook-police")


def test_an_agreement_of_the_deployment_is_asked_by_its_id(deployment: Deployment) -> None:
    for word in (ID, f"{ID}@1", MOUS / f"{ID}.yaml"):
        told = deployment.json("mou", "explain", word, *QUESTION)
        assert (told["mou"], told["version"]) == (ID, 1)
        (answer,) = told["answers"]
        assert (answer["outcome"], answer["clause"], answer["recipient"]) == ("reduced", "E1", "millbrook-police")
    assert "last 4 characters masked" in deployment.run("mou", "explain", ID, *QUESTION).stdout


def test_a_draft_is_asked_without_a_deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = command("mou", "explain", MOUS / f"{ID}.yaml", *QUESTION)
    assert result.exit_code == 0
    assert "clause E1" in result.stdout


def test_a_version_that_is_not_in_force_says_so(deployment: Deployment, tmp_path: Path) -> None:
    assert deployment.json("mou", "explain", ID, *QUESTION)["in_force"] is True
    assert "not in force" not in deployment.run("mou", "explain", MOUS / f"{ID}.yaml", *QUESTION).stdout
    file = tmp_path / "draft.yaml"
    file.write_text((MOUS / f"{ID}.yaml").read_text().replace("version: 1", "version: 2"))
    assert "version 2 is not in force today" in deployment.run("mou", "explain", file, *QUESTION).stdout
    deployment.run("mou", "suspend", ID, "--as", deployment.officer())
    assert deployment.json("mou", "explain", ID, *QUESTION)["in_force"] is False


def test_a_dead_end_ends_with_one_and_tells_the_nearest_word(deployment: Deployment) -> None:
    words = ("--field", "person.shoe", *QUESTION[2:])
    assert "did you mean 'person.sex'?" in deployment.run("mou", "explain", ID, *words, status=1).stdout
    assert deployment.json("mou", "explain", ID, *words, status=1)["answers"][0]["code"] == "explain.no-such-field"


@pytest.mark.parametrize("word", ["JAIL-PD-2026-02", f"{ID}@7", f"{ID}@x", "nowhere.yaml", ""])
def test_an_agreement_nobody_knows(deployment: Deployment, word: str) -> None:
    assert "[mou.unknown]" in deployment.run("mou", "explain", word, *QUESTION, status=1).stderr


def test_a_file_that_is_no_agreement(deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "draft.yaml"
    file.write_text("mou: X\n")
    assert "[mou.refused]" in deployment.run("mou", "explain", file, *QUESTION, status=1).stderr
