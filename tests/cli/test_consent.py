"""`gateway consent`: a consent is entered by a person, and slips of the pen are told."""

from pathlib import Path

import pytest

from tests.cli.deployment import Deployment


@pytest.mark.parametrize(
    ("purpose", "label", "told"),
    [
        ("supervision", "sud.*", ()),
        ("supervizion", "sud.*", ("the purpose 'supervizion'; did you mean 'supervision'?",)),
        ("supervision", "sudd.need", ("the label 'sudd.need'; did you mean 'sud.need'?",)),
    ],
)
def test_a_consent_that_would_count_for_nothing_here_says_so(
    deployment: Deployment, tmp_path: Path, purpose: str, label: str, told: tuple[str, ...]
) -> None:
    paper = tmp_path / "signed.pdf"
    paper.write_bytes(b"signed")
    between = ("--holder", "harlan-county-jail", "--to", "harlan-probation", "--purpose", purpose, "--label", label)
    days = ("--from", "2026-01-01", "--until", "2026-12-31", "--document", paper, "--sid", "FR0000001")
    result = deployment.run("consent", "add", *between, *days, "--as", deployment.officer())
    assert result.stderr.count("note") == len(told)
    assert all(hint in result.stderr for hint in told)
    assert purpose in result.stdout
