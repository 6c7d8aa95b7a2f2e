"""Schema documents to `Components`."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from lxml import etree

from gateway.document.names import XML, XS, join
from gateway.iepd.components import ANY_TYPE, Attribute, Components, Element, Facets, Particle, Type
from gateway.iepd.content import NOTHING, Content, Kind

DEPTH_MAX = 50
_ANNOTATION = join(XS, "annotation")
_ANY_SIMPLE = join(XS, "anySimpleType")
_GROUPS = {join(XS, name) for name in ("sequence", "choice", "all")}
_KINDS = {join(XS, kind): kind for kind in (Kind.SEQUENCE, Kind.CHOICE, Kind.ALL)}


@dataclass(slots=True)
class _Content:
    """What one complex type adds: filled while its definition is walked."""

    children: list[Particle]
    attributes: list[Attribute]
    local: dict[str, Element]
    wildcard: bool = False
    attribute_wildcard: bool = False


def read_components(documents: Iterable[tuple[etree._Element, str]]) -> Components:
    """All components of these schema roots; with each root the namespace it declares for (an included document
    without one takes its includer's)."""
    reader = _Reader()
    for root, namespace in documents:
        reader.index(root, namespace)
    return reader.read()


class _Reader:
    def __init__(self) -> None:
        self.elements: dict[str, Element] = {}
        self.types: dict[str, Type] = {}
        self.attributes: dict[str, Attribute] = {}
        self._groups: dict[str, tuple[etree._Element, str]] = {}
        self._attribute_groups: dict[str, tuple[etree._Element, str]] = {}
        self._waiting: list[tuple[Callable[[etree._Element, str], None], etree._Element, str]] = []
        self._anonymous = 0

    def index(self, root: etree._Element, namespace: str) -> None:
        """Take note of one document's global definitions; read later, when all groups are known."""
        readers = {
            join(XS, "element"): self._global_element,
            join(XS, "attribute"): self._global_attribute,
            join(XS, "complexType"): self._global_type,
            join(XS, "simpleType"): self._global_type,
        }
        groups = {join(XS, "group"): self._groups, join(XS, "attributeGroup"): self._attribute_groups}
        for child in root.iterchildren(etree.Element):
            name, tag = child.get("name"), str(child.tag)
            if name and tag in groups:
                groups[tag][join(namespace, name)] = (child, namespace)
            elif name and tag in readers:
                self._waiting.append((readers[tag], child, namespace))

    def read(self) -> Components:
        """Everything noted, as components."""
        for reader, node, namespace in self._waiting:
            reader(node, namespace)
        elements = {
            name: replace(each, type=each.type or self._head_type(each)) for name, each in self.elements.items()
        }
        return Components(elements, self.types, self.attributes)

    def _head_type(self, element: Element) -> str:
        """An element without a type takes its head's (XSD 1.0 part 1, 3.3.2)."""
        seen: set[str] = set()
        while not element.type and element.heads and element.heads[0] not in seen:
            seen.add(element.heads[0])
            element = self.elements.get(element.heads[0], element)
        return element.type or ANY_TYPE

    # --- globals ---

    def _global_element(self, node: etree._Element, namespace: str) -> None:
        element = self._element(node, join(namespace, node.get("name", "")), namespace)
        self.elements[element.name] = element

    def _global_attribute(self, node: etree._Element, namespace: str) -> None:
        attribute = self._attribute(node, join(namespace, node.get("name", "")), namespace)
        self.attributes[attribute.name] = attribute

    def _global_type(self, node: etree._Element, namespace: str) -> None:
        self._type(node, join(namespace, node.get("name", "")), namespace)

    # --- elements, attributes, types ---

    def _element(self, node: etree._Element, name: str, namespace: str) -> Element:
        heads = tuple(_resolve(node, head, namespace) for head in node.get("substitutionGroup", "").split())
        return Element(
            name=name,
            type=self._type_of(node, namespace) or ("" if heads else ANY_TYPE),
            nillable=_is_true(node.get("nillable")),
            fixed=node.get("fixed") is not None,
            abstract=_is_true(node.get("abstract")),
            heads=heads,
            keyed=next(node.iterchildren(join(XS, "key"), join(XS, "keyref")), None) is not None,
        )

    def _attribute(self, node: etree._Element, name: str, namespace: str) -> Attribute:
        type_name = "" if node.get("use") == "prohibited" else self._type_of(node, namespace) or _ANY_SIMPLE
        fixed = node.get("fixed") is not None
        return Attribute(name=name, type=type_name, required=node.get("use") == "required", fixed=fixed)

    def _type_of(self, node: etree._Element, namespace: str) -> str:
        """The named or anonymous type of an element or attribute; "" when it has none."""
        if (named := node.get("type")) is not None:
            return _resolve(node, named, namespace)
        for child in node.iterchildren(join(XS, "complexType"), join(XS, "simpleType")):
            return self._anonymous_type(child, namespace)
        return ""

    def _anonymous_type(self, node: etree._Element, namespace: str) -> str:
        self._anonymous += 1
        name = join(namespace, f"#{self._anonymous}")
        self._type(node, name, namespace)
        return name

    def _type(self, node: etree._Element, name: str, namespace: str) -> None:
        if node.tag == join(XS, "simpleType"):
            self.types[name] = self._simple_type(node, name, namespace)
            return
        content = _Content([], [], {})
        base, extends, simple, facets = ANY_TYPE, False, False, Facets()
        holder = node
        for child in node.iterchildren(join(XS, "simpleContent"), join(XS, "complexContent")):
            simple = child.tag == join(XS, "simpleContent")
            for step in child.iterchildren(join(XS, "extension"), join(XS, "restriction")):
                holder, extends = step, step.tag == join(XS, "extension")
                base = _resolve(step, step.get("base", ""), namespace)
                facets = _facets(step)
        self._collect(holder, namespace, content, 1, 1)
        self.types[name] = Type(
            name=name,
            base=base,
            extends=extends,
            simple=simple,
            abstract=_is_true(node.get("abstract")),
            children=tuple(content.children),
            attributes=tuple(content.attributes),
            local=content.local,
            facets=facets,
            wildcard=content.wildcard,
            attribute_wildcard=content.attribute_wildcard,
            content=next(self._models(holder, namespace), NOTHING),
        )

    def _simple_type(self, node: etree._Element, name: str, namespace: str) -> Type:
        for child in node.iterchildren(etree.Element):
            if child.tag == join(XS, "restriction"):
                base = child.get("base")
                inner = [self._anonymous_type(each, namespace) for each in child.iterchildren(join(XS, "simpleType"))]
                return Type(
                    name=name,
                    base=_resolve(child, base, namespace) if base else next(iter(inner), _ANY_SIMPLE),
                    simple=True,
                    facets=_facets(child),
                )
            if child.tag == join(XS, "list"):
                item = self._members(child, "itemType", namespace)
                return Type(name=name, base=_ANY_SIMPLE, simple=True, item=next(iter(item), ""))
            if child.tag == join(XS, "union"):
                return Type(
                    name=name, base=_ANY_SIMPLE, simple=True, members=self._members(child, "memberTypes", namespace)
                )
        return Type(name=name, base=_ANY_SIMPLE, simple=True)

    def _members(self, node: etree._Element, key: str, namespace: str) -> tuple[str, ...]:
        named = [_resolve(node, each, namespace) for each in node.get(key, "").split()]
        return (*named, *(self._anonymous_type(each, namespace) for each in node.iterchildren(join(XS, "simpleType"))))

    # --- content ---

    def _collect(
        self, node: etree._Element, namespace: str, content: _Content, least: int, most: int | None, depth: int = 0
    ) -> None:
        """Walk a content model or attribute list; least and most are how often the whole of it may come."""
        if depth > DEPTH_MAX:  # a group that contains itself; libxml2 refuses the set
            return
        for child in node.iterchildren(etree.Element):
            tag = str(child.tag)
            low, high = _occurs(child)
            low, high = low * least, None if high is None or most is None else high * most
            if tag == join(XS, "element"):
                self._child(child, namespace, content, low, high)
            elif tag in _GROUPS:
                # One branch of a choice is enough, so none of them is required.
                inner = 0 if tag == join(XS, "choice") and _branches(child) > 1 else low
                self._collect(child, namespace, content, inner, high, depth + 1)
            elif tag == join(XS, "group"):
                self._follow(self._groups, child, namespace, content, low, high, depth)
            elif tag == join(XS, "attributeGroup"):
                self._follow(self._attribute_groups, child, namespace, content, 1, 1, depth)
            elif tag == join(XS, "attribute"):
                content.attributes.append(self._own_attribute(child, namespace))
            content.wildcard |= tag == join(XS, "any")
            content.attribute_wildcard |= tag == join(XS, "anyAttribute")

    def _follow(
        self,
        groups: dict[str, tuple[etree._Element, str]],
        node: etree._Element,
        namespace: str,
        content: _Content,
        least: int,
        most: int | None,
        depth: int,
    ) -> None:
        found = groups.get(_resolve(node, node.get("ref", ""), namespace))
        if found is not None:
            self._collect(found[0], found[1], content, least, most, depth + 1)

    def _models(self, node: etree._Element, namespace: str, depth: int = 0) -> Iterator[Content]:
        """The content models right below this node, as written."""
        for child in node.iterchildren(etree.Element):
            tag = str(child.tag)
            least, most = _occurs(child)
            if tag == join(XS, "element"):
                yield Content(Kind.ELEMENT, least, most, _child_name(child, namespace))
            elif tag in _KINDS and depth <= DEPTH_MAX:
                yield Content(_KINDS[tag], least, most, parts=tuple(self._models(child, namespace, depth + 1)))
            elif tag == join(XS, "any"):
                yield Content(Kind.ANY, least, most, child.get("namespace", "##any"), home=namespace)
            elif tag == join(XS, "group") and depth <= DEPTH_MAX:
                found = self._groups.get(_resolve(child, child.get("ref", ""), namespace))
                for model in self._models(*found, depth + 1) if found is not None else ():
                    yield Content(Kind.SEQUENCE, least, most, parts=(model,))

    def _child(self, node: etree._Element, namespace: str, content: _Content, least: int, most: int | None) -> None:
        name = _child_name(node, namespace)
        if node.get("ref") is None:
            content.local[name] = self._element(node, name, namespace)
        if most != 0:
            content.children.append(Particle(name=name, least=least, most=most))

    def _own_attribute(self, node: etree._Element, namespace: str) -> Attribute:
        reference = node.get("ref")
        if reference is None:
            qualified = _form(node, "attributeFormDefault") == "qualified"
            return self._attribute(node, join(namespace if qualified else "", node.get("name", "")), namespace)
        name = _resolve(node, reference, namespace)
        declared = self.attributes.get(name)
        if declared is None:
            self._declare_attribute(name)
            declared = self.attributes.get(name)
        if node.get("use") == "prohibited":
            return Attribute(name=name, type="")
        type_name = declared.type if declared is not None else _ANY_SIMPLE
        fixed = node.get("fixed") is not None or (declared is not None and declared.fixed)
        return Attribute(name=name, type=type_name, required=node.get("use") == "required", fixed=fixed)

    def _declare_attribute(self, name: str) -> None:
        """Read a global attribute that is referred to before its turn."""
        for reader, node, namespace in self._waiting:
            if node.tag == join(XS, "attribute") and join(namespace, node.get("name", "")) == name:
                reader(node, namespace)
                return


def _child_name(node: etree._Element, namespace: str) -> str:
    reference = node.get("ref")
    if reference is not None:
        return _resolve(node, reference, namespace)
    qualified = _form(node, "elementFormDefault") == "qualified"
    return join(namespace if qualified else "", node.get("name", ""))


def _branches(node: etree._Element) -> int:
    return sum(1 for child in node.iterchildren(etree.Element) if child.tag != _ANNOTATION)


def _occurs(node: etree._Element) -> tuple[int, int | None]:
    least, most = node.get("minOccurs", "1").strip(), node.get("maxOccurs", "1").strip()
    return _number(least) or 0, None if most == "unbounded" else _number(most)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdecimal() else None


def _form(node: etree._Element, key: str) -> str:
    return node.get("form") or node.getroottree().getroot().get(key) or ""


def _is_true(text: str | None) -> bool:
    return text is not None and text.strip() in {"true", "1"}


def _resolve(node: etree._Element, name: str, namespace: str) -> str:
    """The component a QName in a schema document means.

    An unprefixed name in a document without target namespace that was included means the includer's.
    """
    prefix, _, local = name.strip().rpartition(":")
    if prefix == "xml":
        return join(XML, local)
    found = node.nsmap.get(prefix or None)
    if found is None and not prefix and node.getroottree().getroot().get("targetNamespace") is None:
        found = namespace
    return join(found or "", local)


def _facets(step: etree._Element) -> Facets:
    values: dict[str, list[str]] = {}
    for child in step.iterchildren(etree.Element):
        value = child.get("value")
        if value is not None:
            values.setdefault(str(child.tag).rpartition("}")[2], []).append(value)

    def one(*names: str) -> str | None:
        return next((values[name][0] for name in names if name in values), None)

    return Facets(
        enumeration=tuple(values["enumeration"]) if "enumeration" in values else None,
        patterns=tuple(values.get("pattern", ())),
        length=_number(one("length")),
        length_min=_number(one("minLength")),
        length_max=_number(one("maxLength")),
        minimum=one("minInclusive", "minExclusive"),
        maximum=one("maxInclusive", "maxExclusive"),
        exclusive="minExclusive" in values or "maxExclusive" in values,
        digits=_number(one("totalDigits")),
        fraction_digits=_number(one("fractionDigits")),
    )
