"""What every command says to people."""

import pytest

from gateway.cli.run import show
from gateway.finding import Finding, Severity


def test_the_name_of_an_element_between_colons_is_no_picture(capsys: pytest.CaptureFixture[str]) -> None:
    show([Finding(code="mou.lost", severity=Severity.WARNING, path="hs:Child", text=":child: at hs:Child:")])
    assert "hs:Child :child: at hs:Child:" in capsys.readouterr().err
