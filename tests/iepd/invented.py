"""A small exchange, invented for the tests: structures like NIEM 6.0's, a core, an extension, fields and facts."""

from gateway.iepd.package import Iepd, load

STRUCTURES = "https://docs.oasis-open.org/niemopen/ns/model/structures/6.0/"
CORE = "https://docs.oasis-open.org/niemopen/ns/model/niem-core/6.0/"
NOTICE = "urn:invented:notice"
CODES = "urn:invented:county-codes"
XS = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"'
XSI = "http://www.w3.org/2001/XMLSchema-instance"

STRUCTURES_XSD = f"""<xs:schema {XS} targetNamespace="{STRUCTURES}" xmlns:s="{STRUCTURES}">
  <xs:attribute name="id" type="xs:ID"/>
  <xs:attribute name="ref" type="xs:IDREF"/>
  <xs:attribute name="uri" type="xs:anyURI"/>
  <xs:attributeGroup name="SimpleObjectAttributeGroup">
    <xs:attribute ref="s:id"/><xs:attribute ref="s:ref"/><xs:attribute ref="s:uri"/>
  </xs:attributeGroup>
  <xs:complexType name="ObjectType" abstract="true">
    <xs:sequence/>
    <xs:attributeGroup ref="s:SimpleObjectAttributeGroup"/>
  </xs:complexType>
</xs:schema>
"""

CORE_XSD = f"""<xs:schema {XS} targetNamespace="{CORE}" xmlns:nc="{CORE}" xmlns:s="{STRUCTURES}">
  <xs:import namespace="{STRUCTURES}" schemaLocation="structures.xsd"/>
  <xs:attribute name="metadataRef" type="xs:IDREFS"/>
  <xs:complexType name="TextType">
    <xs:simpleContent>
      <xs:extension base="xs:string">
        <xs:attribute ref="nc:metadataRef"/>
        <xs:attributeGroup ref="s:SimpleObjectAttributeGroup"/>
      </xs:extension>
    </xs:simpleContent>
  </xs:complexType>
  <xs:complexType name="DateType">
    <xs:simpleContent>
      <xs:extension base="xs:date"><xs:attributeGroup ref="s:SimpleObjectAttributeGroup"/></xs:extension>
    </xs:simpleContent>
  </xs:complexType>
  <xs:complexType name="IndicatorType">
    <xs:simpleContent>
      <xs:extension base="xs:boolean"><xs:attributeGroup ref="s:SimpleObjectAttributeGroup"/></xs:extension>
    </xs:simpleContent>
  </xs:complexType>
  <xs:complexType name="PersonType">
    <xs:complexContent>
      <xs:extension base="s:ObjectType">
        <xs:sequence>
          <xs:element ref="nc:PersonName" minOccurs="0" maxOccurs="unbounded"/>
          <xs:element ref="nc:PersonBirthDate" minOccurs="0"/>
          <xs:element ref="nc:PersonRaceAbstract" minOccurs="0"/>
          <xs:element ref="nc:PersonAugmentationPoint" minOccurs="0" maxOccurs="unbounded"/>
        </xs:sequence>
      </xs:extension>
    </xs:complexContent>
  </xs:complexType>
  <xs:element name="Person" type="nc:PersonType" nillable="true"/>
  <xs:element name="PersonName" type="nc:TextType" nillable="true"/>
  <xs:element name="PersonBirthDate" type="nc:DateType"/>
  <xs:element name="PersonRaceAbstract" abstract="true"/>
  <xs:element name="PersonRaceText" type="nc:TextType" substitutionGroup="nc:PersonRaceAbstract"/>
  <xs:element name="PersonAugmentationPoint" abstract="true"/>
</xs:schema>
"""

