"""Signature values and digests: other spellings, other lengths, numbers that no signer makes."""

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import utils
from lxml import etree

from tests.signing.attacks.document import maker, notice, part, sign, to_bytes
from tests.signing.attacks.forge import ECDSA_256 as METHOD
from tests.signing.attacks.forge import RSA_256, Forged, b64, sign_over, value
from tests.signing.attacks.keys import jail, jail_rsa
from tests.signing.attacks.vector import Table

FAMILY = "Values"
SHAPE, INVALID = "signature.shape", "signature.invalid"

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256."""


def _numbers(r: int, s: int, size: int = 32) -> bytes:
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def _of(change: Callable[[int, int], bytes]) -> Callable[[bytes], bytes]:
    """A signer whose value is made of the right r and s."""

    def sign_so(data: bytes) -> bytes:
        right = value(METHOD, jail().key, data)
        return change(int.from_bytes(right[:32], "big"), int.from_bytes(right[32:], "big"))

    return sign_so


def _rsa(change: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    return maker(who=jail_rsa, method=RSA_256, sign=lambda data: change(value(RSA_256, jail_rsa().key, data)))


def _spelled(local: str, change: Callable[[str], str]) -> Callable[[], bytes]:
    """The text of this element written otherwise; where it is signed, it is signed so."""

    def make() -> bytes:
        root = sign(notice())
        element = part(root, local)
        element.text = change(element.text or "")
        if local == "DigestValue":
            sign_over(root[-1], Forged(references=(), key=jail().key, key_info=None))
        return to_bytes(root)

    return make


def _split(local: str) -> Callable[[], bytes]:
    """A comment in the middle of this text, put there later."""

    def make() -> bytes:
        root = sign(notice())
        text = (part(root, local).text or "").encode()
        return to_bytes(root).replace(text, text[:10] + b"<!-- -->" + text[10:])

    return make


def _other_spare_bits(text: str) -> str:
    """The same bytes: the last letter before the padding has bits that count for nothing."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    body, padding = text.rstrip("="), text[len(text.rstrip("=")) :]
    return body[:-1] + letters[letters.index(body[-1]) + 1] + padding


def enter(table: Table) -> None:
    """These vectors."""
    length = "a value is exactly as long as the registered key makes it"
    spelled = "base64 in its one canonical spelling"

    def add(each: str, make: Callable[[], bytes], says: str, *codes: str, why: str = "") -> None:
        table.add(FAMILY, f"value-{each}", make, *codes, says=says, why=why)

    in_der = maker(sign=_of(utils.encode_dss_signature))
    add("der", in_der, "ECDSA in DER, as most libraries give it", SHAPE, INVALID, why=length)
    add("short", maker(sign=_of(lambda r, s: _numbers(r, s)[:-1])), "One byte less", SHAPE, why=length)
    add("long", maker(sign=_of(lambda r, s: _numbers(r, s) + b"\0")), "One byte more", SHAPE, why=length)
    add("wide", maker(sign=_of(lambda r, s: _numbers(r, s, 33))), "r and s with a zero before each", SHAPE, why=length)
    add("empty", maker(sign=lambda _: b""), "Nothing", SHAPE)
    add("zeros", maker(sign=lambda _: bytes(64)), "r and s zero (CVE-2022-21449)", INVALID)
    add("r-zero", maker(sign=_of(lambda _, s: _numbers(0, s))), "r zero", INVALID)
    add("s-zero", maker(sign=_of(lambda r, _: _numbers(r, 0))), "s zero", INVALID)
    add("order", maker(sign=lambda _: _numbers(ORDER, ORDER)), "r and s the order of the curve", INVALID)
    add("r-order", maker(sign=_of(lambda _, s: _numbers(ORDER, s))), "r the order of the curve", INVALID)
    add("one", maker(sign=lambda _: _numbers(1, 1)), "r and s one", INVALID)
    add("ones", maker(sign=lambda _: b"\xff" * 64), "All bits set", INVALID)
    add("swapped", maker(sign=_of(lambda r, s: _numbers(s, r))), "r and s changed places", INVALID)
    add("reversed", maker(sign=_of(lambda r, s: _numbers(r, s)[::-1])), "The bytes in the other order", INVALID)
    add("other-s", maker(sign=_of(lambda r, s: _numbers(r, ORDER - s))), "The other s that ECDSA has by nature")
    add("rsa-zero-before", _rsa(lambda data: b"\0" + data), "An RSA value with a zero before it", SHAPE, why=length)
    add("rsa-short", _rsa(lambda data: data[1:]), "An RSA value cut short", SHAPE, why=length)
    add("rsa-one", _rsa(lambda data: bytes(255) + b"\x01"), "An RSA value of one", INVALID)
    add("rsa-huge", _rsa(lambda data: b"\xff" * 256), "An RSA value beyond the modulus", INVALID)
    add("huge", maker(sign=lambda _: bytes(100_000)), "A value of 100,000 bytes", SHAPE, why=length)
    other: dict[str, tuple[str, Callable[[str], str]]] = {
        "spare-bits": ("with other spare bits", _other_spare_bits),
        "unpadded": ("without padding", lambda text: text.rstrip("=")),
        "url": ("with letters of URLs", lambda text: "-_" + text[2:]),
        "odd": ("with a letter that is none", lambda text: text[:10] + "!" + text[10:]),
        "no-break": ("with a no-break space in it", lambda text: text[:10] + "\u00a0" + text[10:]),
        "text-behind": ("with more behind its padding", lambda text: text + "AAAA"),
    }
    for each, (says, change) in other.items():
        for local, what in (("SignatureValue", "The value"), ("DigestValue", "The digest")):
            name = each if local == "SignatureValue" else f"digest-{each}"
            add(name, _spelled(local, change), f"{what} {says}", SHAPE, why=spelled)
    wrapped = lambda text: "\n ".join(text[at : at + 20] for at in range(0, len(text), 20))  # noqa: E731
    add("wrapped", _spelled("SignatureValue", wrapped), "The value over several lines")
    add("digest-wrapped", _spelled("DigestValue", wrapped), "The digest over several lines")
    add("comment", _split("SignatureValue"), "A comment in the value: it is left out, and the value is the same")
    add("digest-comment", _split("DigestValue"), "A comment in the digest: it is left out, and not signed")
    add(
        "digest-short",
        lambda: to_bytes(sign(notice(), ref={"value": b64(bytes(16))})),
        "A digest of sixteen bytes",
        SHAPE,
        why="a SHA-256 digest has thirty-two bytes",
    )
    add(
        "digest-element",
        _element_in("DigestValue"),
        "An element in the digest",
        SHAPE,
        why="base64 text and nothing else",
    )
    add("element", _element_in("SignatureValue"), "An element in the value", SHAPE, why="base64 text and nothing else")


def _element_in(local: str) -> Callable[[], bytes]:
    def make() -> bytes:
        root = sign(notice())
        etree.SubElement(part(root, local), "b")
        if local == "DigestValue":
            sign_over(root[-1], Forged(references=(), key=jail().key, key_info=None))
        return to_bytes(root)

    return make
