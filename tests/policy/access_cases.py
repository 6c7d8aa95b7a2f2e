"""Random agreements, rules of access and requests, and an agreement as Cedar policies: a second opinion on access."""

import json
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

from hypothesis import strategies as st

from gateway.agency import AgencyId
from gateway.policy.access import Person, Request, category
from gateway.policy.mou import AccessRule, Clause, Effect, Mou
from tests.policy.examples import JAIL, POLICE, PROBATION, mou_of

AGENCIES = (JAIL, POLICE, PROBATION)
ROLES = ("detective", "records-officer", "analyst", "clerk")
PURPOSES = ("release-notification", "investigation", "supervision")
EXCHANGES = ("custody-release/1.0", "custody-release/2.0", "booking/1.0")
CATEGORIES = ("custody-release", "booking", "gang")
COURSES = ("cjis-security", "juvenile-records")
DAY = date(2026, 6, 1)


def clause(id: str, recipient: AgencyId, exchange: str, purpose: str, role: str, sender: AgencyId = JAIL) -> Clause:
    return Clause(id=id, exchange=exchange, sender=sender, recipients=(recipient,), purpose=purpose, role=role)


def agreement(*rules: AccessRule, clauses: tuple[Clause, ...] = ()) -> Mou:
    """An agreement with these rules of access."""
    own = clauses or (clause("E1", POLICE, EXCHANGES[0], PURPOSES[0], ROLES[0]),)
    return replace(mou_of(*own), access=rules)


# --- for laws ----------------------------------------------------------------------------------------------------


def _some(words: tuple[str, ...], least: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(words), min_size=least, max_size=3, unique=True).map(tuple)


def rules(effect: Effect | None = None) -> st.SearchStrategy[AccessRule]:
    effects = st.sampled_from(list(Effect)) if effect is None else st.just(effect)
    return effects.flatmap(_rule)


def _rule(effect: Effect) -> st.SearchStrategy[AccessRule]:
    least = 0 if effect is Effect.DENY else 1
    return st.builds(
        AccessRule,
        id=st.uuids().map(lambda each: f"A{each.hex[:8]}"),
        effect=st.just(effect),
        roles=_some(ROLES, least),
        purposes=_some(PURPOSES, least),
        categories=_some(CATEGORIES, least),
        mfa=st.booleans(),
        training=_some(COURSES, 0),
        case_number_for=_some(PURPOSES, 0),
    )


def clauses() -> st.SearchStrategy[Clause]:
    return st.builds(
        clause,
        st.uuids().map(lambda each: f"E{each.hex[:8]}"),
        st.sampled_from(AGENCIES[1:]),
        st.sampled_from(EXCHANGES),
        st.sampled_from(PURPOSES),
        st.sampled_from(ROLES),
    )


def agreements() -> st.SearchStrategy[Mou]:
    some = st.lists(clauses(), min_size=1, max_size=4).map(tuple)
    return st.builds(
        lambda own, access: agreement(*access, clauses=own), some, st.lists(rules(), min_size=1, max_size=6).map(tuple)
    )


def persons() -> st.SearchStrategy[Person]:
    days = st.dates(DAY - timedelta(days=2), DAY + timedelta(days=2))
    training = st.dictionaries(st.sampled_from(COURSES), days)
    return st.builds(Person, mfa=st.booleans(), training=training, case_number=st.booleans())


def requests() -> st.SearchStrategy[Request]:
    return st.builds(
        Request,
        sender=st.sampled_from(AGENCIES),
        recipient=st.sampled_from(AGENCIES),
        exchange=st.sampled_from(EXCHANGES),
        purpose=st.sampled_from(PURPOSES),
        role=st.sampled_from(ROLES),
        on=st.just(DAY),
        person=persons(),
    )


# --- for the comparison ------------------------------------------------------------------------------------------


def random_agreement(random: Random) -> Mou:
    """With rules, or (one in five) without."""
    own = tuple(
        clause(
            f"E{each}",
            random.choice(AGENCIES),
            random.choice(EXCHANGES),
            random.choice(PURPOSES),
            random.choice(ROLES),
            sender=random.choice(AGENCIES),
        )
        for each in range(random.randint(1, 6))
    )
    count = 0 if random.random() < 0.2 else random.randint(1, 8)
    return agreement(*(_random_rule(random, f"A{each}") for each in range(count)), clauses=own)


