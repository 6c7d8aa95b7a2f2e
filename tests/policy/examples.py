"""What the tests of policy share: our exchanges and agreements, a tiny exchange of their own, and short ways to cut."""

from collections.abc import Iterator
from datetime import date
from functools import cache

from lxml import etree

from gateway.agency import AgencyId
from gateway.document.parse import Document, parse, to_bytes
from gateway.finding import Finding
from gateway.folders import load_exchanges, read_tree, shipped
from gateway.iepd.facts import evaluate
from gateway.iepd.package import Iepd, load
from gateway.iepd.validate import validate
from gateway.policy.mou import Clause, Item, Kind, Mou, Transform
from gateway.policy.read import read_mou
from gateway.policy.redact import Cut, cut
from gateway.policy.rules import compile_rules

JAIL, POLICE, PROBATION = AgencyId("harlan-county-jail"), AgencyId("millbrook-police"), AgencyId("harlan-probation")
FUSION = AgencyId("tri-county-fusion")
STRUCTURES = "https://docs.oasis-open.org/niemopen/ns/model/structures/6.0/"


@cache
def exchanges() -> dict[str, Iepd]:
    """Our own exchanges by id."""
    folders = shipped()
    return {iepd.id: iepd for iepd in load_exchanges(folders.iepd, folders.xsd)}


@cache
def agreement_files() -> dict[str, bytes]:
    """The shipped agreements by file name."""
    return dict(read_tree(shipped().policies / "mous"))


@cache
def agreements() -> dict[str, Mou]:
    """The shipped agreements by id."""
    found = {}
    for file, data in agreement_files().items():
        mou, findings = read_mou(data, file, exchanges())
        assert mou is not None, findings
        found[mou.id] = mou
    return found


def clauses() -> Iterator[tuple[Mou, Clause, Iepd]]:
    """Every shipped clause with its agreement and exchange."""
    for mou in agreements().values():
        for clause in mou.exchanges:
            yield mou, clause, exchanges()[clause.exchange]


def samples(iepd: Iepd) -> dict[str, bytes]:
    """The samples of an exchange that are valid."""
    return {name: data for name, data in sorted(iepd.samples.items()) if "invalid" not in name}


def sample(exchange: str, name: str) -> Document:
    return parse(exchanges()[exchange].samples[name])


def cut_by(document: Document, mou: str, clause: str) -> Cut:
    """Cut by a shipped clause; what comes out is valid."""
    agreement = agreements()[mou]
    found = agreement.clause(clause)
    assert found is not None
    return cut_with(document, agreement, found, exchanges()[found.exchange])


def cut_with(document: Document, mou: Mou, clause: Clause, iepd: Iepd) -> Cut:
    kept = cut(document, compile_rules(mou, clause, iepd), evaluate(document, iepd), iepd)
    again = parse(to_bytes(kept.document))
    assert validate(again, iepd) == ()
    return kept


def clause_of(iepd: Iepd, *share: str | Item, transforms: tuple[Transform, ...] = ()) -> Clause:
    """A clause of its own for one test."""
    items = tuple(each if isinstance(each, Item) else Item(what=each) for each in share)
    return Clause(
        id="T1",
        exchange=iepd.id,
        sender=JAIL,
        recipients=(POLICE,),
        purpose="release-notification",
        role="patrol-officer",
        share=items,
        transforms=transforms,
    )


def mou_of(*clauses: Clause, id: str = "TEST-01", version: int = 1) -> Mou:
    return Mou(
        id=id,
        version=version,
        title="For a test",
        kind=Kind.MOU,
        parties=(JAIL, POLICE),
        since=date(2026, 1, 1),
        until=date(2026, 12, 31),
        exchanges=clauses,
        digest="sha-256:" + "0" * 64,
    )


def cut_sharing(document: Document, iepd: Iepd, *share: str | Item, transforms: tuple[Transform, ...] = ()) -> Cut:
    """Cut by an allow-list."""
    clause = clause_of(iepd, *share, transforms=transforms)
    return cut_with(document, mou_of(clause), clause, iepd)


