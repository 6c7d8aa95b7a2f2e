"""The HTML report and the coverage table, held against files that somebody has looked at.

After a change that is meant: GATEWAY_GOLDEN=write pytest tests/report, then look at what changed.
"""

import json
import os
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from lxml import etree, html

from gateway.document.parse import to_bytes
from gateway.policy.certificate import Certificate, certificate
from gateway.policy.check import Check, check
from gateway.policy.coverage import as_csv, coverage, data
from gateway.policy.law_bind import Bound
from gateway.policy.mou import Clause, How, Item, Mou, Transform
from gateway.policy.restriction import Restriction
from gateway.report.page import granted, page, tables_page
from tests.policy.examples import PROBATION, agreements, clause_of, exchanges, field_at, mou_of, tiny, tiny_message

GOLDEN = Path(__file__).parent / "golden"
SAMPLE = (
    "<t:Thing><t:Name>one &amp; only</t:Name><t:Secret>no</t:Secret><t:Day>2026-03-01</t:Day>"
    "<t:Pair><t:First>left</t:First><t:Second>right</t:Second></t:Pair></t:Thing>"
    "<t:Hidden><t:Name>nobody's</t:Name></t:Hidden>"
)


def agreement() -> Mou:
    """Two clauses: one that can be kept, and one that promises half of a pair."""
    conditional = Item(what=field_at("t:Thing/t:Name"), unless="secretive")
    mask = Transform(what=field_at("t:Thing/t:Secret"), how=How.MASK, keep_last=1, because="Enough to <compare>.")
    gone = Transform(what="hidden.name", how=How.REMOVE, because="Nobody's business.")
    kept = clause_of(tiny(), "message.head", conditional, field_at("t:Thing/t:Day"), transforms=(mask, gone))
    half = clause_of(tiny(), "message.head", field_at("t:Thing/t:Pair/t:First"))
    return mou_of(kept, replace(half, id="T2", recipients=(PROBATION,)), id="TINY-01")


@cache
def checked() -> Check:
    iepd = replace(tiny(), samples={"fullest.xml": to_bytes(tiny_message(SAMPLE))})
    day = tiny().catalog.named(field_at("t:Thing/t:Day"))
    assert day is not None
    law = Bound(restrictions={day.path: (Restriction(law="42 CFR 2.31"),)})

    def of(clause: Clause, _: str) -> Bound:
        return law if clause.id == "T1" else Bound()

    return check(agreement(), {iepd.id: iepd}, law=of)


def report() -> str:
    return page(checked(), certificate(checked()))


def steady(text: str) -> str:
    """Without what changes when a schema does, or the style."""
    text = re.sub(r"<style>.*?</style>", "<style></style>", text, flags=re.DOTALL)
    return re.sub(r"sha-256:[0-9a-f]{64}", "sha-256:…", text).replace("\r\n", "\n")


def files() -> dict[str, str]:
    tables = coverage(granted(checked()))
    made = {
        "report.html": report(),
        "coverage.html": tables_page("Tiny", tables),
        "coverage.csv": as_csv(tables),
        "coverage.json": json.dumps(data(tables), indent=1),
        "certificate.json": json.dumps(json.loads(certificate(checked()).data), indent=1),
    }
    return {name: steady(text) for name, text in made.items()}


@pytest.mark.parametrize("name", ["report.html", "coverage.html", "coverage.csv", "coverage.json", "certificate.json"])
def test_it_is_as_it_was_looked_at(name: str) -> None:
    made = files()[name]
    file = GOLDEN / name
    if os.environ.get("GATEWAY_GOLDEN") == "write":
        file.write_text(made, encoding="utf-8")
    assert made == file.read_text(encoding="utf-8")


def test_the_report_needs_nothing_from_outside_and_no_script() -> None:
    for text in (report(), files()["coverage.html"]):
        page_ = html.fromstring(text)
        assert page_.xpath("//script | //link | //img | //iframe | //object | //@onclick | //@onload") == []
        assert all(str(target).startswith("#") for target in page_.xpath("//@href"))
        assert not re.search(r"url\(|@import|javascript:", text)
        assert page_.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")


def test_texts_of_agreements_are_texts_in_the_report() -> None:
    assert "Enough to &lt;compare&gt;." in report()
    assert "<compare>" not in report()


def test_every_cut_of_the_sample_is_marked_with_who_made_it() -> None:
    page_ = html.fromstring(report())
    (first, _) = page_.xpath("//table[contains(@class, 'sides')]")
    rows = [[" ".join(cell.text_content().split()) for cell in row] for row in first.xpath(".//tbody/tr")]
    assert ["t:Name: one & only", "", "t:Name: one & only"] in rows
    assert ["t:Secret: no", "T1 mask", "t:Secret: ****o"] in rows
    assert ["t:Day: 2026-03-01", "42 CFR 2.31", ""] in rows
    assert ["t:Name: nobody's", "T1", ""] in rows


def test_anchors_lead_somewhere_and_ids_stand_once() -> None:
    for text in (report(), page(*shipped())):
        page_ = html.fromstring(text)
        ids = page_.xpath("//@id")
        assert len(ids) == len(set(ids))
        assert {str(target)[1:] for target in page_.xpath("//@href")} <= set(ids)
        etree.tostring(page_)


def shipped() -> tuple[Check, Certificate]:
    made = check(agreements()["PROB-PD-2026-04"], exchanges())
    return made, certificate(made)
