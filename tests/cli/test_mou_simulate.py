"""`gateway mou simulate`: what a draft would change."""

from pathlib import Path

import pytest

from tests.cli.deployment import MOUS, SAMPLES, Deployment, command

FILE = MOUS / "JAIL-PD-2026-01.yaml"


@pytest.fixture
def without_dob(tmp_path: Path) -> Path:
    file = tmp_path / "draft.yaml"
    file.write_text(FILE.read_text().replace("version: 1", "version: 2").replace("        - person.dob\n", ""))
    return file


def test_a_folder_is_decided_without_a_deployment(
    without_dob: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = command("mou", "simulate", without_dob, "--folder", SAMPLES)
    assert result.exit_code == 0, result.output
    assert "JAIL-PD-2026-01 version 2 instead of version 1" in result.stdout
    assert "person.dob" in result.stdout
    assert "shown no more" in result.stdout


def test_a_machine_gets_it_by_recipient_and_label(deployment: Deployment, without_dob: Path) -> None:
    told = deployment.json("mou", "simulate", without_dob, "--folder", SAMPLES)
    police = next(each for each in told["recipients"] if each["recipient"] == "millbrook-police")
    changed = police["labels"]["person.dob"]["no_more"]
    assert police["labels"] == {"person.dob": {"newly": 0, "no_more": changed, "other_form": 0}}
    assert 0 < changed == police["changed"] <= told["messages"]
    assert (police["newly_released"], police["no_longer_released"]) == (0, 0)


def test_a_deployment_without_messages_changes_nothing(deployment: Deployment, without_dob: Path) -> None:
    told = deployment.json("mou", "simulate", without_dob, "--replay", "last-10")
    assert (told["messages"], told["recipients"], told["instead_of"]) == (0, [], 1)
    assert "nothing would change" in deployment.run("mou", "simulate", without_dob).stdout


@pytest.mark.parametrize("word", ["yesterday", "last-0", "last-99999d", "last-999999", ""])
def test_which_messages_is_said_in_one_of_two_ways(deployment: Deployment, without_dob: Path, word: str) -> None:
    deployment.run("mou", "simulate", without_dob, "--replay", word, status=2)


def test_what_is_wrong_with_the_draft_is_said(deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "draft.yaml"
    file.write_text(FILE.read_text().replace("- person.dob\n", "- person.shoe-size\n"))
    assert "[mou.unknown-field]" in deployment.run("mou", "simulate", file, "--folder", SAMPLES, status=1).stderr
