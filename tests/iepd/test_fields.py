"""Tests for gateway/iepd/fields.py: fields.yaml read strictly."""

import pytest

from gateway.document.source import read_source
from gateway.finding import Finding
from gateway.iepd.fields import Declared, read_fields

from .invented import FIELDS_YAML, NOTICE


def read(data: bytes) -> tuple[Declared | None, tuple[Finding, ...]]:
    """What a file declares, and all findings: those of YAML and those of the catalog."""
    source, findings = read_source(data, "fields.yaml")
    if source is None:
        return None, findings
    declared, wrong = read_fields(source)
    return declared, findings + wrong


def codes(text: str) -> set[str]:
    return {finding.code for finding in read(text.encode())[1]}


def changed(old: str, new: str) -> str:
    assert old in FIELDS_YAML
    return FIELDS_YAML.replace(old, new)


def test_a_good_file_has_no_findings() -> None:
    declared, findings = read(FIELDS_YAML.encode())
    assert findings == ()
    assert declared is not None
    assert declared.root == f"{{{NOTICE}}}Notice"
    assert [schema.value for schema in declared.schemas] == ["core/core.xsd", "core/codes.xsd", "extension.xsd"]
    assert declared.fields[0].path == ("@version",)
    assert [fact.missing for fact, _ in declared.facts] == [True, False, "", "unknown"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("exchange: invented-notice/1.0", "exchange: Invented Notice", "fields.wrong-value"),
        ("exchange: invented-notice/1.0", "exchange: ../etc/1.0", "fields.wrong-value"),
        ("title: Invented notice", "title: 7", "fields.wrong-type"),
        ("title: Invented notice\n", "", "fields.missing-key"),
        ("title: Invented notice", "title: &a Invented notice", "yaml.anchor"),
        ("title: Invented notice", "title: a\ntitle: b", "yaml.duplicate-key"),
        ("root: n:Notice", "root: n:Notice/n:Subject", "fields.bad-path"),
        ("root: n:Notice", "root: x:Notice", "fields.unknown-prefix"),
        ("  n: urn", "  xmln: urn", "fields.bad-prefix"),
        ("  c: urn:invented:county-codes", "  c: urn:invented:notice", "fields.duplicate-namespace"),
        ("action: n:ActionCode", "akcion: n:ActionCode", "fields.unknown-key"),
        ("path: n:EarlierID, field", "path: /n:EarlierID, field", "fields.bad-path"),
        ("path: n:EarlierID, field", "path: EarlierID, field", "fields.bad-path"),
        ("path: n:EarlierID, field", "path: 'n:*', field", "fields.bad-path"),
        ("path: n:EarlierID, field", "path: 'n:EarlierID[1]', field", "fields.bad-path"),
        ("path: n:EarlierID, field", "path: '@a/n:EarlierID', field", "fields.bad-path"),
        ("path: n:EarlierID, field", "path: n:ActionCode, field", "fields.duplicate"),
        ("field: message.earlier", "field: message.action", "fields.duplicate"),
        ("field: message.earlier", "field: person.name", "fields.ambiguous-name"),
        ("field: message.earlier", "field: Message Earlier", "fields.wrong-value"),
        ("label: person.dob", "label: person.*", "fields.wrong-value"),
        ("label: person.dob, ", "", "fields.missing-key"),
        ("label: person.dob", "lable: person.dob", "fields.unknown-key"),
        ("fact: race", "fact: juvenile", "fields.duplicate"),
        ("each: n:Subject, test: nc", "each: n:Subject/@a, test: nc", "fields.bad-path"),
        ("n:Subject/n:RiskScore >= 7", "n:Subject/n:RiskScore >= $x", "fields.bad-expression"),
        ("n:Subject/n:RiskScore >= 7", "n:Subject/n:RiskScore", "fields.bad-expression"),
        ("n:Subject/n:RiskScore >= 7", "document('x')", "fields.bad-expression"),
        ("kind: text", "kind: number", "fields.wrong-value"),
        ("missing: unknown", "missing: true", "fields.wrong-type"),
        ("missing: false", "missing: ''", "fields.wrong-type"),
        ("missing: unknown", "missing: 3", "fields.wrong-type"),
        ("missing: unknown", "missing: [a]", "fields.wrong-type"),
    ],
)
def test_each_mistake_has_its_finding(old: str, new: str, code: str) -> None:
    assert code in codes(changed(old, new))


@pytest.mark.parametrize("key", ["namespaces", "schemas", "message", "fields", "facts"])
def test_a_part_of_the_wrong_kind_is_a_finding(key: str) -> None:
    lines = FIELDS_YAML.splitlines(keepends=True)
    start = next(index for index, line in enumerate(lines) if line.startswith(key + ":"))
    end = next((i for i in range(start + 1, len(lines)) if not lines[i].startswith(" ")), len(lines))
    text = "".join([*lines[:start], f"{key}: text\n", *lines[end:]])
    assert "fields.wrong-type" in codes(text)


def test_an_unknown_key_is_answered_with_the_nearest_known_one() -> None:
    _, findings = read(changed("label: person.dob", "lable: person.dob").encode())
    assert any("did you mean 'label'?" in finding.text for finding in findings)


def test_an_empty_list_of_schemas_is_a_finding() -> None:
    text = changed("  - core/core.xsd\n  - core/codes.xsd\n  - extension.xsd\n", "").replace("schemas:", "schemas: []")
    assert "fields.empty-list" in codes(text)
