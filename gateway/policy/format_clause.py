"""The format of clauses and access rules: what may stand in them, with a line and an example for each key.

The rest of an agreement is in `format.py`, which says what these declarations are for.
"""

import re

from gateway.agency import PARTY_ID
from gateway.policy.mou import Effect, Evidence, Grain, How, Manner
from gateway.policy.reading import WORD
from gateway.policy.shape import Choice, Duration, Flag, Number, Shape, Text, Titled
from gateway.policy.shape_table import ByWord, Key, ListOf, MapOf, OneOf, TableOf, Together
from gateway.policy.words import COURSES, PURPOSES, ROLES, titles

_CLAUSE_ID = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,15}")
_FIELD = re.compile(r"[a-z][a-z0-9]*([.\-][a-z0-9]+)*(\.\*)?")
_FACT = re.compile(r"[a-z][a-z0-9]*([.\-][a-z0-9]+)*")
_EXCHANGE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*/[0-9]+(\.[0-9]+)*")

_FIELD_HINT = "a field or label is lower case words joined by points and hyphens: person.name, medical.*"

ANY = Text()
WORDS = Text(form=WORD, hint="this is written in lower case words joined by hyphens", code="bad-word")
FIELD = Text(form=_FIELD, hint=_FIELD_HINT, code="bad-word", place="fields")
FACT = Text(form=_FACT, hint="a fact is named by lower case words: under-supervision", place="facts")
MOMENT = Text(form=_FACT, hint="a moment is named by a fact: release.scheduled", place="moments")
PARTY = Text(
    form=PARTY_ID,
    hint="a party is an agency's id - lower case words joined by hyphens, at most 63 characters: millbrook-police - "
    "or a unit of it: millbrook-police/records",
    code="bad-agency",
    length_max=63,
)
ROLE = Text(
    form=WORD, hint="a role is written in lower case words joined by hyphens", code="bad-word", offered=titles(ROLES)
)
PURPOSE = Text(
    form=WORD,
    hint="a purpose is written in lower case words joined by hyphens",
    code="bad-word",
    offered=titles(PURPOSES),
)
COURSE = Text(
    form=re.compile(r"[a-z0-9]+(-[a-z0-9]+)*"),
    hint="a course is written in lower case words joined by hyphens",
    code="bad-word",
    offered=titles(COURSES),
)
MANNER = Choice(
    words={
        Manner.DROP: "Nothing stands in its place",
        Manner.NIL: "The element stands there empty, with xsi:nil",
        Manner.NIL_WITHHELD: 'The same, with the reason "withheld"',
    }
)


def may(name: str, shape: Shape, title: str, example: str) -> Key:
    """A key that may be left out."""
    return Key(name=name, shape=shape, title=title, example=example)


def must(name: str, shape: Shape, title: str, example: str) -> Key:
    """A key that must be there."""
    return Key(name=name, shape=shape, title=title, example=example, required=True)


# --- who may see it ----------------------------------------------------------------------------------------------

_CATEGORY = Text(
    form=WORD,
    hint="a category is an exchange without its version: custody-release",
    code="bad-word",
)
_RULE_ID = must(
    "id",
    Text(form=_CLAUSE_ID, hint="a rule's id is a letter and up to 15 letters, digits or points: A1"),
    "What decisions and the paper call this rule.",
    "A1",
)
_ROLES = ("roles", ListOf(item=ROLE, filled=True, once=True), "Who may see it.", "[patrol-officer, detective]")
_PURPOSES = ("purposes", ListOf(item=PURPOSE, filled=True, once=True), "For which reasons.", "[release-notification]")
_CATEGORIES = (
    "categories",
    ListOf(item=_CATEGORY, filled=True, once=True),
    "Which kinds of record: exchanges without their version.",
    "[custody-release]",
)

