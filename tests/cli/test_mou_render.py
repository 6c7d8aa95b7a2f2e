"""`gateway mou render`: a file to print."""

from pathlib import Path

import pytest

from tests.cli.deployment import MOUS, Deployment, command

FILE = MOUS / "JAIL-PD-2026-01.yaml"


def test_the_paper_lands_beside_the_agreement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    draft = tmp_path / "draft.yaml"
    draft.write_bytes(FILE.read_bytes())
    result = command("mou", "render", draft)
    assert result.exit_code == 0, result.output
    page = (tmp_path / "draft.html").read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "Release notices to Millbrook police" in page
    assert "sha-256:" in result.stdout


def test_the_paper_names_the_agencies_of_the_deployment(deployment: Deployment, tmp_path: Path) -> None:
    target = tmp_path / "paper.html"
    deployment.run("mou", "render", FILE, "-o", target)
    assert "Harlan County District Attorney" in target.read_text("utf-8")


def test_what_cannot_be_read_is_not_printed(tmp_path: Path) -> None:
    draft = tmp_path / "draft.yaml"
    draft.write_text(FILE.read_text().replace("kind: mou", "kind: treaty"))
    result = command("mou", "render", draft)
    assert result.exit_code == 1
    assert "[mou.unknown-word]" in result.stderr
    assert not (tmp_path / "draft.html").exists()


@pytest.mark.parametrize("words", [("render", FILE), ("new",), ("schema",)])
def test_a_place_that_cannot_be_written_is_said(words: tuple[str, ...], tmp_path: Path) -> None:
    for target in (tmp_path / "nowhere" / "x", tmp_path):
        assert command("mou", *words, "-o", target).exit_code == 2
