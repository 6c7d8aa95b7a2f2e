"""What partners are given of the gateway's keys, by file name; no part of it is secret.

authority.pem, cover.pem, client.pem, tls.pem, receipt.vkey   in use
NAME.next.pem, receipt.next.vkey      take over later: to be trusted beside those in use from now on
authority.old-ID.pem                  still counts; trust it until a later export has it no more
authority.retired-ID.pem, cover.old-ID.pem, receipt.old-ID.vkey   to verify what was signed then; nothing new by them
"""

from collections.abc import Iterator, Mapping, Sequence

from gateway.audit.note import NoteKey
from gateway.clock import timestamp
from gateway.keys.certified import AUTHORITY, FINGERPRINT_DIGITS, CertifiedKey, fingerprint_of, public_pem
from gateway.keys.listed import KeyFile, KeyState
from gateway.keys.receipt_key import ReceiptKeyFiles

GIVEN_AS = {AUTHORITY: "authority", "cover": "cover", "client": "client", "tls": "tls"}

VERIFIED_FOR_YEARS = (AUTHORITY, "cover")
"""Of these the certificates before are given too: what they signed is shown years later."""


def public_parts(certified: Mapping[str, CertifiedKey], receipt: ReceiptKeyFiles) -> dict[str, bytes]:
    """Certificates and the receipts' keys."""
    parts: dict[str, bytes] = {}
    for name, given in GIVEN_AS.items():
        parts |= dict(_certificates(name, given, certified[name]))
    return parts | dict(_receipt_keys(receipt))


def _certificates(name: str, given: str, key: CertifiedKey) -> Iterator[tuple[str, bytes]]:
    yield f"{given}.pem", public_pem(key.current().certificate)
    following = key.next_certificate()
    if following is not None:
        yield f"{given}.next.pem", public_pem(following)
    for old in key.old() if name in VERIFIED_FOR_YEARS else ():
        state = "retired" if name == AUTHORITY and old.key is None else "old"
        yield f"{given}.{state}-{fingerprint_of(old.certificate)[:FINGERPRINT_DIGITS]}.pem", public_pem(old.certificate)


def _receipt_keys(receipt: ReceiptKeyFiles) -> Iterator[tuple[str, bytes]]:
    yield "receipt.vkey", _line(receipt.every()[-1].key)
    following = receipt.next_public()
    if following is not None:
        yield "receipt.next.vkey", _line(following)
    for old in receipt.every()[:-1]:
        yield f"receipt.old-{old.key.id.hex()}.vkey", _line(old.key)


def _line(key: NoteKey) -> bytes:
    return f"{key}\n".encode()


MEANS = {
    "authority": "certificate authority of this gateway: trust it for its server and its signatures",
    "cover": "certificate that Covers and SOAP messages are signed with: pin it, or trust the authority",
    "client": "certificate this gateway shows when it pushes to you: allow it at your server",
    "tls": "certificate of this gateway's server: only who pins it needs it",
    "receipt": "public key that receipts, destruction certificates and statements of evidence are signed with",
    "log": "public key that the log is signed with",
    "witness": "public key with which this gateway countersigns your log",
}


def explained(names: Sequence[str], keys: Sequence[KeyFile]) -> str:
    """What each file is, for whoever gets them."""
    lines = ["Public keys and certificates of a justice gateway. Nothing here is secret.", ""]
    lines += [f"{name:<36} {_explained(name, keys)}" for name in names]
    lines += ["", "A file that your copy of this folder has and a later one lacks is to be trusted no more."]
    return "\n".join(lines) + "\n"


def _explained(name: str, keys: Sequence[KeyFile]) -> str:
    given, _, rest = name.partition(".")
    means = MEANS[given]
    if rest.startswith("next"):
        since = [each.since for each in keys if each.state is KeyState.NEXT and _given(each) == given and each.since]
        when = f"takes over at {timestamp(since[0])}" if since else "takes over later"
        return f"NEXT, {when}: load it now, beside the one in use. {means[0].upper()}{means[1:]}"
    if rest.startswith("retired"):
        return "RETIRED: trust nothing new by it; it is behind what was signed before"
    if rest.startswith("old"):
        still = "still trusted for certificates it issued" if given == "authority" else "signs nothing new"
        return f"OLD, {still}: to verify what it signed"
    return f"{means[0].upper()}{means[1:]}"


def _given(key: KeyFile) -> str:
    return GIVEN_AS.get(key.name, key.name)
