"""What of an envelope is not signed, and when it was."""

from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from functools import partial

from lxml import etree

from gateway.document.names import SOAP12, WSA
from tests.signing.attacks.document import EVIL, GIVEN
from tests.signing.attacks.envelope import (
    ALGORITHM,
    COVERAGE,
    EXC,
    GOOD,
    INVALID,
    MISSING,
    PLACE,
    SHAPE,
    STALE,
    TIME,
    WSU_ID,
    body,
    by_id,
    changed,
    envelope,
    header,
    maker,
    reference,
    security,
    sign,
    signature_of,
    signed,
    time_of,
    to_bytes,
)
from tests.signing.attacks.forge import (
    ENVELOPED,
    Ref,
    exclusive,
    step,
)
from tests.signing.attacks.keys import (
    NOW,
)
from tests.signing.attacks.vector import Table


def _add_header(tag: str, text: str) -> Callable[[etree._Element], None]:
    def change(root: etree._Element) -> None:
        etree.SubElement(header(root), tag).text = text

    return change


def _references_to(*uris: str) -> Callable[[etree._Element], tuple[Ref, ...]]:
    """The usual References, and then these with a digest of nothing."""

    def made(root: etree._Element) -> tuple[Ref, ...]:
        usual = tuple(reference(by_id(root, each)) for each in ("body", "time", "action", "message"))
        return (*usual, *(Ref(octets=b"", inside=f'URI="{uri}"', transforms=EXC) for uri in uris))

    return made


def _whole(root: etree._Element) -> tuple[Ref, ...]:
    """One Reference to the whole document, the signature left out."""
    return (Ref(octets=exclusive(root), transforms=step(ENVELOPED) + EXC),)


def _payload_only(root: etree._Element) -> tuple[Ref, ...]:
    payload = body(root)[0]
    payload.set(WSU_ID, "submit")
    return (reference(payload), reference(time_of(root)))


def _many(count: int) -> Callable[[etree._Element], tuple[Ref, ...]]:
    return lambda root: tuple([reference(body(root))] * count)


def _coverage(table: Table) -> None:
    add = partial(table.add, COVERAGE)
    must = "Body, Timestamp and every WS-Addressing header must be signed"
    for left in ("body", "time", "action", "message"):
        places = tuple(each for each in ("body", "time", "action", "message") if each != left)
        add(f"unsigned-{left}", maker(places=places), SHAPE, says=f"All but the {left} is signed", why=must)
    add("unsigned-all", lambda: to_bytes(envelope()), MISSING, says="Nothing is signed, though this agency signs")
    add(
        "stripped",
        changed(lambda root: security(root).remove(signature_of(root))),
        MISSING,
        says="The signature taken away",
    )
    add(
        "security-gone",
        changed(lambda root: header(root).remove(security(root))),
        MISSING,
        says="The Security header taken away",
    )
    reply = _add_header(f"{{{WSA}}}RelatesTo", "urn:uuid:x")
    add("header-added", changed(reply), SHAPE, says="A WS-Addressing header added later", why=must)
    add(
        "payload-only",
        maker(references=_payload_only),
        SHAPE,
        says="Only the operation in the Body is signed",
        why=PLACE,
    )
    add("whole", maker(references=_whole), SHAPE, ALGORITHM, says="One Reference to the whole envelope", why=PLACE)
    add("no-reference", maker(references=lambda _: ()), SHAPE, says="No Reference: nothing is signed")
    add(
        "body-twice",
        maker(places=("body", "body", "time", "action", "message")),
        SHAPE,
        says="Two References to the Body",
        why=PLACE,
    )
    add("twenty-one", maker(references=_many(21)), SHAPE, says="Twenty-one References", why="twenty at most")
    add(
        "thousand",
        maker(references=_many(1000)),
        SHAPE,
        says="A thousand References",
        asked=False,
        why="twenty at most",
    )
    for each, uri in {
        "http": "https://example.org/x",
        "file": "file:///etc/hostname",
        "empty": "",
        "xpointer": "#xpointer(//x)",
        "nowhere": "#nobody",
        "payload": "#person-1",
    }.items():
        add(
            f"also-{each}",
            maker(references=_references_to(uri)),
            SHAPE,
            says=f'A Reference more, to "{uri}"',
            why=PLACE,
        )
    add(
        "changed",
        lambda: to_bytes(signed()).replace(GIVEN.encode(), EVIL.encode()),
        INVALID,
        says="The signed text is another",
    )
    swapped = changed(lambda root: setattr(by_id(root, "message"), "text", "urn:uuid:other"))
    add("id-changed", swapped, INVALID, says="The signed wsa:MessageID is another")
    actor = changed(lambda root: security(root).set(f"{{{SOAP12}}}role", "urn:example:somebody"))
    add(
        "for-another",
        actor,
        SHAPE,
        MISSING,
        says="A Security header for somebody on the way",
        why="what we act on is addressed to us",
    )
    pi = lambda: to_bytes(signed()).replace(GIVEN.encode(), b"Cal<?x y?>vin")  # noqa: E731
    add("instruction", pi, "document.processing-instruction", SHAPE, says="A processing instruction in the signed Body")
    dtd = lambda: to_bytes(signed()).replace(b"?>", b"?><!DOCTYPE e:Envelope [<!ATTLIST x y ID #IMPLIED>]>", 1)  # noqa: E731
    add("dtd", dtd, "document.dtd", says="A DTD that declares ids", why="no DTD in any message")


