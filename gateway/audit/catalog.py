"""What the log can say: the types of entries, and for each the keys it must and may have.

Strict on purpose: an entry can hold ids, digests, codes, counts and times, in these shapes and nothing else, so that
no value of a message, no name and no free text gets into a log that is never deleted.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from gateway.agency import AGENCY_ID
from gateway.clock import timestamp

Value = str | int | datetime | tuple[str, ...] | list[str] | dict[str, int]
"""What a key of an entry is given."""

ITEMS_MAX = 128
NUMBER_MAX = 2**53 - 1
"""The largest whole number every JSON reader keeps exact (RFC 8785, section 3.2.2.3)."""


class EntryType(StrEnum):
    """What an entry records."""

    # a message
    RECEIVE = "receive"  # accepted: one for each message
    REFUSE = "refuse"  # a submission was not accepted
    REPEAT = "repeat"  # the same submission came again and got its first receipt
    DISSEMINATE = "disseminate"  # decided to share with one recipient: one for each
    EMERGENCY = "emergency"  # two people released it to one recipient without an agreement; its owner is told
    WITHHOLD = "withhold"  # decided to share nothing with one recipient who was asked for
    SANDBOX = "sandbox"  # a message was tried: nothing of it was kept, shared or delivered
    TRIAL = "trial"  # what an agreement on trial would share with one recipient; nothing left by it
    # a delivery
    DELIVER = "deliver"
    EVIDENCE = "evidence"  # the recipient's signed answer was verified
    FAIL = "fail"  # one try
    UNDELIVERABLE = "undeliverable"
    EXPIRE = "expire"
    RECALL = "recall"
    REQUEUE = "requeue"
    DISCARD = "discard"
    REPLY = "reply"  # what became of an answer that goes to a registered address
    # keeping and destroying
    DESTROY = "destroy"
    HOLD = "hold"
    RELEASE = "release"  # a legal hold was lifted
    EXPUNGE = "expunge"  # two people had a person forgotten by the disclosure index; who that was, is not said
    ACCOUNTING = "accounting"  # a person's right to be told of disclosures was suspended, or is so no more
    # what is in force
    REGISTER = "register"  # a draft of an agreement, or an exchange, was taken in
    APPROVE = "approve"  # a person approved a version of an agreement for a party
    WITHDRAW = "withdraw"  # an approval was taken back before the version was in force
    CHECK = "check"  # a version passed its check before it was tried or put in force
    ACTIVATE = "activate"  # an agreement in trial or in force
    SUSPEND = "suspend"
    END = "end"
    CONSENT = "consent"
    AGENCY = "agency"
    CREDENTIAL = "credential"
    KEY = "key"
    USER = "user"
    SETTING = "setting"  # also a step of the clock: kind clock
    WITNESS = "witness"  # a partner countersigns our log, or we theirs, from now on or no more
    # what was found wrong
    TAMPERED = "tampered"  # our log, or a partner's, is not the one that was signed; and what people decided then
    # who looked, who tried
    PROBE = "probe"  # the way to an agency's endpoint was tried, or a certificate judged; no record was sent
    READ = "read"  # content of a message, by a person or a recipient
    EXPORT = "export"
    BACKUP = "backup"  # a copy of everything was made; written before it is handed out
    RESTORE = "restore"  # this database was put back from a backup; the first entry after
    SIGN_IN = "sign-in"
    SIGN_IN_REFUSED = "sign-in-refused"
    ACCESS_REFUSED = "access-refused"
    # who watches
    REVIEW = "review"  # a person looked through what happened in a week
    ALERT = "alert"  # something the operator must see to was found, is over, or was silenced


# --- shapes: a value to its JSON text, or ValueError -------------------------------------------------------------
# No shape lets a quotation mark, a backslash, a control character or a sign outside ASCII pass, so that the JSON text
# of a string is the string between quotation marks, and sorted keys make the canonical form of RFC 8785.

Shape = Callable[[Value], str]

FRAGMENTS: dict[Shape, Mapping[str, Any]] = {}
"""What each shape lets through, as JSON Schema 2020-12 says it; filled where shapes are made."""


class ShapeError(ValueError):
    """A value has not the shape its key asks for: a mistake in the program, not in a message."""


def _texts(pattern: str, length_max: int, *, repeats: bool = False) -> Shape:
    fits = re.compile(pattern).fullmatch

    def text(value: str) -> str:
        if len(value) <= length_max and fits(value):
            return f'"{value}"'
        raise ShapeError

    # Two entries are made for each accepted message, and most of their words are those of the last one.
    known = lru_cache(maxsize=4096)(text) if repeats else text

    def shape(value: Value) -> str:
        if isinstance(value, str):
            return known(value)
        raise ShapeError

    FRAGMENTS[shape] = {"type": "string", "pattern": f"^(?:{pattern})$", "maxLength": length_max}
    return shape


def _lists(item: Shape) -> Shape:
    @lru_cache(maxsize=4096)
    def texts(values: tuple[str, ...]) -> str:
        return "[" + ",".join([item(value) for value in values]) + "]"

    def shape(value: Value) -> str:
        if isinstance(value, tuple | list) and len(value) <= ITEMS_MAX:
            return texts(tuple(value))
        raise ShapeError

    FRAGMENTS[shape] = {"type": "array", "items": FRAGMENTS[item], "maxItems": ITEMS_MAX}
    return shape


def _number(value: Value) -> str:
    if type(value) is int and 0 <= value <= NUMBER_MAX:
        return str(value)
    raise ShapeError


_timestamp = lru_cache(maxsize=256)(timestamp)
"""The entries of one act share their moment."""


def _moment(value: Value) -> str:
    if isinstance(value, datetime):
        return f'"{_timestamp(value)}"'
    raise ShapeError


def _counts(value: Value) -> str:
    if isinstance(value, dict) and len(value) <= ITEMS_MAX:
        return _pairs(tuple(value.items()))
    raise ShapeError


@lru_cache(maxsize=4096)
def _pairs(pairs: tuple[tuple[str, int], ...]) -> str:
    return "{" + ",".join([f"{CODE(label)}:{_number(number)}" for label, number in sorted(pairs)]) + "}"


ID = _texts(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", 36)
AGENCY = _texts(AGENCY_ID.pattern, 63, repeats=True)
HEX = _texts(r"[0-9a-f]{64}", 64)
DIGEST = _texts(r"sha-256:[0-9a-f]{64}", 72, repeats=True)
CODE = _texts(r"[a-z0-9]+(?:[._-][a-z0-9]+)*", 100, repeats=True)
EXCHANGE = _texts(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9._-]+", 120, repeats=True)
MOU = _texts(r"[A-Za-z0-9][A-Za-z0-9._-]*@[1-9][0-9]{0,8}", 100, repeats=True)
CLAUSE = _texts(r"[A-Za-z0-9][A-Za-z0-9._()\[\]/:-]*(?: [A-Za-z0-9._()\[\]/:-]+)?", 80, repeats=True)
ACTOR = _texts(r"[a-z][a-z0-9._@-]*", 80, repeats=True)
SIGNATURE = _texts(r"[A-Za-z0-9+/]{86}==", 88)
BUCKET = _texts(r"[0-9]{4}-(?:W[0-9]{2}|Q[1-4])(?:[.-][a-z0-9]+)*", 40, repeats=True)
NUMBER: Shape = _number
MOMENT: Shape = _moment
COUNTS: Shape = _counts
AGENCIES = _lists(AGENCY)
CODES = _lists(CODE)
CLAUSES = _lists(CLAUSE)
IDS = _lists(ID)

_WHOLE = {"type": "integer", "minimum": 0, "maximum": NUMBER_MAX}
FRAGMENTS[NUMBER] = _WHOLE
FRAGMENTS[MOMENT] = {
    "type": "string",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{2}Z$",
    "format": "date-time",
}
FRAGMENTS[COUNTS] = {
    "type": "object",
    "propertyNames": FRAGMENTS[CODE],
    "additionalProperties": _WHOLE,
    "maxProperties": ITEMS_MAX,
}

SHAPES: Mapping[str, Shape] = {
    "action": CODE,  # new, update, correct, cancel; what was done to a user, a key, a credential
    "actor": ACTOR,  # account of the person or the program that acted
    "agency": AGENCY,  # the agency acted upon
    "as_of": MOMENT,
    "at": MOMENT,
    "attempts": NUMBER,
    "bucket": BUCKET,
    "channel": CODE,  # rest, soap, inbox, folder
    "clauses": CLAUSES,
    "code": CODE,  # of a refusal or failure
    "commit": HEX,  # commitment to a payload and the sender's id: `entry.commit`
    "consent": ID,
    "consents": CODES,  # ids of those by which health records may go
    "configuration": NUMBER,  # version of the configuration decided under
    "count": NUMBER,
    "counts": COUNTS,  # per label or class
    "cover_digest": DIGEST,
    "deadline": MOMENT,  # by when a dissemination must arrive; of a delivery, when it did not arrive by then
    "deadlines": COUNTS,  # per rule (a clause's, or the code of a section of law), in seconds since 1970
    "deliveries": IDS,
    "delivery": ID,
    "digest": DIGEST,  # of an agreement, a schema set, a certificate, an export; never of a payload
    "dissemination": ID,
    "document": DIGEST,  # of a signed paper outside the gateway
    "due_at": MOMENT,
    "earlier": ID,  # our id of the message an action speaks of
    "evidence": CODE,  # transport, signed
    "exchange": EXCHANGE,
    "fingerprint": HEX,  # of a certificate, a token; beside a signature, of the key that made it
    "first": ID,  # our id of the first message of the chain
    "handling": CODES,  # codes of the sections of law that ask something of the recipient
    "hold": ID,
    "holder": AGENCY,  # whose records a consent opens
    "id": ID,
    "key": HEX,  # of the account acted upon, of a log or of a cosigner: SHA-256 of the public key; of who signs for a
    # credential, whose own `fingerprint` is beside it
    "kind": CODE,
    "known_size": NUMBER,  # entries of the log that somebody remembers
    "laws": DIGEST,  # of the law packs decided under
    "law": MOU,  # a law pack, id@version
    "log_size": NUMBER,
    "message": ID,
    "mou": MOU,  # id@version
    "mou_digest": DIGEST,
    "number": NUMBER,
    "outcome": CODE,  # of a check
    "parties": AGENCIES,
    "partner": AGENCY,  # whose gateway countersigns, or whose log is countersigned
    "owner_delivery": ID,  # by which the owner of what was released is told
    "position": NUMBER,
    "purpose": CODE,
    "reason": CODE,  # one of a list of codes; what a person wrote stays out of the log
    "recipient": AGENCY,
    "recipients": AGENCIES,
    "reduced": COUNTS,  # places let through in a lesser form, per label
    "refused": AGENCIES,  # recipients who were asked for and get nothing
    "reply": ID,  # of an answer that goes to a registered address
    "role": CODE,
    "roles": CODES,
    "second": ACTOR,  # account of the second person of an act that takes two
    "second_agency": AGENCY,
    "second_fingerprint": HEX,
    "second_signature": SIGNATURE,  # over the same entry
    "run": ID,  # of destruction
    "sender": AGENCY,
    "shared": NUMBER,  # places let through as they are
    "signature": SIGNATURE,  # of the person who acted, over all other keys of the entry (`signing.act`)
    "size_bytes": NUMBER,
    "speaks_for": AGENCY,  # the agency of the account acted upon
    "state": CODE,
    "status": NUMBER,  # HTTP status of the answer
    "subject": HEX,  # blind subject
    "suspension": ID,  # of the right to an account of disclosures
    "type": CODE,
    "user": ACTOR,  # account acted upon
    "until": MOMENT,
    "valid_from": MOMENT,
    "valid_until": MOMENT,
    "withheld": COUNTS,  # places taken out, per label
}
"""Every key there is, with its shape."""

ALWAYS = ("type", "id", "at", "parties")

_TRY = "dissemination delivery recipient"
_COUNTED = "counts shared withheld reduced"
_TWO_PEOPLE = "actor fingerprint signature second second_fingerprint second_signature"
_OF_RUN = "run delivery recipient document outcome number second_agency"
_OWED = "deadline deadlines counts consents handling"
_WHY = "attempts channel code status evidence reason actor mou clauses count deadline"

KEYS: Mapping[EntryType, tuple[str, str]] = {
    EntryType.RECEIVE: (
        "message sender exchange action commit recipients",
        "first earlier as_of refused channel configuration size_bytes fingerprint count due_at",
    ),
    EntryType.REFUSE: (
        "code",
        "message sender exchange action commit channel configuration size_bytes fingerprint count refused status",
    ),
    EntryType.REPEAT: ("message sender", "commit channel count"),
    EntryType.DISSEMINATE: (
        "message dissemination delivery sender recipient mou mou_digest clauses purpose shared withheld reduced commit",
        f"role exchange action first earlier cover_digest configuration channel until due_at bucket kind laws {_OWED}",
    ),
    EntryType.EMERGENCY: (
        f"message {_TRY} owner_delivery sender exchange reason mou mou_digest {_COUNTED} cover_digest {_TWO_PEOPLE}",
        "agency second_agency laws configuration",
    ),
    EntryType.WITHHOLD: (
        "message sender recipient code",
        "mou mou_digest clauses purpose role exchange action configuration kind",
    ),
    EntryType.SANDBOX: ("sender channel", "exchange code recipients refused count configuration size_bytes"),
    EntryType.TRIAL: (
        "message sender recipient mou mou_digest clauses purpose",
        "shared withheld reduced code exchange role configuration laws",
    ),
    EntryType.DELIVER: (f"message {_TRY} evidence", "attempts channel status mou clauses actor deadline code"),
    EntryType.EVIDENCE: (f"message {_TRY} digest", "fingerprint channel attempts"),
    EntryType.FAIL: (f"message {_TRY} code", "attempts channel status due_at"),
    EntryType.UNDELIVERABLE: (f"message {_TRY} code", "attempts channel status deadline"),
    EntryType.EXPIRE: (f"message {_TRY}", _WHY),
    EntryType.RECALL: (f"message {_TRY}", f"{_WHY} earlier action"),
    EntryType.REQUEUE: (f"message {_TRY} actor", "reason attempts agency fingerprint signature"),
    EntryType.DISCARD: (f"message {_TRY} actor reason", "attempts deadline agency fingerprint signature"),
    EntryType.REPLY: (
        "reply agency action",
        "message code attempts due_at until bucket evidence actor reason fingerprint signature",
    ),
    EntryType.DESTROY: (
        "kind count",
        f"message dissemination bucket mou clauses reason digest due_at counts hold {_OF_RUN} agency {_TWO_PEOPLE}",
    ),
    EntryType.HOLD: (
        "hold actor reason",
        "message mou holder exchange count until digest agency fingerprint signature",
    ),
    EntryType.RELEASE: ("hold actor reason", "message mou holder count digest agency fingerprint signature"),
    EntryType.EXPUNGE: (f"run document count {_TWO_PEOPLE}", "agency second_agency"),
    EntryType.ACCOUNTING: (
        "suspension action kind recipient actor fingerprint signature",
        "agency document valid_until",
    ),
    EntryType.REGISTER: (
        "kind digest",
        "mou exchange law actor agency fingerprint signature configuration state count",
    ),
    EntryType.APPROVE: ("mou mou_digest agency actor fingerprint signature", "role configuration"),
    EntryType.WITHDRAW: ("mou mou_digest agency actor user fingerprint signature", "configuration"),
    EntryType.CHECK: ("mou mou_digest digest laws outcome actor", "configuration"),
    EntryType.ACTIVATE: (
        "mou mou_digest state",
        "exchange actor agency fingerprint signature configuration valid_from valid_until count",
    ),
    EntryType.SUSPEND: ("mou mou_digest", "state actor agency fingerprint signature reason configuration"),
    EntryType.END: ("mou mou_digest", "state actor agency fingerprint signature reason configuration count"),
    EntryType.CONSENT: (
        "consent subject action document purpose holder recipient valid_from valid_until",
        "actor agency fingerprint signature channel",
    ),
    # Whoever signs these speaks for the operator: `agency` is the one acted upon, `fingerprint` the credential's own.
    EntryType.AGENCY: ("agency action", "actor kind configuration digest reason fingerprint signature"),
    EntryType.CREDENTIAL: (
        "agency action kind fingerprint",
        "actor configuration valid_from valid_until reason key signature digest count",
    ),
    EntryType.KEY: (
        "action kind",
        "fingerprint bucket actor valid_from valid_until reason count agency signature digest key log_size",
    ),
    EntryType.USER: ("action user actor", "roles speaks_for key agency fingerprint signature reason"),
    EntryType.SETTING: ("action kind", "actor digest configuration number"),
    EntryType.WITNESS: ("action kind partner key", "actor fingerprint signature agency digest reason log_size"),
    EntryType.TAMPERED: (
        "action code",
        "partner log_size number count agency reason digest second_agency " + _TWO_PEOPLE,
    ),
    EntryType.PROBE: ("agency kind outcome", "actor code channel status fingerprint"),
    EntryType.READ: (
        "kind",
        "message dissemination delivery agency recipient actor fingerprint signature channel reason count purpose",
    ),
    EntryType.EXPORT: ("kind", "message mou actor agency fingerprint signature count digest log_size number reason"),
    EntryType.BACKUP: ("kind digest log_size", "actor agency fingerprint signature size_bytes count number"),
    EntryType.RESTORE: (
        "kind digest log_size",
        "known_size reason actor agency fingerprint signature count number as_of",
    ),
    EntryType.SIGN_IN: ("actor", "role channel"),
    EntryType.SIGN_IN_REFUSED: ("code", "actor channel count"),
    EntryType.ACCESS_REFUSED: ("code", "agency actor channel fingerprint message count status"),
    EntryType.REVIEW: ("valid_from until count counts digest actor fingerprint signature", "agency log_size"),
    EntryType.ALERT: ("action code", "recipient mou kind count actor agency fingerprint signature until"),
}
"""For each type the keys it must have and those it may have, besides type, id, at and parties; `message` may always
be left out of an entry that must not name it."""


@dataclass(frozen=True, slots=True)
class Form:
    """How the body of one type of entry is written: its keys in canonical order.

    rows  key, the key as JSON with its colon, shape, whether the key must be there
    """

    rows: tuple[tuple[str, str, Shape, bool], ...]
    keys: frozenset[str]


def _form(required: str, optional: str) -> Form:
    must = {*ALWAYS, *required.split()}
    may = set(optional.split())
    if must & may:
        raise ValueError("a key is either required or optional")
    rows = tuple((key, f'"{key}":', SHAPES[key], key in must) for key in sorted(must | may))
    return Form(rows, frozenset(must | may))


FORMS: Mapping[EntryType, Form] = {each: _form(*KEYS[each]) for each in EntryType}
