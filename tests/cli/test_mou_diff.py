"""`gateway mou diff`: two versions compared, by file or by id."""

from pathlib import Path

from tests.cli.deployment import MOUS, Deployment

ID = "JAIL-PD-2026-01"
FILE = MOUS / f"{ID}.yaml"


def draft(folder: Path, *changes: tuple[str, str]) -> Path:
    text = FILE.read_text().replace("version: 1", "version: 2")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    file = folder / "draft.yaml"
    file.write_text(text)
    return file


def test_a_version_that_shows_more_is_told_in_words_and_asks_for_a_second_person(
    deployment: Deployment, tmp_path: Path
) -> None:
    file = draft(tmp_path, ("- person.alias\n", "- person.alias\n        - person.contact\n"))
    told = deployment.json("mou", "diff", ID, file)
    assert told["widening"] is True
    assert (told["old"]["version"], told["new"]["version"]) == (1, 2)
    (change,) = told["changes"]
    assert (change["turn"], change["what"], change["recipients"]) == ("widening", "fields", ["millbrook-police"])
    shown = deployment.run("mou", "diff", ID, file).stdout
    assert "become visible to millbrook-police: " in shown
    assert "it widens: a second person must approve it" in shown


def test_a_version_that_shows_less_does_not(deployment: Deployment, tmp_path: Path) -> None:
    file = draft(tmp_path, ("        - risk.level\n", ""), ("recipient_copy: 1 year", "recipient_copy: 30 days"))
    told = deployment.json("mou", "diff", ID, file)
    assert told["widening"] is False
    assert {each["what"] for each in told["changes"]} == {"fields", "retention"}
    assert "it does not widen" in deployment.run("mou", "diff", ID, file).stdout
    assert deployment.json("mou", "diff", file, ID)["widening"] is True


def test_the_same_agreement_said_twice_changes_nothing(deployment: Deployment) -> None:
    assert deployment.json("mou", "diff", ID, FILE)["changes"] == []
    assert "nothing changes" in deployment.run("mou", "diff", f"{ID}@1", FILE).stdout


def test_what_is_no_agreement(deployment: Deployment, tmp_path: Path) -> None:
    assert "[mou.unknown]" in deployment.run("mou", "diff", ID, "draft.yaml", status=1).stderr
    file = tmp_path / "draft.yaml"
    file.write_text("[")
    assert "[mou.refused]" in deployment.run("mou", "diff", file, ID, status=1).stderr