EXTENSION_XSD = f"""<xs:schema {XS} targetNamespace="{NOTICE}" xmlns:n="{NOTICE}"
  xmlns:nc="{CORE}" xmlns:s="{STRUCTURES}">
  <xs:import namespace="{CORE}" schemaLocation="../../../xsd/core/core.xsd"/>
  <xs:import namespace="{STRUCTURES}" schemaLocation="../../../xsd/core/structures.xsd"/>
  <xs:simpleType name="ActionCodeSimpleType">
    <xs:restriction base="xs:token">
      <xs:enumeration value="new"/><xs:enumeration value="update"/>
      <xs:enumeration value="correct"/><xs:enumeration value="cancel"/>
    </xs:restriction>
  </xs:simpleType>
  <xs:simpleType name="NumberSimpleType">
    <xs:restriction base="xs:token">
      <xs:pattern value="[A-Z]{{2}}-[0-9]{{4}}"/><xs:maxLength value="7"/>
    </xs:restriction>
  </xs:simpleType>
  <xs:simpleType name="ScoreSimpleType">
    <xs:restriction base="xs:integer"><xs:minInclusive value="1"/><xs:maxInclusive value="9"/></xs:restriction>
  </xs:simpleType>
  <xs:simpleType name="DaysSimpleType"><xs:list itemType="xs:date"/></xs:simpleType>
  <xs:simpleType name="WhenSimpleType"><xs:union memberTypes="xs:date xs:gYear"/></xs:simpleType>
  <xs:complexType name="SubjectType">
    <xs:complexContent>
      <xs:extension base="nc:PersonType">
        <xs:sequence>
          <xs:element ref="n:SubjectNumber"/>
          <xs:element ref="n:JuvenileIndicator" minOccurs="0"/>
          <xs:element ref="n:RiskScore" minOccurs="0"/>
        </xs:sequence>
      </xs:extension>
    </xs:complexContent>
  </xs:complexType>
  <xs:complexType name="NoticeType">
    <xs:complexContent>
      <xs:extension base="s:ObjectType">
        <xs:sequence>
          <xs:element ref="n:ActionCode"/>
          <xs:element ref="n:EarlierID" minOccurs="0"/>
          <xs:element ref="n:ReasonText" minOccurs="0"/>
          <xs:element ref="n:AsOfDateTime" minOccurs="0"/>
          <xs:element ref="n:Subject" maxOccurs="unbounded"/>
          <xs:element ref="nc:Person" minOccurs="0" maxOccurs="unbounded"/>
          <xs:element ref="n:VisitDays" minOccurs="0"/>
          <xs:element ref="n:When" minOccurs="0"/>
        </xs:sequence>
        <xs:attribute name="version" type="xs:token" use="required"/>
      </xs:extension>
    </xs:complexContent>
  </xs:complexType>
  <xs:element name="Notice" type="n:NoticeType"/>
  <xs:element name="ActionCode" type="n:ActionCodeSimpleType"/>
  <xs:element name="EarlierID" type="xs:token"/>
  <xs:element name="ReasonText" type="nc:TextType"/>
  <xs:element name="AsOfDateTime" type="xs:dateTime"/>
  <xs:element name="Subject" type="n:SubjectType" nillable="true"/>
  <xs:element name="SubjectNumber" type="n:NumberSimpleType"/>
  <xs:element name="JuvenileIndicator" type="nc:IndicatorType"/>
  <xs:element name="RiskScore" type="n:ScoreSimpleType"/>
  <xs:element name="VisitDays" type="n:DaysSimpleType"/>
  <xs:element name="When" type="n:WhenSimpleType"/>
</xs:schema>
"""

CODES_XSD = f"""<xs:schema {XS} targetNamespace="{CODES}" xmlns:c="{CODES}" xmlns:nc="{CORE}">
  <xs:import namespace="{CORE}" schemaLocation="core.xsd"/>
  <xs:simpleType name="RaceCodeSimpleType">
    <xs:restriction base="xs:token"><xs:enumeration value="A"/><xs:enumeration value="B"/></xs:restriction>
  </xs:simpleType>
  <xs:element name="RaceCode" type="c:RaceCodeSimpleType" substitutionGroup="nc:PersonRaceAbstract"/>
</xs:schema>
"""

