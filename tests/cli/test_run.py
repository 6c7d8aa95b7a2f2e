"""What every command says to people."""

import pytest

from gateway.cli.run import out, show
from gateway.finding import Finding, Severity


def test_the_name_of_an_element_between_colons_is_no_picture(capsys: pytest.CaptureFixture[str]) -> None:
    show([Finding(code="mou.lost", severity=Severity.WARNING, path="hs:Child", text=":child: at hs:Child:")])
    assert "hs:Child :child: at hs:Child:" in capsys.readouterr().err


def test_nothing_that_is_shown_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    out.print("a\x1b[31mb\x1b]0;title\x07\x9b2J\u202eendü\n[bold]c[/]")
    assert capsys.readouterr().out == "a?[31mb?]0;title??2J?endü\nc\n"