def texts(document: Document) -> list[str]:
    """Every value of a document: texts of leaves, and attributes but for identities."""
    found = []
    for element in document.root.iter(etree.Element):
        if len(element) == 0 and (element.text or "").strip():
            found.append((element.text or "").strip())
        found += [str(value) for name, value in element.items() if not str(name).startswith(_NO_FIELDS)]
    return found


def find(document: Document, path: str, iepd: Iepd) -> list[etree._Element]:
    found = document.root.xpath(path, namespaces={**iepd.namespaces, "structures": STRUCTURES})
    assert isinstance(found, list)
    return [each for each in found if isinstance(each, etree._Element)]


# --- a tiny exchange: required parts, attributes, lists of references, metadata ------------------------------------

_NO_FIELDS = (f"{{{STRUCTURES}}}", "{http://www.w3.org/2001/XMLSchema-instance}")

TINY = "https://gateway.example/ns/tiny/1.0/"

_SCHEMA = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="{TINY}" xmlns:structures="{STRUCTURES}"
  targetNamespace="{TINY}" elementFormDefault="qualified">
 <xs:import namespace="{STRUCTURES}" schemaLocation="../../../xsd/niem-6.0/structures.xsd"/>
 <xs:complexType name="WordType"><xs:simpleContent><xs:extension base="xs:string">
  <xs:attribute name="lang" type="xs:language"/>
  <xs:attribute name="source" type="xs:string" use="required"/>
 </xs:extension></xs:simpleContent></xs:complexType>
 <xs:complexType name="ThingType"><xs:complexContent><xs:extension base="t:NextType"><xs:sequence>
   <xs:element ref="t:Secret" minOccurs="0"/>
   <xs:element ref="t:When" minOccurs="0"/>
   <xs:element ref="t:Word" minOccurs="0"/>
   <xs:element ref="t:Pair" minOccurs="0"/>
   <xs:element ref="t:Box" minOccurs="0"/>
   <xs:element ref="t:Next" minOccurs="0"/>
  </xs:sequence>
  <xs:attribute name="metadataRef" type="xs:IDREFS"/>
 </xs:extension></xs:complexContent></xs:complexType>
 <xs:complexType name="NextType"><xs:sequence><xs:element ref="t:Name" minOccurs="0"/></xs:sequence>
  <xs:attribute ref="structures:id"/><xs:attribute ref="structures:ref"/><xs:attribute ref="structures:uri"/>
 </xs:complexType>
 <xs:complexType name="PairType"><xs:sequence>
   <xs:element ref="t:First"/><xs:element ref="t:Second"/><xs:element ref="t:Note" minOccurs="0"/>
 </xs:sequence></xs:complexType>
 <xs:complexType name="BoxType"><xs:sequence><xs:element ref="t:Inner"/></xs:sequence></xs:complexType>
 <xs:complexType name="InnerType"><xs:sequence><xs:element ref="t:Note" minOccurs="0"/></xs:sequence></xs:complexType>
 <xs:complexType name="LinkType"><xs:sequence>
   <xs:element ref="t:From"/><xs:element ref="t:To" minOccurs="0" maxOccurs="unbounded"/>
   <xs:element ref="t:Note" minOccurs="0"/>
 </xs:sequence></xs:complexType>
 <xs:complexType name="MetadataType"><xs:sequence><xs:element ref="t:Reporter" minOccurs="0"/></xs:sequence>
  <xs:attribute ref="structures:id"/></xs:complexType>
 <xs:complexType name="TinyType"><xs:sequence>
   <xs:element ref="t:Action"/>
   <xs:element ref="t:Thing" minOccurs="0" maxOccurs="unbounded"/>
   <xs:element ref="t:Hidden" minOccurs="0" maxOccurs="unbounded"/>
   <xs:element ref="t:Link" minOccurs="0" maxOccurs="unbounded"/>
   <xs:element ref="t:Metadata" minOccurs="0" maxOccurs="unbounded"/>
 </xs:sequence></xs:complexType>
 <xs:element name="Tiny" type="t:TinyType"/>
 <xs:element name="Action"><xs:simpleType><xs:restriction base="xs:token"><xs:enumeration value="new"/>
  <xs:enumeration value="update"/><xs:enumeration value="correct"/><xs:enumeration value="cancel"/>
 </xs:restriction></xs:simpleType></xs:element>
 <xs:element name="Thing" type="t:ThingType" nillable="true"/><xs:element name="Hidden" type="t:ThingType"/>
 <xs:element name="From" type="t:ThingType" nillable="true"/><xs:element name="To" type="t:ThingType" nillable="true"/>
 <xs:element name="Link" type="t:LinkType"/><xs:element name="Metadata" type="t:MetadataType"/>
 <xs:element name="Next" type="t:NextType" nillable="true"/>
 <xs:element name="Pair" type="t:PairType"/><xs:element name="Box" type="t:BoxType"/>
 <xs:element name="Inner" type="t:InnerType"/><xs:element name="Word" type="t:WordType"/>
 <xs:element name="Name" type="xs:string"/><xs:element name="Secret" type="xs:string"/>
 <xs:element name="When" abstract="true"/><xs:element name="Day" type="xs:date" substitutionGroup="t:When"/>
 <xs:element name="YearDate" type="xs:gYear" substitutionGroup="t:When"/>
 <xs:element name="First" type="xs:string"/><xs:element name="Second" type="xs:string"/>
 <xs:element name="Note" type="xs:string"/><xs:element name="Reporter" type="xs:string"/>
