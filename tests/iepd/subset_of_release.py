"""Compares a subset schema document with the release document of the same namespace.

A subset is true when every message that is valid to it is valid to the release: each component exists there with the
same type, base and substitution group; children keep their order and stay within the release's cardinality; what the
release requires is required; nothing becomes nillable or concrete that was not.
"""

from collections.abc import Iterator

from lxml import etree

XS = "{http://www.w3.org/2001/XMLSchema}"
UNBOUNDED = 10**9


def differences(subset: etree._Element, release: etree._Element) -> list[str]:
    """What the subset says that the release does not allow; empty for a true subset."""
    if subset.get("targetNamespace") != release.get("targetNamespace"):
        return ["the two documents have different namespaces"]
    theirs = {(child.tag, child.get("name")): child for child in release.iterchildren(etree.Element)}
    found: list[str] = []
    for child in subset.iterchildren(etree.Element):
        name = child.get("name")
        if name is None:
            continue
        other = theirs.get((child.tag, name))
        if other is None:
            found.append(f"{name}: not in the release")
            continue
        found.extend(f"{name}: {text}" for text in _component(child, other))
    return found


def _component(ours: etree._Element, theirs: etree._Element) -> Iterator[str]:
    kind = etree.QName(ours).localname
    if kind == "element":
        yield from _element(ours, theirs)
    elif kind == "complexType":
        yield from _complex_type(ours, theirs)
    elif kind == "simpleType":
        yield from _simple_type(ours, theirs)
    elif kind == "attribute":
        yield from _same(ours, theirs, "type")
    elif kind == "attributeGroup":
        yield from _attributes(ours, theirs)


def _element(ours: etree._Element, theirs: etree._Element) -> Iterator[str]:
    yield from _same(ours, theirs, "type")
    yield from _same(ours, theirs, "substitutionGroup")
    if _is_true(theirs, "abstract") and not _is_true(ours, "abstract"):
        yield "is concrete here, abstract in the release"
    if _is_true(ours, "nillable") and not _is_true(theirs, "nillable"):
        yield "is nillable here, not in the release"
    if ours.get("default") != theirs.get("default") or ours.get("fixed") != theirs.get("fixed"):
        yield "has another default or fixed value"


def _complex_type(ours: etree._Element, theirs: etree._Element) -> Iterator[str]:
    if _is_true(theirs, "abstract") != _is_true(ours, "abstract"):
        yield "differs in being abstract"
    for derivation in ("extension", "restriction"):
        mine, other = ours.find(f".//{XS}{derivation}"), theirs.find(f".//{XS}{derivation}")
        if (mine is None) != (other is None):
            yield f"is an {derivation} in one only"
        elif mine is not None and other is not None:
            if etree.QName(_parent(mine)).localname != etree.QName(_parent(other)).localname:
                yield "differs in simple or complex content"
            yield from _same(mine, other, "base")
    yield from _children(ours, theirs)
    yield from _attributes(ours, theirs)


def _children(ours: etree._Element, theirs: etree._Element) -> Iterator[str]:
    for node in ours.iter(f"{XS}choice", f"{XS}all", f"{XS}any", f"{XS}group"):
        yield f"uses {etree.QName(node).localname}, which the release does not"
    offered = [(_named(node, "ref"), _occurs(node)) for node in theirs.iter(f"{XS}element")]
    at = 0
    for node in ours.iter(f"{XS}element"):
        name, (least, most) = _named(node, "ref"), _occurs(node)
        places = [place for place in range(at, len(offered)) if offered[place][0] == name]
        if not places:
            yield f"child {name} is not in the release's type, or not in this order"
            continue
        for skipped, (at_least, _) in offered[at : places[0]]:
            if at_least:
                yield f"leaves out {skipped}, which the release requires"
        at_least, at_most = offered[places[0]][1]
        if least < at_least or most > at_most:
            yield f"child {name} may occur more freely than in the release"
        at = places[0] + 1
    for left, (at_least, _) in offered[at:]:
        if at_least:
            yield f"leaves out {left}, which the release requires"


def _attributes(ours: etree._Element, theirs: etree._Element) -> Iterator[str]:
    for tag in ("attribute", "attributeGroup"):
        path = f".//{XS}{tag}"
        mine = {_named(node, "ref"): node for node in ours.iterfind(path)}
        others = {_named(node, "ref"): node for node in theirs.iterfind(path)}
        for name in mine.keys() - others.keys():
            yield f"{tag} {name} is not in the release"
        for name, node in others.items():
            if node.get("use") == "required" and name not in mine:
                yield f"leaves out {tag} {name}, which the release requires"
            elif node.get("use") == "required" and mine[name].get("use") != "required":
                yield f"{tag} {name} is no longer required"
    if ours.find(f".//{XS}anyAttribute") is not None and theirs.find(f".//{XS}anyAttribute") is None:
        yield "takes any attribute"


def _simple_type(ours: etree._Element, theirs: etree._Element) -> Iterator[str]:
    mine, other = ours.find(f"{XS}restriction"), theirs.find(f"{XS}restriction")
    if mine is None or other is None:
        yield "is not a restriction"
        return
    yield from _same(mine, other, "base")
    allowed = {node.get("value") for node in other.iterfind(f"{XS}enumeration")}
    values = {node.get("value") for node in mine.iterfind(f"{XS}enumeration")}
    if allowed and not values:
        yield "drops the enumeration"
    yield from (f"value {value} is not in the release" for value in sorted(values - allowed) if allowed)
    facets = {(node.tag, node.get("value")) for node in mine if isinstance(node.tag, str)}
    for node in other.iterchildren(etree.Element):
        if node.tag not in (f"{XS}enumeration", f"{XS}annotation") and (node.tag, node.get("value")) not in facets:
            yield f"drops the facet {etree.QName(node).localname}"


def _same(ours: etree._Element, theirs: etree._Element, key: str) -> Iterator[str]:
    if _named(ours, key) != _named(theirs, key):
        yield f"has another {key} than in the release"


def _named(node: etree._Element, key: str) -> str | None:
    """The attribute's qualified name as "{namespace}local"."""
    value = node.get(key)
    if value is None:
        return None
    prefix, _, local = value.rpartition(":")
    return f"{{{node.nsmap.get(prefix or None, '')}}}{local}"


def _occurs(node: etree._Element) -> tuple[int, int]:
    most = node.get("maxOccurs", "1")
    return int(node.get("minOccurs", "1")), UNBOUNDED if most == "unbounded" else int(most)


def _parent(node: etree._Element) -> etree._Element:
    parent = node.getparent()
    assert parent is not None
    return parent


def _is_true(node: etree._Element, key: str) -> bool:
    return node.get(key, "false").strip() in ("true", "1")
