"""A ledger: an exchange of files, each with one field for every label that law packs speak of, and its own facts.

What our exchanges have no field for (beliefs, DNA, Social Security numbers) can be asked of it too.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache

from gateway.agency import AgencyId, AgencyKind, Duty
from gateway.document.parse import Document, parse
from gateway.folders import read_tree, shipped
from gateway.iepd.facts import evaluate
from gateway.iepd.package import Iepd, load
from gateway.iepd.validate import validate
from gateway.policy.consent import Consent, Consents, counting, lacking
from gateway.policy.law import Laws, Parties
from gateway.policy.law_bind import Bound, Handed, bind
from gateway.policy.mou import Clause
from gateway.policy.redact import Cut, cut
from gateway.policy.rules import compile_rules
from tests.laws import shipped_packs
from tests.policy.examples import clause_of, mou_of

LEDGER = "https://gateway.example/ns/ledger/1.0/"
TODAY = date(2026, 6, 1)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)

LABELS = (
    "affiliation.group",
    "affiliation.seen-with",
    "arrest.record",
    "belief.political",
    "communication.privileged",
    "intel.basis",
    "location.residence",
    "medical.blood-type",
    "medical.dna",
    "medical.need",
    "offense.charge",
    "person.id.afis",
    "person.id.booking",
    "person.id.fbi",
    "person.id.ssn",
    "person.name",
    "person.photo",
    "sud.need",
    "thirdparty.household.name",
    "victim-services.provider",
    "victim.address",
    "victim.dob",
    "victim.name",
)
FACTS = ("reasonable-suspicion", "crime-nexus", "juvenile", "sealed", "protected", "shelter")
"""Boolean facts of a file; what a file does not say counts as written in `_MISSING`."""

_MISSING = {"reasonable-suspicion": "false", "crime-nexus": "false"}


@cache
def ledger(facts: tuple[str, ...] = ("origin", *FACTS), *, whole: bool = False) -> Iepd:
    """The exchange, with these facts declared: about each file, or about the message as a whole."""
    names = ("origin", *FACTS, *map(tag, LABELS))
    schema = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:l="{LEDGER}" targetNamespace="{LEDGER}"
 elementFormDefault="qualified">
 <xs:complexType name="LedgerType"><xs:sequence>
  <xs:element ref="l:Action"/><xs:element ref="l:File" minOccurs="0" maxOccurs="unbounded"/>
 </xs:sequence></xs:complexType>
 <xs:complexType name="FileType"><xs:sequence>
  {"".join(f'<xs:element ref="l:{name}" minOccurs="0"/>' for name in names)}
 </xs:sequence></xs:complexType>
 <xs:element name="Ledger" type="l:LedgerType"/><xs:element name="File" type="l:FileType"/>
 <xs:element name="Action"><xs:simpleType><xs:restriction base="xs:token"><xs:enumeration value="new"/>
  <xs:enumeration value="update"/><xs:enumeration value="correct"/><xs:enumeration value="cancel"/>
 </xs:restriction></xs:simpleType></xs:element>
 {"".join(f'<xs:element name="{name}" type="xs:string"/>' for name in names)}
</xs:schema>"""
    lines = [
        "exchange: ledger/1.0",
        "title: Ledger",
        "root: l:Ledger",
        f"namespaces: {{l: {LEDGER}}}",
        "schemas: [extension.xsd]",
        "message: {action: l:Action}",
        "fields:",
        "  - {path: l:Action, field: action, label: message.head, title: Action}",
    ]
    lines += [
        f"  - {{path: l:File/l:{name}, field: mark.{name}, label: mark, title: Mark}}" for name in ("origin", *FACTS)
    ]
    lines += [
        f"  - {{path: l:File/l:{tag(label)}, field: file.{label}, label: {label}, title: {label}}}" for label in LABELS
    ]
    lines.append("facts:")
    for name in facts:
        boolean = name != "origin"
        test, kind = (f"\"l:{name} = 'true'\"", "boolean") if boolean else ("l:origin", "text")
        missing = _MISSING.get(name, "true") if boolean else '""'
        test = test.replace("l:", "l:File/l:") if whole else test
        lines += [f"  - fact: file.{name}", f"    title: {name}", f"    each: {'.' if whole else 'l:File'}"]
        lines += [f"    test: {test}", f"    kind: {kind}", f"    missing: {missing}"]
    folder = {"fields.yaml": "\n".join(lines).encode(), "extension.xsd": schema.encode()}
    return load(folder, {name: data for name, data in read_tree(shipped().xsd).items() if name.endswith(".xsd")})