</xs:schema>"""

_THING = {
    "t:Name": "name",
    "t:Secret": "secret",
    "t:Day": "day",
    "t:YearDate": "day",
    "t:Word": "word",
    "t:Word/@lang": "lang",
    "t:Word/@source": "source",
    "t:Pair/t:First": "first",
    "t:Pair/t:Second": "second",
    "t:Pair/t:Note": "note",
    "t:Box/t:Inner/t:Note": "inner",
    "t:Next/t:Name": "name",
    "@metadataRef": "mark",
}


def field_at(path: str) -> str:
    """Name of the field at a path: "at-thing-name" for t:Thing/t:Name."""
    return "at-" + path.replace("t:", "").replace("/", "-").replace("@", "").lower()


def _tiny_fields() -> str:
    entries = {"t:Action": "message.head", "t:Link/t:Note": "link.note", "t:Metadata/t:Reporter": "metadata.reporter"}
    places = {"t:Thing": "thing", "t:Hidden": "hidden", "t:Link/t:From": "thing", "t:Link/t:To": "thing"}
    for place, stem in places.items():
        entries.update({f"{place}/{path}": f"{stem}.{label}" for path, label in _THING.items()})
    lines = [
        f'  - {{path: "{path}", field: {field_at(path)}, label: {label}, title: "{label}"}}'
        for path, label in entries.items()
    ]
    return "\n".join(
        [
            "exchange: tiny/1.0",
            "title: Tiny",
            "root: t:Tiny",
            f"namespaces: {{t: {TINY}, structures: {STRUCTURES}}}",
            "schemas: [niem-6.0/structures.xsd, extension.xsd]",
            "message: {action: t:Action}",
            "fields:",
            *lines,
            "facts:",
            "  - fact: secretive",
            "    title: thing is secretive",
            "    each: t:Thing",
            "    test: \"t:Secret = 'yes'\"",
            "    kind: boolean",
            "    missing: true",
        ]
    )


@cache
def tiny(links_least: int = 0) -> Iepd:
    """An exchange with what ours have little of; links_least: how many links a message must have."""
    schema = _SCHEMA.replace('ref="t:Link" minOccurs="0"', f'ref="t:Link" minOccurs="{links_least}"')
    folder = {"fields.yaml": _tiny_fields().encode(), "extension.xsd": schema.encode()}
    return load(folder, {name: data for name, data in read_tree(shipped().xsd).items() if name.endswith(".xsd")})


def tiny_message(body: str) -> Document:
    """A message of the tiny exchange; it is valid."""
    document = parse(
        f'<t:Tiny xmlns:t="{TINY}" xmlns:s="{STRUCTURES}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<t:Action>new</t:Action>{body}</t:Tiny>".encode()
    )
    findings: tuple[Finding, ...] = validate(document, tiny())
    assert findings == (), findings[:3]
    return document


def tiny_text(kept: Cut) -> str:
    """What is left below the action, without namespace declarations."""
    text = etree.tostring(kept.document.root, encoding="unicode")
    inside = text.split("</t:Action>", 1)[1].removesuffix("</t:Tiny>")
    return inside.replace("structures:", "s:")
