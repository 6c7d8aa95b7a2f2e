"""A field that no officer has confirmed cannot be shared, and is withheld whatever an agreement says."""

from functools import cache

from gateway.document.parse import parse, to_bytes
from gateway.iepd.facts import evaluate
from gateway.iepd.package import Iepd, load
from gateway.policy.read import read_mou
from gateway.policy.redact import cut
from gateway.policy.rules import compile_rules
from tests.policy.examples import exchanges
from tests.policy.test_read import GOOD

EXCHANGE = "custody-release/1.0"


@cache
def with_proposals(*fields: str) -> Iepd:
    """The release notice, these fields not confirmed."""
    ours = exchanges()[EXCHANGE]
    lines = ours.files["iepd/fields.yaml"].decode().split("\n")
    for number, line in enumerate(lines):
        if any(f"field: {field}," in line for field in fields):
            lines[number] = line.replace("}", ", confirmed: false}")
    folder = {name.removeprefix("iepd/"): data for name, data in ours.files.items() if name.startswith("iepd/")}
    schemas = {name.removeprefix("xsd/"): data for name, data in ours.files.items() if name.startswith("xsd/")}
    return load({**folder, "fields.yaml": "\n".join(lines).encode()}, schemas)


def codes(text: str, iepd: Iepd) -> set[str]:
    _, findings = read_mou(text.encode(), "test.yaml", {**exchanges(), EXCHANGE: iepd})
    return {finding.code for finding in findings}


def test_an_agreement_cannot_name_it_and_the_reader_says_why() -> None:
    iepd = with_proposals("caution.code", "caution.text")
    for word in ("caution.flags", "caution.code", "caution.*"):
        assert codes(GOOD.replace("- person.name", f"- person.name\n        - {word}"), iepd) == {
            "mou.unconfirmed-field"
        }
    assert codes(GOOD.replace("- person.name", "- person.nome"), iepd) == {"mou.unknown-field"}


def test_it_is_withheld_where_the_label_it_would_have_is_shared() -> None:
    iepd = with_proposals("person.name.middle")
    mou, findings = read_mou(GOOD.encode(), "test.yaml", {**exchanges(), EXCHANGE: iepd})
    assert mou is not None, findings
    document = parse(iepd.samples["fullest.xml"])
    kept = cut(document, compile_rules(mou, mou.exchanges[0], iepd), evaluate(document, iepd), iepd)
    told = to_bytes(kept.document)
    assert b"PersonSurName" in told
    assert b"PersonMiddleName" not in told
    withheld = [each for each in kept.redactions if "Subject" in each.path and "PersonMiddleName" in each.path]
    assert {(each.clause, each.label) for each in withheld} == {("default", "unclassified")}
