"""Exchanges of older NIEM versions, invented: what ours, which are of 6.0, cannot show.

`five`: structures:metadata and relationshipMetadata, marks on any element, nillable elements, nc:EmptyReasonCode,
substitution groups, several augmentations, roles. `two`: s:Augmentation heads and reference elements of NIEM 2.0.
Every element and attribute is a field, labelled by its own name: x.person-sur-name.
"""

import re
from functools import cache

from lxml import etree

from gateway.document.names import split
from gateway.document.parse import Document, parse
from gateway.iepd.catalog import leaves, show_path
from gateway.iepd.package import Iepd, load
from gateway.iepd.schema import compile_set
from gateway.iepd.validate import validate
from gateway.policy.redact import Cut

XS = 'xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified"'
S5 = "http://release.niem.gov/niem/structures/5.0/"
NC5 = "http://release.niem.gov/niem/niem-core/5.0/"
S2 = "http://niem.gov/niem/structures/2.0"
NC2 = "http://niem.gov/niem/niem-core/2.0"
X = "https://gateway.example/ns/elder/1.0/"
ISM = "urn:us:gov:ic:ism"

_OBJECT = """<xs:attributeGroup name="A">
 <xs:attribute ref="s:id"/><xs:attribute ref="s:ref"/><xs:attribute ref="s:uri"/>
 <xs:attribute ref="s:metadata"/><xs:attribute ref="s:relationshipMetadata"/>
 <xs:anyAttribute namespace="urn:us:gov:ic:ism urn:us:gov:ic:ntk" processContents="lax"/></xs:attributeGroup>"""

_STRUCTURES_5 = f"""<xs:schema {XS} targetNamespace="{S5}" xmlns:s="{S5}">
 <xs:attribute name="id" type="xs:ID"/><xs:attribute name="ref" type="xs:IDREF"/>
 <xs:attribute name="uri" type="xs:anyURI"/><xs:attribute name="metadata" type="xs:IDREFS"/>
 <xs:attribute name="relationshipMetadata" type="xs:IDREFS"/>{_OBJECT}
 <xs:complexType name="ObjectType" abstract="true"><xs:sequence/><xs:attributeGroup ref="s:A"/></xs:complexType>
 <xs:complexType name="AssociationType" abstract="true"><xs:sequence/><xs:attributeGroup ref="s:A"/></xs:complexType>
 <xs:complexType name="AugmentationType" abstract="true"><xs:sequence/></xs:complexType>
 <xs:complexType name="MetadataType" abstract="true"><xs:sequence/><xs:attribute ref="s:id"/></xs:complexType>
</xs:schema>"""

