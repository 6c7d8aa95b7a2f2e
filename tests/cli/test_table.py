import io
from pathlib import Path

import pytest
import typer
from rich.console import Console

from gateway.cli import table as shared
from gateway.cli.table import Format, chosen, in_period, tell
from tests.report.test_table import SOME, table


def test_the_form_is_as_asked_for_else_by_the_files_ending_else_a_table() -> None:
    assert chosen(None, None) is Format.TABLE
    assert chosen(None, Path("q3.CSV")) is Format.CSV
    assert chosen(None, Path("q3.txt")) is Format.TABLE
    assert chosen(Format.HTML, Path("q3.csv")) is Format.HTML
    assert chosen(None, Path("q3.html"), json=True) is Format.JSON
    with pytest.raises(typer.BadParameter):
        chosen(Format.CSV, None, json=True)


def test_a_file_of_another_ending_is_not_filled_with_text_by_surprise() -> None:
    with pytest.raises(typer.BadParameter, match=r"no answer has the form \.pdf: \.csv, \.json"):
        chosen(None, Path("q3.pdf"))
    assert chosen(Format.HTML, Path("q3.pdf")) is Format.HTML


def test_a_screen_shows_rows_and_statement(capsys: pytest.CaptureFixture[str]) -> None:
    tell(SOME)
    shown = capsys.readouterr().out
    assert "2026-11-25T09:30:00.00Z city-pd 3" in " ".join(shown.split())
    assert SOME.digest in shown
    assert "2026-Q3: 2026-07-01 to 2026-09-30, both days included, UTC" in shown


def test_square_brackets_in_a_cell_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    tell(table(("[bold]x[/bold]", "/nc:Person[1]", 1)))
    assert "[bold]x[/bold] /nc:Person[1]" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("sign", ["\x1b", "\x9b", "\x07", "\u202e", "\n"])
def test_what_a_person_wrote_does_not_move_the_cursor_or_turn_the_line(
    sign: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(table((f"a{sign}[2Jb", "x", 1)))
    assert "a?[2Jb x" in " ".join(capsys.readouterr().out.split())


def test_an_answer_goes_into_a_file_in_the_form_of_its_ending(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, beginning in (("a.csv", b"#report,"), ("a.json", b"{"), ("a.html", b"<!doctype"), ("a.txt", b"Discl")):
        tell(SOME, output=tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(beginning)
    assert capsys.readouterr().out == ""
    assert b"\r\n" in (tmp_path / "a.csv").read_bytes()
    assert b"\r\r" not in (tmp_path / "a.csv").read_bytes()


def test_an_answer_in_a_file_is_for_nobody_else_to_read(tmp_path: Path) -> None:
    (tmp_path / "old.csv").touch(mode=0o644)
    for name in ("old.csv", "new.csv"):
        tell(SOME, output=tmp_path / name)
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="cannot be written"):
        tell(SOME, output=tmp_path / "no" / "a.csv")


def test_what_is_no_period_is_a_slip_in_the_option() -> None:
    with pytest.raises(typer.BadParameter, match="2026-Q3"):
        in_period("third quarter")
    assert in_period(None) is None


@pytest.mark.parametrize(("width", "words"), [(200, "recipient-0  3"), (40, "To: recipient-0")])
def test_a_narrow_screen_tells_each_row_downwards(monkeypatch: pytest.MonkeyPatch, width: int, words: str) -> None:
    page = io.StringIO()
    screen = Console(file=page, width=width, force_terminal=True, color_system=None)
    monkeypatch.setattr(shared, "out", screen)
    tell(table(("019a3c5e-7d10-7c3f-9b0e-2f1d5a6b7c8d", "recipient-0", 3)))
    assert words in page.getvalue().replace("   ", "  ")
    assert max(map(len, page.getvalue().splitlines()[:6])) <= width


def test_into_a_pipe_no_row_is_broken(capsys: pytest.CaptureFixture[str]) -> None:
    wide = "x" * 300
    tell(table((wide, wide, 1)))
    assert f"{wide}   {wide}   1\n" in capsys.readouterr().out