def _random_rule(random: Random, id: str) -> AccessRule:
    effect = Effect.DENY if random.random() < 0.2 else Effect.PERMIT

    def some(words: tuple[str, ...], *, least: int = 0) -> tuple[str, ...]:
        return tuple(random.sample(words, random.randint(least, len(words))))

    least = 0 if effect is Effect.DENY and random.random() < 0.3 else 1
    return AccessRule(
        id=id,
        effect=effect,
        roles=some(ROLES, least=least),
        purposes=some(PURPOSES, least=least),
        categories=some(CATEGORIES, least=least),
        mfa=random.random() < 0.3,
        training=some(COURSES) if random.random() < 0.3 else (),
        case_number_for=some(PURPOSES) if random.random() < 0.3 else (),
    )


def random_request(random: Random, mou: Mou) -> Request:
    """Half of the time about something that a clause names: else hardly anything would be permitted."""
    known = random.choice(mou.exchanges)
    near = random.random() < 0.7
    return Request(
        sender=known.sender if near else random.choice(AGENCIES),
        recipient=known.recipients[0] if near else random.choice(AGENCIES),
        exchange=known.exchange if near else random.choice(EXCHANGES),
        purpose=known.purpose if near else random.choice(PURPOSES),
        role=known.role if random.random() < 0.3 else random.choice((*ROLES, "janitor")),
        on=DAY,
        person=Person(
            mfa=random.random() < 0.6,
            training={each: DAY + timedelta(days=random.randint(-1, 2)) for each in COURSES if random.random() < 0.7},
            case_number=random.random() < 0.6,
        ),
    )


# --- as Cedar says it --------------------------------------------------------------------------------------------


def cedar(mou: Mou) -> str:
    """The agreement as Cedar policies: rules as they stand, and one that forbids whatever no clause gives."""
    ways = " || ".join(f"({_way(clause, each)})" for clause in mou.exchanges for each in clause.recipients)
    policies = [f"forbid(principal, action, resource) unless {{ {ways} }};"]
    if mou.access:
        policies += [_policy(rule) for rule in mou.access]
    else:
        policies += [
            f"permit(principal, action, resource) when {{ {_way(clause, each)} && "
            f"context.role == {json.dumps(clause.role)} }};"
            for clause in mou.exchanges
            for each in clause.recipients
        ]
    return "\n".join(policies)


def _way(clause: Clause, recipient: AgencyId) -> str:
    words = {"sender": clause.sender, "exchange": clause.exchange, "purpose": clause.purpose}
    parts = [f"context.{key} == {json.dumps(word)}" for key, word in words.items()]
    return " && ".join([f"principal == Agency::{json.dumps(recipient)}", *parts])


def _policy(rule: AccessRule) -> str:
    deny = rule.effect is Effect.DENY
    parts = [
        f"{json.dumps(list(words))}.contains(context.{key})"
        for key, words in (("role", rule.roles), ("purpose", rule.purposes), ("category", rule.categories))
        if words or not deny
    ]
    if not deny:  # a denial denies on whatever condition
        parts += ["context.mfa"] if rule.mfa else []
        parts += [
            f"(context.training has {json.dumps(course)} && context.today <= context.training[{json.dumps(course)}])"
            for course in rule.training
        ]
        if rule.case_number_for:
            asked = f"{json.dumps(list(rule.case_number_for))}.contains(context.purpose)"
            parts.append(f"(!{asked} || context.caseNumber)")
    effect = "forbid" if deny else "permit"
    return (
        f"@id({json.dumps(rule.id)}) {effect}(principal, action, resource) when {{ {' && '.join(parts) or 'true'} }};"
    )


def cedar_request(request: Request) -> dict[str, Any]:
    return {
        "principal": f"Agency::{json.dumps(request.recipient)}",
        "action": 'Action::"see"',
        "resource": 'Records::"any"',
        "context": {
            "sender": request.sender,
            "exchange": request.exchange,
            "category": category(request.exchange),
            "purpose": request.purpose,
            "role": request.role,
            "today": request.on.toordinal(),
            "mfa": request.person.mfa,
            "caseNumber": request.person.case_number,
            "training": {course: until.toordinal() for course, until in request.person.training.items()},
        },
    }
