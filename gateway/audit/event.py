"""What each type of entry tells an auditor, and its JSON Schema. Pure; `docs/events.md` is written from here.

CJIS Security Policy AU-3 asks of every record what happened, when, where, from what source, with what outcome, and who
was involved. When is `at`, and where is the gateway whose log it is: its name is the origin of every checkpoint. The
others are keys of the entry; which of them a type has is read from the catalog, so that both change together.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gateway.audit.catalog import FORMS, FRAGMENTS, KEYS, SHAPES, EntryType

SCHEMA_BASE = "urn:justice-gateway:audit:"


class Area(StrEnum):
    """Which of the events that CJIS AU-2 asks for a type belongs to."""

    USE = "use and release of criminal justice information"
    ACCESS = "access to content, or to the log"
    DESTROY = "keeping and destruction"
    PRIVILEGED = "privileged act: what is in force, who may act, which keys count"
    SIGN_IN = "sign-in, good and bad"
    WATCH = "review of the log, and alerts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What an entry of a type says. outcome: in a word, where no key of the entry has more."""

    area: Area
    says: str
    outcome: str = "done"


def _events(area: Area, rows: Mapping[EntryType, tuple[str, str] | str]) -> Iterator[tuple[EntryType, Event]]:
    for type, row in rows.items():
        says, outcome = (row, "done") if isinstance(row, str) else row
        yield type, Event(area=area, says=says, outcome=outcome)


_E = EntryType

EVENTS: Mapping[EntryType, Event] = dict(
    [
        *_events(
            Area.USE,
            {
                _E.RECEIVE: ("A message was accepted; written with it, before its sender is answered.", "accepted"),
                _E.REFUSE: ("A submission was not accepted; the code says why.", "refused"),
                _E.REPEAT: ("The same submission came again and got its first receipt.", "answered as before"),
                _E.DISSEMINATE: (
                    "It was decided to share with one recipient, under which clauses, and what is withheld.",
                    "released",
                ),
                _E.EMERGENCY: (
                    "Two people released a message to one recipient without an agreement. Its owner is told.",
                    "released",
                ),
                _E.WITHHOLD: ("A recipient who was asked for gets nothing; the code says why.", "withheld"),
                _E.SANDBOX: (
                    "An agency tried a message in the sandbox. Nothing was kept; a code says why it would be refused.",
                    "not sent",
                ),
                _E.TRIAL: ("What an agreement on trial would share with one recipient. Nothing left.", "not sent"),
                _E.DELIVER: ("A recipient has it: it answered, or acknowledged it in its inbox.", "delivered"),
                _E.EVIDENCE: ("The recipient's signed answer was verified.", "verified"),
                _E.FAIL: ("One try to deliver failed; the code says how.", "failed"),
                _E.UNDELIVERABLE: ("The tries are used up.", "undeliverable"),
                _E.EXPIRE: ("It was not delivered in time.", "expired"),
                _E.RECALL: (
                    "A waiting delivery was taken back: corrected, canceled, or its agreement over.",
                    "recalled",
                ),
                _E.REQUEUE: ("A person had a delivery tried again.", "waiting"),
                _E.DISCARD: ("A person gave a delivery up, for a reason.", "discarded"),
                _E.REPLY: (
                    "What became of an answer that goes to an address registered for whoever asked; no records in it.",
                    "as the action says",
                ),
            },
        ),
        *_events(
            Area.DESTROY,
            {
                _E.DESTROY: ("Keys and rows of records whose time was up were destroyed.", "destroyed"),
                _E.HOLD: ("An order stops destruction.", "held"),
                _E.RELEASE: ("A legal hold was lifted.", "lifted"),
                _E.EXPUNGE: (
                    "Two people had a person forgotten by the disclosure index, on an order. Who that was is not said.",
                    "ordered",
                ),
                _E.ACCOUNTING: (
                    "A person's right to be told what an agency was given was suspended, or is so no more.",
                    "done",
                ),
            },
        ),
        *_events(
            Area.PRIVILEGED,
            {
                _E.REGISTER: "An exchange, a law pack, or a draft of an agreement was taken in.",
                _E.APPROVE: ("A person approved a version of an agreement for a party.", "approved"),
                _E.WITHDRAW: ("An approval was taken back before the version was in force.", "withdrawn"),
                _E.CHECK: "A version of an agreement was proven before it was tried or put in force.",
                _E.ACTIVATE: "An agreement was put on trial, in force, or back in force.",
                _E.SUSPEND: ("An agreement was suspended.", "suspended"),
                _E.END: ("An agreement ended.", "ended"),
                _E.CONSENT: "A consent was taken in or taken back. The person is named by a blind index only.",
                _E.AGENCY: "An agency was added, changed, suspended, or let in again.",
                _E.CREDENTIAL: "A credential of an agency was issued, registered, or revoked.",
                _E.KEY: "A key of the gateway was made, changed, or destroyed.",
                _E.USER: "An account was added, changed, or shut out.",
                _E.SETTING: "A setting that is kept in the database was changed, or the clock was set.",
                _E.WITNESS: "A partner's gateway countersigns the log from now on, or we theirs; or no more.",
            },
        ),
        *_events(
            Area.ACCESS,
            {
                _E.READ: (
                    "Content, or what is held about it, is given to somebody; `kind` says what. Written before.",
                    "given",
                ),
                _E.EXPORT: ("A copy of the log, of evidence, or of a report was written out.", "given"),
                _E.BACKUP: "A copy of everything was made, under this digest; written before it was handed out.",
                _E.RESTORE: (
                    "The database was put back from the backup with this digest; where somebody remembered a longer "
                    "log, both sizes stand, and who went back behind it."
                ),
                _E.ACCESS_REFUSED: ("Somebody known was turned away.", "refused"),
            },
        ),
        *_events(
            Area.SIGN_IN,
            {
                _E.SIGN_IN: ("A person signed in.", "let in"),
                _E.SIGN_IN_REFUSED: ("A person was not let in.", "refused"),
            },
        ),
        *_events(
            Area.WATCH,
            {
                _E.PROBE: (
                    "The way to an agency's endpoint was tried, or a certificate judged. No record was sent.",
                    "tried",
                ),
                _E.REVIEW: ("A person looked through what happened in a week of the log, and signed it off.", "signed"),
                _E.TAMPERED: (
                    "The log, or one that is countersigned, is not what was signed; or two people decided about it.",
                    "found",
                ),
                _E.ALERT: "Something the operator must see to was found, is over, or was silenced.",
            },
        ),
    ]
)
"""Every type of entry there is; a test compares it with the catalog."""


