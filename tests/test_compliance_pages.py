"""docs/compliance/: a page for each law pack and one for the CJIS policy, and none of them says what is not so.

What can be compared is compared: the rules with the packs, the commands with the commands there are, modules and tests
with the files. In all other pages, too, a command that is named exists with the options it is named with.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from gateway.cli.main import app
from gateway.policy.law import LawPack, LawRule
from tests.cli.deployment import command
from tests.laws import shipped_packs

ROOT = Path(__file__).parents[1]
COMPLIANCE = ROOT / "docs/compliance"
INDEX = COMPLIANCE / "law-packs.md"
POLICY = COMPLIANCE / "cjis-policy.md"
"""Of no pack: what the policy asks of systems and people."""

PACKS = {pack.id: pack for pack in shipped_packs().packs}
PAGES = {page.stem: page.read_text("utf-8") for page in COMPLIANCE.glob("*.md") if page != INDEX}
RULES = [(pack, rule) for pack in PACKS.values() for rule in pack.rules]
SHOWN = "which command shows it"

MAIN = cast("TyperGroup", typer.main.get_command(app))
_CODE = re.compile(r"`([^`]+)`")
_ID = re.compile(r"[A-Z]+[0-9]*-[0-9]+")
_FENCED = re.compile(r"^gateway .*$", re.MULTILINE)
_WHERE = re.compile(r"((?:gateway|tests|policies|docs)/[\w./-]+\.(?:py|yaml|md))(?:::(\w+))?")


def rows(page: str) -> list[list[str]]:
    """The cells of every row of the page's tables."""
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


def told(pack: LawPack, rule: LawRule) -> list[str]:
    """The row about a rule."""
    found = [row for row in rows(PAGES[pack.id]) if f"`{rule.id}`" in row[0]]
    assert len(found) == 1, f"{pack.id}.md has {len(found)} rows about {rule.id}"
    return found[0]


def commands(text: str) -> Iterator[str]:
    """The commands that a text names, as somebody would type them."""
    for code in _CODE.findall(text):
        yield from (code,) if code.startswith("gateway ") else ()
    for block in text.split("```")[1::2]:
        yield from (line.partition("  #")[0].strip() for line in _FENCED.findall(block))


def parsed(words: str) -> tuple[TyperGroup | TyperCommand, dict[str, object]]:
    """What a command's own parser makes of the words; options that are not there are refused by it.

    Values are not looked at: a page says FILE and means a file.
    """
    args = shlex.split(words)[1:]
    found: TyperGroup | TyperCommand = MAIN
    while isinstance(found, TyperGroup) and args and not args[0].startswith("-"):
        name = args.pop(0)
        assert name in found.commands, f"there is no command {name!r} in: {words}"
        found = cast("TyperGroup | TyperCommand", found.commands[name])
    given, left, _ = found.make_parser(typer.Context(found)).parse_args(args)
    assert not left, f"{left} too much in: {words}"
    return found, given


def test_each_pack_has_a_page_and_the_index_leads_to_it() -> None:
    assert set(PAGES) == {*PACKS, POLICY.stem}
    index = INDEX.read_text("utf-8")
    assert set(re.findall(r"\]\(([a-z0-9-]+)\.md\)", index)) == set(PAGES)
    for pack in PACKS.values():
        head, _, _ = PAGES[pack.id].partition("\n| ")
        assert f"(pack `{pack.id}`)" in head
        assert pack.since.isoformat() in head


@pytest.mark.parametrize(("pack", "rule"), RULES, ids=[f"{pack.id}-{rule.id}" for pack, rule in RULES])
def test_each_rule_has_a_row_with_its_section_and_its_own_words(pack: LawPack, rule: LawRule) -> None:
    row = told(pack, rule)
    assert row[0].endswith(f"`{rule.id}`, {rule.section}")
    assert row[1] == rule.text
    assert not rule.notice or f'"{rule.notice}"' in row[2]
    assert len(row) == 5
    assert all(row)


@pytest.mark.parametrize("pack", PACKS.values(), ids=PACKS)
def test_no_page_tells_of_a_rule_that_its_pack_does_not_have(pack: LawPack) -> None:
    named = {code for row in rows(PAGES[pack.id])[1:] for code in _CODE.findall(row[0])}
    assert named == {rule.id for rule in pack.rules}


def test_the_index_has_the_rows_of_all_pages_and_no_others() -> None:
    listed = {row[0] for row in rows(INDEX.read_text("utf-8")) if _ID.fullmatch(row[0])}
    assert listed == {id for page in PAGES.values() for row in rows(page) for id in _ID.findall(row[0])[:1]}


@pytest.mark.parametrize("page", PAGES)
def test_each_row_names_a_command_that_is_there_and_whole(page: str) -> None:
    told = [row for row in rows(PAGES[page]) if row[-1] != SHOWN]
    assert told
    for row in told:
        shown = list(commands(row[-1]))
        assert shown or row[-1] == "none", row
        for words in shown:
            found, given = parsed(words)
            lacks = [each.name for each in found.params if each.required and given.get(each.name or "") is None]
            assert not lacks, f"{words} lacks {lacks}"


def test_every_page_of_the_documentation_names_commands_and_options_that_are_there() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    named = [words for page in pages for words in commands(page.read_text("utf-8"))]
    assert len(named) > 100
    for words in named:
        parsed(words)  # a command without its arguments is one that is spoken of, not one to type


def test_what_law_explains_it_explains() -> None:
    """Commands on the pages that ask nothing of a deployment are run as they stand."""
    asked = {words for page in PAGES.values() for words in commands(page) if words.startswith("gateway law explain")}
    assert len(asked) > 20
    for words in sorted(asked):
        result = command(*shlex.split(words)[1:])
        assert result.exit_code == 0, f"{words}: {result.output}"
        assert "No rule of law speaks of" not in result.output, words


@pytest.mark.parametrize("page", PAGES)
def test_modules_and_tests_that_are_named_are_there(page: str) -> None:
    named = [found for code in _CODE.findall(PAGES[page]) if (found := _WHERE.fullmatch(code))]
    assert named
    for path, test in (found.groups() for found in named):
        file = ROOT / path
        assert file.is_file(), path
        assert not test or f"def {test}(" in file.read_text("utf-8"), f"{path} has no {test}"
