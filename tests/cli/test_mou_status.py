"""`gateway mou status` and `history`: where agreements stand, and how they came there."""

from pathlib import Path

import pytest

from tests.cli.deployment import MOUS, Deployment

ID = "JAIL-PROB-2026-02"
JAIL, PROBATION = "harlan-county-jail", "harlan-probation"


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """Version 2 of an agreement in force."""
    file = tmp_path / "agreement.yaml"
    file.write_text((MOUS / f"{ID}.yaml").read_text().replace("version: 1", "version: 2"))
    return file


def test_a_draft_is_listed_with_what_it_lacks(deployment: Deployment, second: Path) -> None:
    deployment.run("mou", "sign", second, "--for", JAIL, "--as", deployment.officer(JAIL))
    told = {row["version"]: row for row in deployment.json("mou", "status", ID)}
    assert (told[1]["state"], told[1]["due"], told[1]["lacks"]) == ("in-force", [], [])
    assert (told[2]["state"], told[2]["due"]) == ("draft", ["unsigned"])
    assert [each["party"] for each in told[2]["approvals"]] == [JAIL]
    assert [each["party"] for each in told[2]["lacks"]] == [PROBATION]
    shown = deployment.run("mou", "status").stdout
    assert "still needed: 1 of harlan-probation" in shown
    assert [row["state"] for row in deployment.json("mou", "list") if row["mou"] == ID] == ["in-force", "draft"]


def test_history_says_of_each_act_whose_it_was(deployment: Deployment, second: Path) -> None:
    deployment.activate(second)
    told = deployment.json("mou", "history", ID)
    signed = [each for each in told["acts"] if each["act"] != "check"]
    acts = [(each["act"], each["version"], each["by"]) for each in signed if each["version"] == 2]
    assert acts == [
        ("approve", 2, f"officer.{JAIL}"),
        ("approve", 2, f"officer.{PROBATION}"),
        ("activate", 2, "officer.operator"),
    ]
    assert {each["signature"] for each in signed} == {"verified"}
    assert told["versions"][1]["digest"] == told["acts"][-1]["digest"] or told["acts"][-1]["act"] == "end"
    shown = deployment.run("mou", "history", ID).stdout
    assert "activate in-force by officer.operator of the operator: signature verified" in shown


@pytest.mark.parametrize("word", ["status", "history"])
def test_an_agreement_nobody_knows(deployment: Deployment, word: str) -> None:
    assert "[mou.unknown]" in deployment.run("mou", word, "NOBODY-1", status=1).stderr


def test_a_trial_is_shown(deployment: Deployment, second: Path) -> None:
    deployment.run("mou", "activate", second, "--trial", "--as", deployment.officer())
    told = {row["version"]: row for row in deployment.json("mou", "status", ID)}
    assert told[2]["state"] == "trial"
    assert told[2]["trial"]["messages"] == 0