# --- the six questions of AU-3 ------------------------------------------------------------------------------------

WHO = ("actor", "second", "user", "agency", "second_agency", "sender", "holder", "recipient", "recipients", "subject")
SOURCE = ("channel", "actor", "sender", "agency", "fingerprint")
OUTCOME = ("outcome", "code", "state", "status", "evidence", "reason")
WHAT = ("type", "action", "kind", "exchange", "message", "dissemination", "delivery", "mou", "law", "consent", "bucket")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Which keys of a type answer each question of AU-3; a sentence where the answer is no key."""

    what: tuple[str, ...]
    when: tuple[str, ...]
    where: str
    source: tuple[str, ...]
    outcome: tuple[str, ...]
    who: tuple[str, ...]


def content(type: EntryType) -> Content:
    """The AU-3 content of a type, from the catalog."""
    return Content(
        what=_has(type, WHAT),
        when=("at", *_has(type, ("due_at", "until", "as_of", "valid_from", "valid_until"))),
        where="the gateway that keeps the log: the origin of its checkpoints",
        source=_has(type, SOURCE) or ("the gateway itself",),
        outcome=(EVENTS[type].outcome, *_has(type, OUTCOME)),
        who=(*_has(type, WHO), "parties"),
    )


def _has(type: EntryType, keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(key for key in keys if key in FORMS[type].keys)


# --- JSON Schema --------------------------------------------------------------------------------------------------


def schema(type: EntryType) -> dict[str, Any]:
    """JSON Schema (2020-12) of an entry of this type: nothing but its keys, each in its shape."""
    required = [key for key, _, _, must in FORMS[type].rows if must]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{SCHEMA_BASE}{type.value}",
        "title": type.value,
        "description": EVENTS[type].says,
        "type": "object",
        "properties": {key: _property(type, key) for key in sorted(FORMS[type].keys)},
        "required": required,
        "additionalProperties": False,
    }


def _property(type: EntryType, key: str) -> Mapping[str, Any]:
    return {"const": type.value} if key == "type" else FRAGMENTS[SHAPES[key]]


def schemas() -> dict[str, Any]:
    """JSON Schema of any entry: one of the types there are."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{SCHEMA_BASE}entry",
        "title": "entry of the audit log",
        "type": "object",
        "required": ["type"],
        "oneOf": [{"$ref": f"#/$defs/{type.value}"} for type in EntryType],
        "$defs": {type.value: _inner(type) for type in EntryType},
    }


def _inner(type: EntryType) -> dict[str, Any]:
    """Without an id of its own: a reference is looked for in the whole document."""
    return {key: value for key, value in schema(type).items() if key not in {"$schema", "$id"}}


# --- the page -----------------------------------------------------------------------------------------------------

_HEAD = """\
# Events of the audit log

<!-- Written by `gateway audit schema --page`; a test compares it. Change `gateway/audit/event.py` or the catalog. -->

Every entry is canonical JSON of one of these types. It holds ids, digests, codes, counts and times in fixed shapes:
no name, no value of a message, no free text. `gateway audit schema TYPE --json` prints the JSON Schema (2020-12) of a
type, and without TYPE that of all. An entry that cannot be written stops the act that it records: nothing is released,
read, exported or changed without it. [Ways and their entries](events-ways.md) lists every command and address.

Each type is given with what CJIS Security Policy AU-2 and AU-3 ask for. *When* is `at`, in UTC with hundredths of a
second (AU-8); *where* is the gateway that keeps the log, whose name is the origin of every checkpoint over the entry.
"""


def page() -> str:
    """docs/events.md."""
    parts = [_HEAD]
    for area in Area:
        parts.append(f"## {area.value[0].upper()}{area.value[1:]}\n")
        parts += [_described(type) for type in EntryType if EVENTS[type].area is area]
    return "\n".join(parts)


def _described(type: EntryType) -> str:
    tells = content(type)
    required, optional = (tuple(sorted(keys.split())) for keys in KEYS[type])
    lines = [
        f"### `{type.value}`\n",
        f"{EVENTS[type].says}\n",
        "| AU-3 asks | the entry says |",
        "|---|---|",
        f"| what | {_code(tells.what)} |",
        f"| when | {_code(tells.when)} |",
        f"| where | {tells.where} |",
        f"| source | {_code(tells.source)} |",
        f"| outcome | {_code(tells.outcome)} |",
        f"| who | {_code(tells.who)} |",
        "",
        f"Must have: {_code(('at', 'id', 'parties', 'type', *required))}",
        f"May have: {_code(optional) or 'nothing else'}\n",
    ]
    return "\n".join(lines)


def _code(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" if word in SHAPES else word for word in words)