def _timed(change: Callable[[etree._Element], object]) -> Callable[[], bytes]:
    """The Timestamp is changed before it is signed."""

    def make() -> bytes:
        root = envelope()
        change(root)
        return to_bytes(sign(root))

    return make


def _created(text: str) -> Callable[[etree._Element], None]:
    def change(root: etree._Element) -> None:
        time_of(root)[0].text = text

    return change


def _double_timestamp(root: etree._Element) -> None:
    extra = deepcopy(time_of(root))
    extra.attrib.clear()
    time_of(root).addnext(extra)


def _double_created(root: etree._Element) -> None:
    time_of(root).insert(1, deepcopy(time_of(root)[0]))


def _time(table: Table) -> None:
    add = partial(table.add, TIME)
    fresh = "Created within five minutes of the gateway's clock, Expires not passed"
    minutes = {"stale": -6, "hour-old": -60, "year-old": -525_600, "future": 6, "year-ahead": 525_600}
    for each, by in minutes.items():
        options = {"created": NOW + timedelta(minutes=by)}
        add(each, maker(options), STALE, says=f"Signed {abs(by)} minutes {'ago' if by < 0 else 'ahead'}", why=fresh)
    expired = {"created": NOW - timedelta(minutes=2), "expires": NOW - timedelta(minutes=1)}
    add("expired", maker(expired), STALE, says="Its Expires has passed", why=fresh)
    backwards = {"created": NOW, "expires": NOW - timedelta(hours=1)}
    add("backwards", maker(backwards), STALE, says="Expires before Created", why=fresh)
    gone = _timed(lambda root: security(root).remove(time_of(root)))
    add("timestamp-none", gone, SHAPE, says="No Timestamp", why="a signature without a time could be shown for ever")
    add("timestamp-twice", _timed(_double_timestamp), SHAPE, says="Two Timestamps", why="which one counts?")
    add("created-twice", _timed(_double_created), SHAPE, says="Created twice", why="which one counts?")
    for each, text in {
        "empty": "",
        "words": "yesterday",
        "zoneless": "2026-03-03T12:00:00",
        "thirteenth": "2026-13-03T12:00:00Z",
        "digits": "٢٠٢٦-03-03T12:00:00Z",
        "far": "99999-03-03T12:00:00Z",
    }.items():
        add(f"created-{each}", _timed(_created(text)), SHAPE, says=f'Created "{text}"', why="a moment in UTC")
    comment = lambda: to_bytes(signed({"id": "comment"})).replace(b"<wsu:Created>2026", b"<wsu:Created>2026<!-- -->")  # noqa: E731
    table.add(GOOD, "created-comment", comment, says="A comment in Created: it is left out, and not signed")


def enter(table: Table) -> None:
    """These vectors."""
    _coverage(table)
    _time(table)