_CORE_5 = f"""<xs:schema {XS} targetNamespace="{NC5}" xmlns:nc="{NC5}" xmlns:s="{S5}">
 <xs:import namespace="{S5}" schemaLocation="structures.xsd"/>
 <xs:complexType name="TextType"><xs:simpleContent><xs:extension base="xs:string">
  <xs:attributeGroup ref="s:A"/></xs:extension></xs:simpleContent></xs:complexType>
 <xs:complexType name="DayType"><xs:simpleContent><xs:extension base="xs:date">
  <xs:attributeGroup ref="s:A"/></xs:extension></xs:simpleContent></xs:complexType>
 <xs:complexType name="DateType"><xs:complexContent><xs:extension base="s:ObjectType"><xs:sequence>
  <xs:element ref="nc:DateRepresentation"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>
 <xs:complexType name="PersonNameType"><xs:complexContent><xs:extension base="s:ObjectType"><xs:sequence>
  <xs:element ref="nc:PersonGivenName" minOccurs="0"/><xs:element ref="nc:PersonSurName" minOccurs="0"/>
  <xs:element ref="nc:PersonFullName" minOccurs="0"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>
 <xs:complexType name="PersonType"><xs:complexContent><xs:extension base="s:ObjectType"><xs:sequence>
  <xs:element ref="nc:PersonBirthDate" minOccurs="0"/>
  <xs:element ref="nc:PersonName" minOccurs="0" maxOccurs="unbounded"/>
  <xs:element ref="nc:PersonRaceAbstract" minOccurs="0" maxOccurs="unbounded"/>
  <xs:element ref="nc:PersonAugmentationPoint" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence></xs:extension></xs:complexContent></xs:complexType>
 <xs:complexType name="MetadataType"><xs:complexContent><xs:extension base="s:MetadataType"><xs:sequence>
  <xs:element ref="nc:EmptyReasonAbstract" minOccurs="0"/><xs:element ref="nc:ReporterText" minOccurs="0"/>
  </xs:sequence></xs:extension></xs:complexContent></xs:complexType>
 <xs:simpleType name="ReasonSimpleType"><xs:restriction base="xs:token">
  <xs:enumeration value="unknown"/><xs:enumeration value="withheld"/></xs:restriction></xs:simpleType>
 <xs:element name="DateRepresentation" abstract="true"/>
 <xs:element name="Date" type="nc:DayType" substitutionGroup="nc:DateRepresentation" nillable="true"/>
 <xs:element name="YearDate" type="xs:gYear" substitutionGroup="nc:DateRepresentation" nillable="true"/>
 <xs:element name="EmptyReasonAbstract" abstract="true"/>
 <xs:element name="EmptyReasonCode" type="nc:ReasonSimpleType" substitutionGroup="nc:EmptyReasonAbstract"/>
 <xs:element name="Metadata" type="nc:MetadataType" nillable="true"/>
 <xs:element name="Person" type="nc:PersonType" nillable="true"/>
 <xs:element name="PersonAugmentationPoint" abstract="true"/>
 <xs:element name="PersonBirthDate" type="nc:DateType"/>
 <xs:element name="PersonFullName" type="nc:TextType"/><xs:element name="PersonGivenName" type="nc:TextType"/>
 <xs:element name="PersonName" type="nc:PersonNameType"/>
 <xs:element name="PersonRaceAbstract" abstract="true"/>
 <xs:element name="PersonRaceText" type="nc:TextType" substitutionGroup="nc:PersonRaceAbstract"/>
 <xs:element name="PersonSurName" type="nc:TextType" nillable="true"/>
 <xs:element name="ReporterText" type="nc:TextType"/>
 <xs:element name="RoleOfPerson" type="nc:PersonType" nillable="true"/>
</xs:schema>"""

_CODES_5 = f"""<xs:schema {XS} targetNamespace="{X}codes/" xmlns:c="{X}codes/" xmlns:nc="{NC5}">
 <xs:import namespace="{NC5}" schemaLocation="core.xsd"/>
 <xs:simpleType name="RaceSimpleType"><xs:restriction base="xs:token"><xs:enumeration value="A"/>
  <xs:enumeration value="B"/></xs:restriction></xs:simpleType>
 <xs:element name="CountyRaceCode" type="c:RaceSimpleType" substitutionGroup="nc:PersonRaceAbstract"/>
</xs:schema>"""

