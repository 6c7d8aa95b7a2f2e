"""Our own words for libxml2's validity errors, made from its error number and the schema's declarations.

libxml2's texts quote values, so nothing of them is passed on. Two things are read from them, and both are held against
the schema before they are used: the name of an attribute, and the names of expected children.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lxml import etree

from gateway.document.names import XSI, join, split
from gateway.document.parse import text
from gateway.finding import Severity
from gateway.iepd.catalog import ValueType, value_type
from gateway.iepd.components import ANY_TYPE, Components

_ATTRIBUTE = re.compile(r", attribute '([^']+)': ")
_MISSING = re.compile(r"The attribute '([^']+)' is required but missing\.$")
_EXPECTED = re.compile(r"(?:##other|##any|[{][^{}\s]*[}][^\s,]+|[^\s,(){}]+)")
_NAMES_MAX = 12
_NC_NAME = re.compile(r"[^\W\d][\w.\-]*")
_XSI_TYPE = join(XSI, "type")

_BUILTINS = {
    "date": "a date, YYYY-MM-DD",
    "dateTime": "a date and time, YYYY-MM-DDThh:mm:ss",
    "time": "a time, hh:mm:ss",
    "duration": "a duration, such as P1Y6M",
    "gYear": "a year, YYYY",
    "gYearMonth": "a year and month, YYYY-MM",
    "boolean": "true or false",
    "decimal": "a decimal number",
    "double": "a number",
    "float": "a number",
    "base64Binary": "base64",
    "hexBinary": "hexadecimal digits",
    "anyURI": "a URI",
    "ID": "a name that is unique in the message",
    "IDREF": "the name of another element",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """Code and text of one finding, and the attribute it is about ("" = the element itself)."""

    code: str
    text: str
    attribute: str = ""
    severity: Severity = Severity.ERROR


class Words:
    """Puts libxml2's errors on one schema set into our words."""

    def __init__(self, components: Components, prefixes: Mapping[str, str]) -> None:
        self._components = components
        self._prefixes = prefixes

    def word(self, entry: etree._LogEntry, element: etree._Element | None) -> Wording:
        """The finding for one error at this element (None: not known which)."""
        name = str(entry.type_name)
        if element is None:
            return Wording(code=_CODES.get(name, _OTHER)[0], text=_CODES.get(name, _OTHER)[1])
        attribute = self._attribute(str(entry.message), element)
        if name == "SCHEMAV_ELEMENT_CONTENT":
            return self._content(str(entry.message), element)
        if name == "SCHEMAV_CVC_COMPLEX_TYPE_4":
            return self._missing_attribute(str(entry.message), element)
        if name in _NOT_ALLOWED:
            return Wording(
                code="schema.attribute-not-allowed", text="this attribute is not allowed", attribute=attribute
            )
        if name in _VALUE:
            return self._value(name, element, attribute)
        code, words = _CODES.get(name, _OTHER)
        return Wording(code=code, text=words, attribute=attribute)

    def show(self, name: str) -> str:
        """A schema component's name with its prefix, "nc:Person"; without one, only its local part."""
        namespace, local = split(name)
        prefix = self._prefixes.get(namespace)
        return f"{prefix}:{local}" if prefix else local

    # --- children ---

    def _content(self, message: str, element: etree._Element) -> Wording:
        cause, _, tail = message.rpartition(" Expected is ")
        expected = self._expected(tail) if cause else ()
        listed = self._list([self.show(name) for name in expected])
        if (cause or message).endswith("Missing child element(s)."):
            return Wording(code="schema.missing-element", text=f"a required element is missing here: {listed}")
        where = f"; expected here: {listed}" if expected else "; nothing more may follow here"
        if str(element.tag) not in self._components.elements and not self._is_local(element):
            return Wording(code="schema.unknown-element", text=f"the schema does not know this element{where}")
        return Wording(code="schema.unexpected-element", text=f"this element may not stand here{where}")

    def _is_local(self, element: etree._Element) -> bool:
        return any(str(element.tag) in each.local for each in self._components.types.values())

    def _expected(self, tail: str) -> tuple[str, ...]:
        """Names that libxml2 lists and that the schema declares: nothing a sender wrote can come through."""
        found = [name for name in _EXPECTED.findall(tail) if name in self._components.elements]
        return tuple(dict.fromkeys(found))

    @staticmethod
    def _list(names: list[str]) -> str:
        shown = ", ".join(names[:_NAMES_MAX])
        return f"{shown}, and {len(names) - _NAMES_MAX} more" if len(names) > _NAMES_MAX else shown or "see the schema"

    # --- attributes ---

    def _attribute(self, message: str, element: etree._Element) -> str:
        """The attribute an error is about, if the element really has it."""
        match = _ATTRIBUTE.search(message)
        return match[1] if match is not None and match[1] in element.attrib else ""

    def _missing_attribute(self, message: str, element: etree._Element) -> Wording:
        match = _MISSING.search(message)
        declared = self._components.attributes_of(self.type_of(element))
        named = f": {self.show(match[1])}" if match is not None and match[1] in declared else ""
        return Wording(code="schema.missing-attribute", text=f"a required attribute is missing{named}")

    # --- values ---

    def _value(self, name: str, element: etree._Element, attribute: str) -> Wording:
        type_name = self._attribute_type(element, attribute) if attribute else self.type_of(element)
        allowed = value_type(self._components, type_name)
        what = self.show(type_name) if type_name in self._components.types and "#" not in type_name else ""
        if attribute and allowed.builtin == "ID" and _NC_NAME.fullmatch((element.get(attribute) or "").strip()):
            return Wording(
                code="reference.duplicate-id",
                text="another element of the message has the same id",
                attribute=attribute,
            )
        code, words = _VALUE[name](allowed) or ("schema.bad-value", f"the value must be {_described(allowed)}")
        ending = f" ({what})" if what else ""
        return Wording(code=code, text=words + ending, attribute=attribute)

    def _attribute_type(self, element: etree._Element, attribute: str) -> str:
        if attribute == join(XSI, "nil"):
            return join("http://www.w3.org/2001/XMLSchema", "boolean")
        own = self._components.attributes_of(self.type_of(element)).get(attribute)
        declared = own or self._components.attributes.get(attribute)
        return declared.type if declared is not None else ANY_TYPE

    def type_of(self, element: etree._Element) -> str:
        """The type an element is judged by: of its xsi:type where that names one, else of its declaration."""
        named = element.get(_XSI_TYPE)
        if named is not None:
            prefix, _, local = named.strip().rpartition(":")
            given = join(element.nsmap.get(prefix or None) or "", local)
            if given in self._components.types:
                return given
        declared = self._components.elements.get(str(element.tag))
        parent = element.getparent()
        if declared is None and parent is not None:
            declared = self._components.element_in(self.type_of(parent), str(element.tag))
        return declared.type if declared is not None else ANY_TYPE