REQUIRE = TableOf(
    keys=(
        may("mfa", Flag(), "The person signed in with a second factor.", "true"),
        may("training", ListOf(item=COURSE, once=True), "Courses the person must hold.", "[cjis-security]"),
        may(
            "case_number_for",
            ListOf(item=PURPOSE, once=True),
            "Purposes for which a request must carry a case number.",
            "[active-investigation]",
        ),
    )
)

ACCESS_RULE = ByWord(
    key=may(
        "effect",
        Choice(words={Effect.PERMIT: "These may", Effect.DENY: "These may not, whatever another rule says"}),
        "Whether the rule permits (it does when nothing is said) or denies. A denial beats every permission.",
        "permit",
    ),
    absent=Effect.PERMIT,
    tables={
        Effect.PERMIT: (
            _RULE_ID,
            must(*_ROLES),
            must(*_PURPOSES),
            must(*_CATEGORIES),
            may("require", REQUIRE, "What else must hold.", "{mfa: true, training: [cjis-security]}"),
        ),
        # What a denial leaves out it denies to everyone, for everything.
        Effect.DENY: (_RULE_ID, may(*_ROLES), may(*_PURPOSES), may(*_CATEGORIES)),
    },
)


# --- which fields, in which form ---------------------------------------------------------------------------------

_BECAUSE = ("because", ANY, "Why, in words that stand on the paper and in every explanation.", '"42 CFR 2.12."')

_GRAIN_LINES = {
    "year": "The year of a date",
    "month": "Year and month of a date",
    "day": "The day of a date with time",
    "city-state": "City, county, state and country of an address; the rest is withheld",
    "5-years": "The band of five years of an age",
    "10-years": "The band of ten years of an age",
    "tenth-degree": "A latitude or longitude on a grid of about 11 kilometers",
    "hundredth-degree": "A latitude or longitude on a grid of about 1 kilometer",
}
GRAINS: Titled = {grain: _GRAIN_LINES[grain] for grain in Grain}

TRANSFORM = ByWord(
    key=must(
        "do",
        Choice(
            words={
                How.MASK: "Four asterisks and the last characters",
                How.GENERALIZE: "A coarser value: the year of a date, the city of an address",
                How.PSEUDONYMIZE: "A token that stands for the value and leads nobody back to it",
                How.REPLACE: "A fixed value",
                How.REMOVE: "Withheld, whatever another line says",
            }
        ),
        "What becomes of the field.",
        "mask",
    ),
    tables={
        How.MASK: (
            must("keep_last", Number(least=0, most=8), "How many characters at the end stay.", "4"),
            may(*_BECAUSE),
        ),
        How.GENERALIZE: (
            must(
                "to",
                Choice(words=GRAINS),
                "How coarse.",
                "year",
            ),
            may(*_BECAUSE),
        ),
        How.PSEUDONYMIZE: (may(*_BECAUSE),),
        How.REPLACE: (must("with", ANY, "The value that is given instead.", '"on file"'), may(*_BECAUSE)),
        How.REMOVE: (
            must(*_BECAUSE),
            may("leave", MANNER, "What stands in the place of this field; else as the clause says.", "nil"),
        ),
    },
)

ITEM = OneOf(
    shapes=(
        FIELD,
        TableOf(
            keys=(
                must("field", FIELD, "The field or label, where it has a condition.", "offense.charge"),
                may("unless", FACT, "It is withheld where this fact holds.", "offense.juvenile"),
                may("when", FACT, "It is withheld where this fact does not hold.", "affiliation.reasonable-suspicion"),
            ),
            together=(
                Together(
                    keys=("unless", "when"),
                    every=False,
                    code="missing-key",
                    hint="write the field by itself, or give it a condition: unless or when",
                ),
            ),
        ),
    ),
    hint="a field or label is expected here, by itself or as {field: ..., unless: a fact}",
)