_EXTENSION_5 = f"""<xs:schema {XS} targetNamespace="{X}" xmlns:x="{X}" xmlns:nc="{NC5}" xmlns:s="{S5}">
 <xs:import namespace="{S5}" schemaLocation="structures.xsd"/>
 <xs:import namespace="{NC5}" schemaLocation="core.xsd"/>
 <xs:complexType name="PersonAugmentationType"><xs:complexContent><xs:extension base="s:AugmentationType"><xs:sequence>
  <xs:element ref="x:AliasName" minOccurs="0"/><xs:element ref="x:Weight" minOccurs="0"/>
  </xs:sequence></xs:extension></xs:complexContent></xs:complexType>
 <xs:complexType name="OfficerType"><xs:complexContent><xs:extension base="nc:PersonType"><xs:sequence>
  <xs:element ref="x:BadgeID" minOccurs="0"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>
 <xs:complexType name="SubjectType"><xs:complexContent><xs:extension base="s:ObjectType"><xs:sequence>
  <xs:element ref="nc:RoleOfPerson" minOccurs="0"/><xs:element ref="x:SubjectID" minOccurs="0"/>
  </xs:sequence></xs:extension></xs:complexContent></xs:complexType>
 <xs:complexType name="RecordType"><xs:complexContent><xs:extension base="s:ObjectType"><xs:sequence>
  <xs:element ref="x:RecordID"/><xs:element ref="x:RecordDate"/><xs:element ref="x:RecordText" minOccurs="0"/>
  </xs:sequence></xs:extension></xs:complexContent></xs:complexType>
 <xs:complexType name="NumberType"><xs:simpleContent><xs:extension base="xs:string">
  <xs:attribute name="issuer" type="xs:string" use="required"/><xs:attribute name="remark" type="xs:string"/>
  <xs:attributeGroup ref="s:A"/></xs:extension></xs:simpleContent></xs:complexType>
 <xs:complexType name="LinkType"><xs:complexContent><xs:extension base="s:AssociationType"><xs:sequence>
  <xs:element ref="nc:Person" maxOccurs="2"/><xs:element ref="x:LinkText" minOccurs="0"/>
  </xs:sequence></xs:extension></xs:complexContent></xs:complexType>
 <xs:complexType name="NoticeType"><xs:complexContent><xs:extension base="s:ObjectType"><xs:sequence>
  <xs:element ref="x:ActionCode"/><xs:element ref="nc:Person" minOccurs="0" maxOccurs="unbounded"/>
  <xs:element ref="x:Subject" minOccurs="0" maxOccurs="unbounded"/>
  <xs:element ref="x:Record" minOccurs="0" maxOccurs="unbounded"/>
  <xs:element ref="x:Link" minOccurs="0" maxOccurs="unbounded"/>
  <xs:element ref="nc:Metadata" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence></xs:extension></xs:complexContent></xs:complexType>
 <xs:element name="ActionCode" type="xs:token"/>
 <xs:element name="AliasName" type="nc:TextType"/><xs:element name="BadgeID" type="nc:TextType"/>
 <xs:element name="Link" type="x:LinkType"/><xs:element name="LinkText" type="nc:TextType"/>
 <xs:element name="Notice" type="x:NoticeType"/>
 <xs:element name="OtherAugmentation" type="x:PersonAugmentationType" substitutionGroup="nc:PersonAugmentationPoint"/>
 <xs:element name="PersonAugmentation" type="x:PersonAugmentationType" substitutionGroup="nc:PersonAugmentationPoint"/>
 <xs:element name="Record" type="x:RecordType"/><xs:element name="RecordDate" type="nc:DayType"/>
 <xs:element name="RecordID" type="x:NumberType" nillable="true"/><xs:element name="RecordText" type="nc:TextType"/>
 <xs:element name="Subject" type="x:SubjectType"/><xs:element name="SubjectID" type="nc:TextType" nillable="true"/>
 <xs:element name="Weight" type="xs:positiveInteger" nillable="true"/>
</xs:schema>"""

_STRUCTURES_2 = f"""<xs:schema {XS} targetNamespace="{S2}" xmlns:s="{S2}">
 <xs:attribute name="id" type="xs:ID"/><xs:attribute name="ref" type="xs:IDREF"/>
 <xs:attribute name="metadata" type="xs:IDREFS"/><xs:attribute name="linkMetadata" type="xs:IDREFS"/>
 <xs:complexType name="ReferenceType"><xs:attribute ref="s:id"/><xs:attribute ref="s:ref"/>
  <xs:attribute ref="s:linkMetadata"/></xs:complexType>
 <xs:complexType name="ComplexObjectType"><xs:attribute ref="s:id"/><xs:attribute ref="s:metadata"/>
  <xs:attribute ref="s:linkMetadata"/></xs:complexType>
 <xs:complexType name="AugmentationType"><xs:attribute ref="s:id"/><xs:attribute ref="s:metadata"/></xs:complexType>
 <xs:complexType name="MetadataType"><xs:attribute ref="s:id"/></xs:complexType>
 <xs:element name="Augmentation" type="s:AugmentationType" abstract="true"/>
</xs:schema>"""