FIELDS_YAML = f"""exchange: invented-notice/1.0
title: Invented notice
root: n:Notice
namespaces:
  n: {NOTICE}
  nc: {CORE}
  c: {CODES}
schemas:
  - core/core.xsd
  - core/codes.xsd
  - extension.xsd
message: {{action: n:ActionCode, earlier: n:EarlierID, reason: n:ReasonText, as_of: n:AsOfDateTime}}
fields:
  - {{path: "@version", field: message.version, label: message, title: Version}}
  - {{path: n:ActionCode, field: message.action, label: message, title: Action}}
  - {{path: n:EarlierID, field: message.earlier, label: message, title: Earlier message}}
  - {{path: n:ReasonText, field: message.reason, label: message, title: Reason}}
  - {{path: n:ReasonText/@nc:metadataRef, field: message.reason.metadata, label: message, title: Reason's metadata}}
  - {{path: n:AsOfDateTime, field: message.as-of, label: message, title: As of}}
  - {{path: n:Subject/nc:PersonName, field: person.name.full, label: person.name, title: Name}}
  - {{path: n:Subject/nc:PersonName/@nc:metadataRef, field: person.name.metadata, label: person.name, title: Metadata}}
  - {{path: n:Subject/nc:PersonBirthDate, field: person.born, label: person.dob, title: Date of birth}}
  - {{path: n:Subject/nc:PersonRaceText, field: person.race.text, label: person.race, title: Race}}
  - {{path: n:Subject/nc:PersonRaceText/@nc:metadataRef, field: person.race.metadata, label: person.race, title: Meta}}
  - {{path: n:Subject/c:RaceCode, field: person.race.code, label: person.race, title: Race code}}
  - {{path: n:Subject/n:SubjectNumber, field: person.number, label: person.id, title: Number}}
  - {{path: n:Subject/n:JuvenileIndicator, field: person.juvenile, label: juvenile.mark, title: Juvenile}}
  - {{path: n:Subject/n:RiskScore, field: risk.score, label: risk, title: Risk score}}
  - {{path: nc:Person/nc:PersonName, field: other.name, label: thirdparty.name, title: Other's name}}
  - {{path: nc:Person/nc:PersonName/@nc:metadataRef, field: other.name.metadata, label: thirdparty.name, title: Meta}}
  - {{path: nc:Person/nc:PersonBirthDate, field: other.born, label: thirdparty.dob, title: Other's date of birth}}
  - {{path: nc:Person/nc:PersonRaceText, field: other.race, label: thirdparty.race, title: Other's race}}
  - {{path: nc:Person/nc:PersonRaceText/@nc:metadataRef, field: other.race.metadata, label: thirdparty.race, title: M}}
  - {{path: nc:Person/c:RaceCode, field: other.race.code, label: thirdparty.race, title: Other's race code}}
  - {{path: n:VisitDays, field: visit.days, label: release.visits, title: Days}}
  - {{path: n:When, field: release.when, label: release.when-about, title: When}}
facts:
  - {{fact: juvenile, title: child, each: n:Subject, test: n:JuvenileIndicator = 'true', kind: boolean, missing: true}}
  - {{fact: any-subject-at-risk, title: risk, each: ., test: n:Subject/n:RiskScore >= 7, kind: boolean, missing: false}}
  - {{fact: as-of, title: day, each: ".", test: n:AsOfDateTime, kind: date, missing: ""}}
  - {{fact: race, title: race, each: n:Subject, test: nc:PersonRaceText | c:RaceCode, kind: text, missing: unknown}}
"""

XSD = {
    "core/structures.xsd": STRUCTURES_XSD.encode(),
    "core/core.xsd": CORE_XSD.encode(),
    "core/codes.xsd": CODES_XSD.encode(),
}


def folder(fields: str = FIELDS_YAML, extension: str = EXTENSION_XSD, **more: bytes) -> dict[str, bytes]:
    return {"fields.yaml": fields.encode(), "extension.xsd": extension.encode(), **more}


def invented(fields: str = FIELDS_YAML, extension: str = EXTENSION_XSD) -> Iepd:
    return load(folder(fields, extension, **{"samples/smallest.xml": notice()}), XSD)


SUBJECT = "<n:Subject><n:SubjectNumber>AB-1234</n:SubjectNumber></n:Subject>"


def notice(body: str = SUBJECT, head: str = "<n:ActionCode>new</n:ActionCode>", attributes: str = "") -> bytes:
    return (
        f'<n:Notice xmlns:n="{NOTICE}" xmlns:nc="{CORE}" xmlns:c="{CODES}" xmlns:s="{STRUCTURES}" xmlns:xsi="{XSI}"'
        f' version="1" {attributes}>\n{head}\n{body}\n</n:Notice>'
    ).encode()
