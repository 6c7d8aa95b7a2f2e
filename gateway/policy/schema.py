"""JSON Schema of an agreement's file, so that any editor completes its words and says what they mean.

Draft-07, the newest that yaml-language-server (VS Code, vim, Emacs, JetBrains) reads. Made from the declarations the
reader uses and from the field catalogs: within a clause exactly the labels, fields and facts of its exchange are
offered, each with its title. An editor sees form and words; what an agreement means `gateway mou lint` judges.
"""

from collections.abc import Iterable

from gateway.iepd.catalog import Catalog
from gateway.iepd.facts import FactKind
from gateway.iepd.package import Iepd
from gateway.policy.format import AGREEMENT
from gateway.policy.format_clause import CLAUSE
from gateway.policy.shape import NOWHERE, Around, Json, listed
from gateway.policy.shape_table import described
from gateway.policy.titles import shortened

DRAFT = "http://json-schema.org/draft-07/schema#"
TITLES_LENGTH_MAX = 200
"""Characters of a label's hover text."""

_OF_AN_EXCHANGE = ("route", "fields", "before")
"""Keys of a clause whose words are those of its exchange."""


def agreement_schema(iepds: Iterable[Iepd]) -> Json:
    """The schema with these exchanges; with none, any word of the right form is taken for a field."""
    exchanges = sorted(iepds, key=lambda iepd: iepd.id)
    schema = {"$schema": DRAFT, "title": "Agreement", **AGREEMENT.schema(NOWHERE)}
    if not exchanges:
        return schema
    keys = {key.name: key for key in CLAUSE.keys}
    clause = CLAUSE.schema(NOWHERE)
    clause["properties"] = _properties(clause) | {
        "exchange": {
            "description": keys["exchange"].title,
            "type": "string",
            **listed({iepd.id: iepd.title for iepd in exchanges}),
        }
    }
    clause["allOf"] = [
        {
            "if": {"required": ["exchange"], "properties": {"exchange": {"const": iepd.id}}},
            "then": {"$ref": f"#/definitions/{_name(iepd)}"},
        }
        for iepd in exchanges
    ]
    place = _properties(schema)["exchanges"]
    schema["properties"] = _properties(schema) | {"exchanges": {**place, "items": clause}}
    schema["definitions"] = {
        _name(iepd): {"properties": {name: described(keys[name], around(iepd)) for name in _OF_AN_EXCHANGE}}
        for iepd in exchanges
    }
    return schema


def _properties(schema: Json) -> dict[str, Json]:
    found = schema["properties"]
    assert isinstance(found, dict)  # noqa: S101  (both callers give the schema of a table)
    return found


def _name(iepd: Iepd) -> str:
    return iepd.id.replace("/", "-")


def around(iepd: Iepd) -> Around:
    """The words of an exchange."""
    return Around(
        fields=known_words(iepd.catalog),
        facts={fact.name: fact.title for fact in iepd.facts},
        moments={fact.name: fact.title for fact in iepd.facts if fact.kind is FactKind.DATE and not fact.each},
    )


def known_words(catalog: Catalog) -> dict[str, str]:
    """Every word an agreement may use for fields of this exchange, with the fields it means in officers' words."""
    labels = catalog.labels()
    stems = sorted(
        {".".join(label.split(".")[:length]) for label in labels for length in range(1, label.count(".") + 2)}
    )
    named = {field.name: field.title for field in catalog.fields}
    return {
        **{label: _titles(catalog, label) for label in labels},
        **{f"{stem}.*": _titles(catalog, f"{stem}.*") for stem in stems},
        **{name: named[name] for name in sorted(named) if name not in labels},
    }


def _titles(catalog: Catalog, word: str) -> str:
    return shortened(dict.fromkeys(field.title for field in catalog.select(word)), TITLES_LENGTH_MAX)