def _described(allowed: ValueType) -> str:
    """What a value must look like, in words."""
    if allowed.enumeration is not None:
        codes = ", ".join(allowed.enumeration[:_NAMES_MAX])
        more = len(allowed.enumeration) - _NAMES_MAX
        return f"one of the codes {codes}, and {more} more" if more > 0 else f"one of the codes {codes}"
    words = _BUILTINS.get(allowed.builtin) or ("a whole number" if allowed.kind == "integer" else "of its schema type")
    return f"a list, each of it {words}" if allowed.is_list else words


_Described = tuple[str, str] | None


def _any(_: ValueType) -> _Described:
    return None


def _too_long(allowed: ValueType) -> _Described:
    return "schema.too-long", f"the value is longer than {allowed.length_max} characters"


def _too_short(allowed: ValueType) -> _Described:
    return "schema.too-short", f"the value is shorter than {allowed.length_min} characters"


def _wrong_length(allowed: ValueType) -> _Described:
    return "schema.wrong-length", f"the value must have exactly {allowed.length_max} characters"


def _too_small(allowed: ValueType) -> _Described:
    return (
        "schema.out-of-range",
        f"the value must be {'more than' if allowed.exclusive else 'at least'} {allowed.minimum}",
    )


def _too_big(allowed: ValueType) -> _Described:
    return (
        "schema.out-of-range",
        f"the value must be {'less than' if allowed.exclusive else 'at most'} {allowed.maximum}",
    )


def _too_many_digits(allowed: ValueType) -> _Described:
    return "schema.too-many-digits", f"the value has more than {allowed.digits} digits"


def _too_fine(allowed: ValueType) -> _Described:
    return "schema.too-many-digits", f"the value has more than {allowed.fraction_digits} digits after the point"


def _no_match(allowed: ValueType) -> _Described:
    return "schema.wrong-form", f"the value does not have the form {' and '.join(allowed.patterns) or 'of its type'}"


def _no_code(allowed: ValueType) -> _Described:
    return "schema.unknown-code", f"the value must be {_described(allowed)}"