_EXTENSION_2 = f"""<xs:schema {XS} targetNamespace="{X}" xmlns:x="{X}" xmlns:s="{S2}">
 <xs:import namespace="{S2}" schemaLocation="structures.xsd"/>
 <xs:complexType name="PersonType"><xs:complexContent><xs:extension base="s:ComplexObjectType"><xs:sequence>
  <xs:element ref="x:PersonSurName" minOccurs="0"/>
  <xs:element ref="s:Augmentation" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence></xs:extension></xs:complexContent></xs:complexType>
 <xs:complexType name="PersonAugmentationType"><xs:complexContent><xs:extension base="s:AugmentationType"><xs:sequence>
  <xs:element ref="x:AliasName" minOccurs="0"/><xs:element ref="x:GangName" minOccurs="0"/>
  </xs:sequence></xs:extension></xs:complexContent></xs:complexType>
 <xs:complexType name="SourceType"><xs:complexContent><xs:extension base="s:MetadataType"><xs:sequence>
  <xs:element ref="x:ReporterText" minOccurs="0"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>
 <xs:complexType name="ArrestType"><xs:complexContent><xs:extension base="s:ComplexObjectType"><xs:sequence>
  <xs:element ref="x:ArrestDate" minOccurs="0"/><xs:element ref="x:PersonReference"/>
  </xs:sequence></xs:extension></xs:complexContent></xs:complexType>
 <xs:complexType name="NoticeType"><xs:sequence>
  <xs:element ref="x:ActionCode"/><xs:element ref="x:Person" minOccurs="0" maxOccurs="unbounded"/>
  <xs:element ref="x:Arrest" minOccurs="0" maxOccurs="unbounded"/>
  <xs:element ref="x:Source" minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:complexType>
 <xs:element name="ActionCode" type="xs:token"/><xs:element name="AliasName" type="xs:string"/>
 <xs:element name="Arrest" type="x:ArrestType"/><xs:element name="ArrestDate" type="xs:date"/>
 <xs:element name="GangName" type="xs:string"/><xs:element name="Notice" type="x:NoticeType"/>
 <xs:element name="Person" type="x:PersonType"/><xs:element name="PersonReference" type="s:ReferenceType"/>
 <xs:element name="PersonAugmentation" type="x:PersonAugmentationType" substitutionGroup="s:Augmentation"/>
 <xs:element name="PersonSurName" type="xs:string"/><xs:element name="ReporterText" type="xs:string"/>
 <xs:element name="Source" type="x:SourceType"/>
</xs:schema>"""


@cache
def five() -> Iepd:
    """The exchange under NIEM 5.0."""
    documents = {
        "structures.xsd": _STRUCTURES_5,
        "core.xsd": _CORE_5,
        "codes.xsd": _CODES_5,
        "notice.xsd": _EXTENSION_5,
    }
    return exchange_of("elder-five/1.0", documents, {"x": X, "nc": NC5, "s": S5, "c": f"{X}codes/"})


@cache
def two() -> Iepd:
    """The exchange under NIEM 2.0."""
    documents = {"structures.xsd": _STRUCTURES_2, "notice.xsd": _EXTENSION_2}
    return exchange_of("elder-two/1.0", documents, {"x": X, "s": S2})


def exchange_of(id: str, documents: dict[str, str], namespaces: dict[str, str], root: str = "Notice") -> Iepd:
    """An exchange of these schema documents, every place of it a field."""
    encoded = {name: text.encode() for name, text in documents.items()}
    prefixes = {uri: prefix for prefix, uri in namespaces.items()}
    found = leaves(compile_set(encoded).components, f"{{{X}}}{root}")
    fields = [
        f'  - {{path: "{show_path(leaf.path, prefixes)}", field: f.n{number}, label: {label_of(leaf.path)}, title: a}}'
        for number, leaf in enumerate(found)
    ]
    lines = [f"exchange: {id}", "title: Elder", f"root: x:{root}", "namespaces:"]
    lines += [f"  {prefix}: {uri}" for prefix, uri in namespaces.items()]
    lines += ["schemas:", *(f"  - {name}" for name in documents), "fields:", *fields]
    return load({"fields.yaml": "\n".join(lines).encode(), **encoded}, {})


def label_of(path: tuple[str, ...]) -> str:
    """ "x.person-sur-name" of an element PersonSurName, "x.at-issuer" of an attribute."""
    local = split(path[-1].lstrip("@"))[1]
    words = "-".join(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", local)).lower()
    return f"x.at-{words}" if path[-1].startswith("@") else f"x.{words}"


def notice(iepd: Iepd, body: str, attributes: str = "") -> Document:
    """A message of one of these exchanges; it is valid."""
    spaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in iepd.namespaces.items())
    document = parse(
        f'<x:Notice {spaces} xmlns:ism="{ISM}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" {attributes}>'
        f"<x:ActionCode>new</x:ActionCode>{body}</x:Notice>".encode()
    )
    findings = validate(document, iepd)
    assert findings == (), findings[:3]
    return document


def shown(kept: Cut) -> str:
    """What is left below the action, without namespace declarations."""
    text = etree.tostring(kept.document.root, encoding="unicode")
    text = re.sub(r' xmlns:\w+="[^"]*"', "", text)
    return text.split("</x:ActionCode>", 1)[1].removesuffix("</x:Notice>")
