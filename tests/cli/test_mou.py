"""`gateway mou`: agreements read strictly, put in force, suspended, ended."""

from pathlib import Path

import pytest

from tests.cli.deployment import MOUS, Deployment, command

ID = "JAIL-PROB-2026-02"
FILE = MOUS / f"{ID}.yaml"


def states(deployment: Deployment) -> dict[int, str]:
    return {row["version"]: row["state"] for row in deployment.json("mou", "list") if row["mou"] == ID}


@pytest.mark.parametrize("file", sorted(MOUS.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_shipped_agreement_is_readable(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = command("mou", "lint", file)
    assert result.exit_code == 0, result.output
    assert "readable" in result.stdout


WRONG = {
    "mou.unknown-key": ("authority:", "authorities: [x]\nauthority:"),
    "mou.unknown-field": ("- person.name\n", "- person.shoe-size\n"),
    "mou.unknown-exchange": ("exchange: custody-release/1.0", "exchange: custody-release/9.9"),
    "yaml.duplicate-key": ("kind: dsa", "kind: dsa\nkind: mou"),
}


@pytest.mark.parametrize("code", WRONG)
def test_what_is_wrong_is_said_with_line_and_column(deployment: Deployment, tmp_path: Path, code: str) -> None:
    file = tmp_path / "agreement.yaml"
    file.write_text(FILE.read_text().replace(*WRONG[code], 1).replace("version: 1", "version: 2"))
    told = deployment.json("mou", "lint", file, status=1)
    assert told["ok"] is False
    finding = next(each for each in told["findings"] if each["code"] == code)
    assert finding["line"] > 1
    assert finding["file"] == str(file)
    refused = deployment.run("mou", "activate", file, "--as", "nobody", status=1)
    assert f"[{code}]" in refused.stderr
    assert states(deployment) == {1: "in-force"}


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{", b"[1, 2]", b"a: &x 1\nb: *x\n", b"x" * 300_000])
def test_what_is_no_agreement_at_all(deployment: Deployment, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "agreement.yaml"
    file.write_bytes(content)
    assert "[mou.refused]" in deployment.run("mou", "activate", file, "--as", "nobody", status=1).stderr
    assert deployment.run("mou", "lint", file, status=1).stderr


def test_what_is_put_in_force_ahead_of_its_first_day_says_that_it_waits(deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "agreement.yaml"
    text = FILE.read_text().replace(ID, "JAIL-PROB-2028-02")
    days = "{from: 2026-01-01, until: 2028-12-31, review_by: 2027-12-01}"
    assert days in text
    file.write_text(text.replace(days, "{from: 2028-12-31, until: 2028-12-31, review_by: 2028-12-31}"))
    assert "Its first day is 2028-12-31" in deployment.activate(file).stdout


def test_what_cannot_be_suspended_is_told_with_its_state(deployment: Deployment) -> None:
    suspend = ("mou", "suspend", ID, "--as", deployment.officer())
    deployment.run(*suspend)
    assert "version 1 is suspended" in deployment.run(*suspend, status=1).stderr


def test_a_new_version_ends_the_one_before(deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "agreement.yaml"
    file.write_text(FILE.read_text().replace("version: 1", "version: 2"))
    assert "is in force" in deployment.activate(file).stdout
    assert states(deployment) == {1: "ended", 2: "in-force"}


def test_what_does_not_pass_its_check_is_not_put_in_force(deployment: Deployment, tmp_path: Path) -> None:
    """Law withholds the protected person's name for any other purpose, and no order can be sent without it."""
    file = tmp_path / "agreement.yaml"
    text = FILE.read_text().replace("version: 1", "version: 2")
    file.write_text(text.replace("protective-order-enforcement", "supervision"))
    refused = deployment.run("mou", "activate", file, "--as", deployment.officer(), "--trial", status=1)
    assert "[mou.check-failed]" in refused.stderr
    assert "[mou.promise-lost]" in refused.stderr
    assert "34 U.S.C. 12291(b)(2)(D)" in refused.stderr
    assert f"{file}:" in refused.stderr
    assert states(deployment) == {1: "in-force"}
    assert deployment.run("mou", "check", file, status=1).exit_code == 1


def test_the_same_version_with_another_text_is_refused(deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "agreement.yaml"
    file.write_text(FILE.read_text().replace("kind: dsa", "kind: mou"))
    assert "[mou.version-taken]" in deployment.run("mou", "activate", file, "--as", "nobody", status=1).stderr


def test_suspended_resumed_ended(deployment: Deployment) -> None:
    deployment.run("mou", "suspend", ID, "--as", deployment.officer())
    assert states(deployment) == {1: "suspended"}
    deployment.run("mou", "suspend", ID, "--as", deployment.officer(), "--resume")
    assert states(deployment) == {1: "in-force"}
    deployment.run("mou", "suspend", ID, "--as", deployment.officer())
    deployment.run("mou", "end", ID, "--as", deployment.officer())
    assert states(deployment) == {1: "ended"}
    assert (
        "[mou.unknown]"
        in deployment.run("mou", "suspend", ID, "--as", deployment.officer(), "--resume", status=1).stderr
    )


def test_an_agreement_nobody_knows(deployment: Deployment) -> None:
    for words in (("suspend", "NOBODY-1"), ("end", "NOBODY-1")):
        assert "[mou.unknown]" in deployment.run("mou", *words, "--as", deployment.officer(), status=1).stderr


def test_a_title_with_brackets_is_shown_as_it_is(deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "agreement.yaml"
    text = FILE.read_text().replace("version: 1", "version: 2")
    file.write_text(text.replace("title: Release notices", 'title: "[/] Release [bold]notices[/bold]"  # ', 1))
    deployment.activate(file)
    assert "[/] Release [bold]notices[/bold]" in deployment.run("mou", "list").stdout


def test_an_approval_is_taken_back_and_the_agreement_cannot_be_activated(
    deployment: Deployment, tmp_path: Path
) -> None:
    file = tmp_path / "agreement.yaml"
    file.write_text(FILE.read_text().replace("version: 1", "version: 2"))
    parties = ("harlan-county-jail", "harlan-probation")
    for party in parties:
        deployment.run("mou", "sign", file, "--for", party, "--as", deployment.officer(party))
    by = deployment.officer(parties[1])
    told = deployment.run("mou", "withdraw", ID, "--for", parties[1], "--as", by)
    assert "counts no more" in told.stdout
    refused = deployment.run("mou", "activate", file, "--as", deployment.officer(), status=1)
    assert "[mou.not-approved]" in refused.stderr
    again = deployment.run("mou", "withdraw", ID, "--for", parties[1], "--as", by, status=1)
    assert "[mou.approval-unknown]" in again.stderr
    acts = deployment.json("mou", "history", ID)["acts"]
    assert (acts[-1]["act"], acts[-1]["signature"]) == ("withdraw", "verified")