_VALUE: dict[str, Callable[[ValueType], _Described]] = {
    "SCHEMAV_CVC_DATATYPE_VALID_1_2_1": _any,
    "SCHEMAV_CVC_DATATYPE_VALID_1_2_2": _any,
    "SCHEMAV_CVC_DATATYPE_VALID_1_2_3": _any,
    "SCHEMAV_CVC_ENUMERATION_VALID": _no_code,
    "SCHEMAV_CVC_PATTERN_VALID": _no_match,
    "SCHEMAV_CVC_LENGTH_VALID": _wrong_length,
    "SCHEMAV_CVC_MINLENGTH_VALID": _too_short,
    "SCHEMAV_CVC_MAXLENGTH_VALID": _too_long,
    "SCHEMAV_CVC_MININCLUSIVE_VALID": _too_small,
    "SCHEMAV_CVC_MINEXCLUSIVE_VALID": _too_small,
    "SCHEMAV_CVC_MAXINCLUSIVE_VALID": _too_big,
    "SCHEMAV_CVC_MAXEXCLUSIVE_VALID": _too_big,
    "SCHEMAV_CVC_TOTALDIGITS_VALID": _too_many_digits,
    "SCHEMAV_CVC_FRACTIONDIGITS_VALID": _too_fine,
}
_NOT_ALLOWED = frozenset({"SCHEMAV_CVC_COMPLEX_TYPE_3_2_1", "SCHEMAV_CVC_COMPLEX_TYPE_3_2_2", "SCHEMAV_CVC_TYPE_3_1_1"})
_OTHER = ("schema.not-valid", "the schema does not allow this")
_CODES = {
    "SCHEMAV_ELEMENT_CONTENT": ("schema.unexpected-element", "an element is missing here or may not stand here"),
    "SCHEMAV_CVC_ELT_1": ("schema.wrong-root", "the schema does not know this root element"),
    "SCHEMAV_CVC_ELT_2": ("schema.abstract", "this element is only a head of others and may not stand in a message"),
    "SCHEMAV_CVC_TYPE_2": ("schema.abstract", "the element's type is abstract: xsi:type must name another one"),
    "SCHEMAV_CVC_ELT_3_1": ("schema.not-nillable", "this element may not be nil"),
    "SCHEMAV_CVC_ELT_3_2_1": ("schema.nil-with-content", "an element that is nil (xsi:nil) must be empty"),
    "SCHEMAV_CVC_ELT_4_1": ("schema.wrong-xsi-type", "xsi:type is not a name"),
    "SCHEMAV_CVC_ELT_4_2": ("schema.wrong-xsi-type", "xsi:type names a type that the schema does not know"),
    "SCHEMAV_CVC_ELT_4_3": ("schema.wrong-xsi-type", "xsi:type names a type that may not stand here"),
    "SCHEMAV_CVC_ELT_5_2_2_2_1": ("schema.not-fixed", "the value must be the fixed one of the schema"),
    "SCHEMAV_CVC_ELT_5_2_2_2_2": ("schema.not-fixed", "the value must be the fixed one of the schema"),
    "SCHEMAV_CVC_COMPLEX_TYPE_1": ("schema.not-fixed", "the value must be the fixed one of the schema"),
    "SCHEMAV_CVC_COMPLEX_TYPE_2_1": ("schema.content-not-allowed", "this element must be empty"),
    "SCHEMAV_CVC_COMPLEX_TYPE_2_2": ("schema.content-not-allowed", "this element holds a value and no elements"),
    "SCHEMAV_CVC_COMPLEX_TYPE_2_3": ("schema.text-not-allowed", "there is text between the elements here"),
    "SCHEMAV_CVC_TYPE_3_1_2": ("schema.content-not-allowed", "this element holds a value and no elements"),
    "SCHEMAV_CVC_ATTRIBUTE_4": ("schema.not-fixed", "the attribute's value must be the fixed one of the schema"),
    "SCHEMAV_CVC_AU": ("schema.not-fixed", "the attribute's value must be the fixed one of the schema"),
    "SCHEMAV_CVC_IDC": ("schema.key", "a key of the schema is missing, doubled or points at nothing"),
    "SCHEMAV_CVC_WILDCARD": ("schema.not-known-here", "the schema does not know what stands here"),
}


def shown_attribute(attribute: str, prefixes: Mapping[str, str]) -> str:
    """Last step of a path for an attribute, "/@structures:ref"; "" for none."""
    if not attribute:
        return ""
    namespace, local = split(attribute)
    prefix = "xsi" if namespace == XSI else prefixes.get(namespace)
    return f"/@{prefix}:{local}" if prefix else f"/@{local}"


def nothing_but_space(element: etree._Element) -> bool:
    """Whether an element has neither child elements nor text."""
    return next(element.iterchildren(etree.Element), None) is None and not text(element).strip()