def tag(label: str) -> str:
    """Name of the element for a label."""
    return label.replace(".", "_")


@cache
def laws() -> Laws:
    """The law packs that come with the gateway."""
    return shipped_packs()


@dataclass(frozen=True, kw_only=True)
class Case:
    """One file on its way to somebody. marks: what it says of itself, by fact; "" = it does not say.

    exchange  as which it is sent, for rules that speak of one; "" = as the ledger it is
    """

    label: str = "person.name"
    origin: str = ""
    marks: dict[str, bool] = field(default_factory=dict)
    purpose: str = "release-notification"
    to: AgencyKind = AgencyKind.POLICE
    duties: tuple[Duty, ...] = ()
    sender_duties: tuple[Duty, ...] = ()
    states: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    on: date = TODAY
    consent: Consent | None = None
    exchange: str = ""
    facts: tuple[str, ...] = ("origin", *FACTS)

    @property
    def between(self) -> Parties:
        return Parties(
            sender_duties=frozenset(self.sender_duties),
            kind=self.to,
            duties=frozenset(self.duties),
            states=frozenset(self.states),
        )

    @property
    def clause(self) -> Clause:
        clause = clause_of(ledger(self.facts), "message.head", "mark", *LABELS)
        return Clause(
            id=clause.id,
            exchange=self.exchange or clause.exchange,
            sender=clause.sender,
            recipients=clause.recipients,
            purpose=self.purpose,
            role=clause.role,
            share=clause.share,
            onward_sharing="to whom it may concern",
        )

    def message(self) -> Document:
        said = {"protected": "false", "shelter": "false", "juvenile": "false", "sealed": "false"}
        said |= {name: str(value).lower() for name, value in self.marks.items()}
        inside = f"<l:origin>{self.origin}</l:origin>" if self.origin else ""
        inside += "".join(f"<l:{name}>{said[name]}</l:{name}>" for name in FACTS if name in said)
        inside += f"<l:{tag(self.label)}>here</l:{tag(self.label)}>"
        return parse(
            f'<l:Ledger xmlns:l="{LEDGER}"><l:Action>new</l:Action><l:File>{inside}</l:File></l:Ledger>'.encode()
        )


def bound(case: Case) -> Bound:
    """What law says of the case."""
    binding = laws().binding(case.on, case.named, case.between.states)
    return bind(binding, case.clause, ledger(case.facts), case.between)


def decided(case: Case) -> tuple[Cut, Handed]:
    """The file as it goes out, and what law asks of whoever gets it."""
    iepd, said, document = ledger(case.facts), bound(case), case.message()
    consents: Consents = () if case.consent is None else ((case.consent,),)
    now = datetime.combine(case.on, NOW.timetz())
    counted = counting(
        consents, sender=case.clause.sender, recipient=case.clause.recipients[0], purpose=case.purpose, now=now
    )
    holding = lacking(said.consents, counted)
    facts = evaluate(document, iepd)
    rules = compile_rules(mou_of(case.clause), case.clause, iepd, said.restrictions)
    kept = cut(document, rules, facts, iepd, holding=holding)
    assert validate(kept.document, iepd) == ()
    return kept, said.handed(document.root, facts, holding)


def withheld_by(case: Case) -> str:
    """The section that withholds the case's field, "" when it is shared."""
    kept, _ = decided(case)
    shared = any("here" in (each.text or "") for each in kept.document.root.iter())
    sections = [each.clause for each in kept.redactions if each.label == case.label]
    assert shared is not bool(sections)
    return sections[0] if sections else ""


def consent(
    *labels: str, purpose: str, recipient: str = "millbrook-police", holder: str = "harlan-county-jail"
) -> Consent:
    """A consent that holds in 2026."""
    return Consent(
        id="C-1",
        subject="0" * 64,
        holder=AgencyId(holder),
        labels=labels,
        recipient=AgencyId(recipient),
        purpose=purpose,
        since=date(2026, 1, 1),
        until=date(2026, 12, 31),
        document="sha-256:" + "1" * 64,
    )


def sections(rules: Iterable[tuple[str, str]]) -> set[str]:
    """The sections among pairs of anything and a section."""
    return {section for _, section in rules}