FIELDS = TableOf(
    keys=(
        may("share", ListOf(item=ITEM, filled=True), "What goes through as it is.", "[person.name, person.id.*]"),
        may(
            "transform",
            MapOf(key=FIELD, value=TRANSFORM, sort="a field or label, and what is done with it", filled=True),
            "What goes through in a lesser form, or not at all.",
            '{person.dob: {do: generalize, to: year}, sud.*: {do: remove, because: "42 CFR 2.12."}}',
        ),
        may("withhold", MANNER, "What stands in the place of a field that is withheld; nothing, if not said.", "drop"),
    ),
    together=(
        Together(keys=("share", "transform"), every=False, code="shares-nothing", hint="this clause shares no field"),
    ),
)


# --- a clause ----------------------------------------------------------------------------------------------------

_ANSWER = OneOf(
    shapes=(
        Flag(),
        ANY,
        ListOf(item=OneOf(shapes=(Flag(), ANY), hint="a fact is true, false or a text"), filled=True),
    ),
    hint="a fact is true, false, a text, or one of a list of these",
)

CLAUSE = TableOf(
    keys=(
        must(
            "id",
            Text(form=_CLAUSE_ID, hint="a clause's id is a letter and up to 15 letters, digits or points: E1"),
            "What decisions, Covers and the log call this clause.",
            "E1",
        ),
        must(
            "exchange",
            Text(form=_EXCHANGE, hint="an exchange is its name and version: custody-release/1.0"),
            "Which type of message.",
            "custody-release/1.0",
        ),
        must("from", PARTY, "The party that sends.", "harlan-county-jail"),
        must("to", ListOf(item=PARTY, filled=True, once=True), "The parties that get it.", "[millbrook-police]"),
        must("purpose", PURPOSE, "What for. One purpose a clause.", "release-notification"),
        must("role", ROLE, "Who at the recipient may see it.", "patrol-officer"),
        may(
            "route",
            ListOf(
                item=TableOf(
                    keys=(
                        must("fact", FACT, "A fact about the whole message.", "sealed"),
                        must("is", _ANSWER, "The answer, or answers, with which the message goes.", "false"),
                    )
                )
            ),
            "Conditions on the message. All must hold, or nothing goes.",
            "[{fact: sealed, is: false}]",
        ),
        must("fields", FIELDS, "The allow-list. What it does not name is withheld.", "{share: [person.name]}"),
        may(
            "deliver",
            TableOf(
                keys=(
                    may(
                        "evidence",
                        Choice(
                            words={
                                Evidence.TRANSPORT: "The recipient's system answered without an error",
                                Evidence.SIGNED: "The recipient's system answered with its signature",
                            }
                        ),
                        "What counts as delivered.",
                        "transport",
                    ),
                    may("within", Duration(), "Longest time from message to delivery.", "15 minutes"),
                )
            ),
            "How fast, and what counts as delivered.",
            "{evidence: transport, within: 15 minutes}",
        ),
        may("send_at_least", Duration(), "How long ahead the notice is due.", "48 hours"),
        may("before", MOMENT, "The moment it is due ahead of: a date of the message.", "release.scheduled"),
        may(
            "retention",
            TableOf(
                keys=(
                    may("gateway_copy", Duration(), "How long the gateway keeps its copy, from delivery.", "30 days"),
                    may("recipient_copy", Duration(), "How long the recipient may keep it, from receipt.", "1 year"),
                )
            ),
            "How long copies are kept.",
            "{gateway_copy: 30 days, recipient_copy: 1 year}",
        ),
        may(
            "notices",
            ListOf(item=ANY),
            "Texts that travel in the signed Cover with every message.",
            '["For official use in connection with this release."]',
        ),
        may(
            "onward_sharing",
            ANY,
            "What the recipient may pass on, and to whom. Nothing, if not said.",
            "To the sheriff of the county of residence.",
        ),
    ),
    together=(
        Together(
            keys=("send_at_least", "before"),
            every=True,
            code="half-a-deadline",
            hint="send_at_least and before go together: send_at_least: 48 hours, before: release.scheduled",
        ),
    ),
)
