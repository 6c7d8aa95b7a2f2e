"""A law pack's file, read strictly: everything wrong with it at once, each with its code and place."""

from datetime import date
from pathlib import Path

import pytest

from gateway.agency import JUSTICE, AgencyKind, Duty
from gateway.folders import shipped
from gateway.policy.law import Binds, Mandates
from gateway.policy.law_draft import draft
from gateway.policy.law_read import read_law

FILES = sorted((shipped().policies / "laws").glob("*.yaml"))

PACK = """\
law: fr-1
title: A law
jurisdiction: FR
version: 1
effective: {from: 2026-01-01}
source: Franklin Code 1
binds: party
rules:
  - id: one
    section: Franklin Code 1-1
    text: Nobody gets it.
    labels: [sud.*]
    withhold: always
"""


def codes(text: str) -> dict[str, int]:
    pack, findings = read_law(text.encode(), "fr-1.yaml")
    assert (pack is None) is bool(findings)
    assert all(finding.line and finding.column and finding.file == "fr-1.yaml" for finding in findings)
    return {finding.code: finding.line or 0 for finding in findings}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_shipped_pack_is_readable_under_its_own_name(file: Path) -> None:
    pack, findings = read_law(file.read_bytes(), file.name)
    assert findings == ()
    assert pack is not None
    assert pack.id == file.stem
    assert all(rule.text.endswith(".") and rule.text[0].isupper() for rule in pack.rules)


def test_a_draft_can_be_read_as_it_is_and_with_every_note_turned_on() -> None:
    text = draft("fr-1", "fr-1.yaml", date(2026, 6, 1))
    assert codes(text) == {}
    turned = []
    for line in text.splitlines():
        note = line.lstrip()
        kept = note.startswith(("# - id:", "#   ", "# except:", "# origins:", "# origin_unknown:", "# when:", "# to:"))
        kept = kept or note.startswith(("# purposes:", "# sender_duties:", "# - {"))
        turned.append(line.replace("# ", "", 1) if kept and line.startswith("  ") else line)
    assert codes("\n".join(turned)) == {}
    pack, _ = read_law("\n".join(turned).encode(), "fr-1.yaml")
    assert pack is not None
    assert len(pack.rules) == 5


def test_a_whole_pack_as_a_value() -> None:
    text = PACK.replace(
        "    withhold: always\n",
        """\
    except: [sud.origin]
    origins: [part2-program]
    origin_unknown: passes
    when: juvenile
    to: [justice, health]
    purposes: [supervision]
    exchanges: [custody-release]
    sender_duties: [covered-entity]
    withhold: {unless: [{consent: true, fact: reasonable-suspicion}, {duties: [cfr23], to: [court]}]}
    mandate: no-more
    send_at_least: 48 hours
    before: release.scheduled
    notice: Handle with care.
    onward: none
    keep_at_most: 90 days
    effective: {from: 2026-02-01, until: 2026-12-31}
""",
    )
    pack, findings = read_law(text.encode(), "")
    assert findings == ()
    assert pack is not None
    assert pack.binds is Binds.PARTY
    assert pack.digest.startswith("sha-256:")
    (rule,) = pack.rules
    assert set(rule.kinds) == JUSTICE | {AgencyKind.HEALTH}
    assert not rule.unknown
    assert [(basis.consent, basis.fact, basis.duties) for basis in rule.bases] == [
        (True, "reasonable-suspicion", ()),
        (False, "", (Duty.CFR23,)),
    ]
    assert rule.mandate is Mandates.NO_MORE
    assert rule.speaks_of("sud.need")
    assert not rule.speaks_of("sud.origin")
    assert (rule.since, rule.until) == (date(2026, 2, 1), date(2026, 12, 31))


WRONG = {
    "yaml.duplicate-key": ("version: 1", "version: 1\nversion: 2", 5),
    "yaml.anchor": ("title: A law", "title: &x A law", 2),
    "law.unknown-key": ("    withhold: always", "    withold: always", 13),
    "law.missing-key": ("source: Franklin Code 1\n", "", 1),
    "law.bad-date": ("from: 2026-01-01", "from: 2026-02-30", 5),
    "law.bad-binding": ("jurisdiction: FR", "jurisdiction: federal", 7),
    "law.bad-text": ("jurisdiction: FR", "jurisdiction: Franklin", 3),
    "law.unknown-word": ("binds: party", "binds: sometimes", 7),
    "law.does-nothing": ("    withhold: always\n", "", 9),
    "law.rule-twice": (
        "    withhold: always\n",
        "    withhold: always\n  - {id: one, section: S, text: T., labels: [x], onward: none}\n",
        14,
    ),
    "law.bad-word": ("labels: [sud.*]", "labels: [SUD]", 12),
    "law.empty-list": ("labels: [sud.*]", "labels: []", 12),
    "law.empty-basis": ("withhold: always", "withhold: {unless: [{}]}", 13),
    "law.half-a-deadline": ("withhold: always", "send_at_least: 48 hours", 9),
    "law.bad-duration": ("withhold: always", "keep_at_most: a while", 13),
    "law.wrong-type": ("withhold: always", "withhold: sometimes", 13),
}


@pytest.mark.parametrize("code", WRONG)
def test_each_mistake_has_a_code_and_a_line(code: str) -> None:
    old, new, line = WRONG[code]
    assert old in PACK
    assert codes(PACK.replace(old, new, 1)).get(code) == line


@pytest.mark.parametrize(
    "rule",
    [
        "withhold: always\n    withhold_message: always",
        "withhold: {unless: [{consent: false}]}",
        "withhold: always\n    origin_unknown: applies",
        "withhold_message: {unless: [{consent: true}]}",
        "withhold_message: {unless: [{fact: sealed}]}",
        "withhold_message: always\n    origins: [tip]",
        "withhold: always\n    before: release.scheduled",
    ],
)
def test_what_contradicts_itself_is_refused(rule: str) -> None:
    assert "law.bad-rule" in codes(PACK.replace("withhold: always", rule))


def test_everything_is_told_at_once_with_what_was_probably_meant() -> None:
    text = PACK.replace("binds: party", "binds: partly").replace("withhold: always", "to: [polise]\n    wiht: 1")
    _, findings = read_law(text.encode(), "")
    assert [finding.code for finding in findings] == [
        "law.unknown-word",
        "law.does-nothing",
        "law.unknown-word",
        "law.unknown-key",
    ]
    assert "did you mean 'police'" in findings[2].text


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b"law: 1", b"a: &x 1\nb: *x"])
def test_what_is_no_pack_at_all(data: bytes) -> None:
    pack, findings = read_law(data, "x")
    assert pack is None
    assert findings
