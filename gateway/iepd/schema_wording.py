"""Our own words for what is wrong with a schema document."""

from lxml import etree

from gateway.document.path import line_of

_WORDS = {
    "SCHEMAP_NOT_DETERMINISTIC": (
        "schema.ambiguous",
        "the content model is ambiguous: one child could be read as two of its particles (Unique Particle Attribution)",
    ),
    "SCHEMAP_COS_NONAMBIG": (
        "schema.ambiguous",
        "the content model is ambiguous: one child could be read as two of its particles (Unique Particle Attribution)",
    ),
    "SCHEMAP_SRC_RESOLVE": ("schema.unresolved", "a component is named that no document of the set declares"),
    "SCHEMAP_REDEFINED_ELEMENT": ("schema.defined-twice", "an element is declared twice"),
    "SCHEMAP_REDEFINED_TYPE": ("schema.defined-twice", "a type is defined twice"),
    "SCHEMAP_REDEFINED_ATTR": ("schema.defined-twice", "an attribute is declared twice"),
    "SCHEMAP_SCH_PROPS_CORRECT_2": ("schema.defined-twice", "a component is defined twice"),
    "SCHEMAP_E_PROPS_CORRECT_4": (
        "schema.wrong-substitution",
        "the element's type does not derive from the type of the element it may stand for",
    ),
    "SCHEMAP_S4S_ELEM_NOT_ALLOWED": ("schema.not-allowed", "an element that XSD does not allow here"),
    "SCHEMAP_S4S_ATTR_NOT_ALLOWED": ("schema.not-allowed", "an attribute that XSD does not allow here"),
    "SCHEMAP_S4S_ATTR_INVALID_VALUE": ("schema.not-allowed", "an attribute value that XSD does not allow here"),
    "SCHEMAP_S4S_ELEM_MISSING": ("schema.not-allowed", "an element that XSD asks for is missing here"),
    "SCHEMAP_COS_ST_RESTRICTS_1_1": ("schema.wrong-derivation", "the type is not derived as XSD asks"),
}
"""libxml2's error name to our code and words."""

_NAMING = ("name", "ref", "type", "base")


def word_schema_error(entry: etree._LogEntry, root: etree._Element, line: int | None) -> tuple[str, str]:
    """Code and text for one of libxml2's errors on a schema document; names the declaration on that line."""
    code, text = _WORDS.get(entry.type_name, ("schema.not-usable", "XSD does not allow this schema component"))
    if line is None:
        return code, text
    for node in root.iter(etree.Element):
        if line_of(node) == line:
            named = next((f"{key}={value!r}" for key in _NAMING if (value := node.get(key))), "")
            what = str(node.tag).rpartition("}")[2]
            return code, f"xs:{what} {named}: {text}" if named else f"xs:{what}: {text}"
    return code, text
