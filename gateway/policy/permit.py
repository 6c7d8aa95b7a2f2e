"""Access rules of an agreement, its words, and whether its clauses stay within both."""

from collections.abc import Collection, Iterable, Mapping

from gateway.document.source import Node, Table
from gateway.iepd.package import Iepd
from gateway.policy import taking
from gateway.policy.mou import AccessRule, Clause, Effect, Section
from gateway.policy.reading import Reading, nearest
from gateway.policy.words import COURSES, PURPOSES, ROLES, Word


class Words:
    """The words an agreement may use: those the gateway ships, and those it explains itself."""

    def __init__(
        self, roles: Iterable[Section] = (), purposes: Iterable[Section] = (), courses: Iterable[Section] = ()
    ) -> None:
        self._known: Mapping[str, frozenset[str]] = {
            "role": _known(ROLES, roles),
            "purpose": _known(PURPOSES, purposes),
            "course": _known(COURSES, courses),
        }

    def check(self, reading: Reading, sort: str, nodes: Iterable[Node]) -> None:
        """Report each of these that nobody has explained."""
        known = self._known[sort]
        for node in nodes:
            word = taking.word_of(node)
            if word and word not in known:
                hint = f"the {sort} {word!r} is not known{nearest(word, known)}; one of your own is explained under "
                reading.wrong(f"unknown-{sort}", f"{hint}{sort}s:", node)


def _known(shipped: Mapping[str, Word], own: Iterable[Section]) -> frozenset[str]:
    return frozenset(shipped).union(section.heading for section in own)


def read_access(
    reading: Reading, root: Table, words: Words, iepds: Mapping[str, Iepd] | None
) -> tuple[AccessRule, ...]:
    """Who may see what for which purpose."""
    categories = None if iepds is None else {category(id) for id in iepds}
    found: dict[str, AccessRule] = {}
    for table in taking.tables(root, "access"):
        rule = _rule(table)
        if rule.id in found:
            reading.wrong("rule-twice", "another access rule has this id", table.entries["id"])
        found[rule.id] = rule
        _check(reading, table, words, categories)
    return tuple(found.values())


def _rule(table: Table) -> AccessRule:
    require = taking.below(table, "require")
    return AccessRule(
        id=taking.text(table, "id"),
        effect=taking.choice(table, "effect", Effect) or Effect.PERMIT,
        roles=taking.texts(table, "roles"),
        purposes=taking.texts(table, "purposes"),
        categories=taking.texts(table, "categories"),
        mfa=require is not None and taking.flag(require, "mfa"),
        training=taking.texts(require, "training"),
        case_number_for=taking.texts(require, "case_number_for"),
    )


def _check(reading: Reading, table: Table, words: Words, categories: Collection[str] | None) -> None:
    require = taking.below(table, "require")
    words.check(reading, "role", taking.nodes(table, "roles"))
    words.check(reading, "purpose", taking.nodes(table, "purposes"))
    words.check(reading, "course", taking.nodes(require, "training"))
    for node in taking.nodes(table, "categories"):
        if categories is not None and taking.word_of(node) not in categories:
            hint = f"no exchange is called {taking.word_of(node)!r}{nearest(taking.word_of(node), categories)}"
            reading.wrong("unknown-exchange", hint, node)
    purposes = taking.texts(table, "purposes")
    for node in taking.nodes(require, "case_number_for"):
        if purposes and taking.word_of(node) not in purposes:
            hint = f"{taking.word_of(node)!r} is no purpose of this rule{nearest(taking.word_of(node), purposes)}"
            reading.wrong("unknown-purpose", hint, node)


def check_clause(reading: Reading, clause: Clause, table: Table, words: Words, rules: tuple[AccessRule, ...]) -> None:
    """Report words of a clause that nobody explained, and a purpose or role that no access rule permits."""
    for sort in ("role", "purpose"):
        words.check(reading, sort, [table.entries[sort]] if sort in table.entries else [])
    if not rules or not (clause.role and clause.purpose and clause.exchange):
        return
    where = f"{clause.role} for {clause.purpose} on {category(clause.exchange)}"
    denying = next((rule.id for rule in rules if rule.effect is Effect.DENY and _speaks(rule, clause)), "")
    if denying:
        reading.wrong("clause-denied", f"access rule {denying} denies {where}", table.entries["role"])
    elif not any(rule.effect is Effect.PERMIT and _names(rule, clause) for rule in rules):
        reading.wrong("clause-not-permitted", f"no access rule permits {where}", table.entries[_missing(rules, clause)])


def _missing(rules: tuple[AccessRule, ...], clause: Clause) -> str:
    """The key of the clause that no permission names, or not together with the keys before it."""
    named = [rule for rule in rules if rule.effect is Effect.PERMIT and clause.role in rule.roles]
    if not named:
        return "role"
    return "exchange" if any(clause.purpose in rule.purposes for rule in named) else "purpose"


def category(exchange: str) -> str:
    """The kind of record: the exchange without its version."""
    return exchange.partition("/")[0]


def _names(rule: AccessRule, clause: Clause) -> bool:
    kind = category(clause.exchange)
    return clause.role in rule.roles and clause.purpose in rule.purposes and kind in rule.categories


def _speaks(rule: AccessRule, clause: Clause) -> bool:
    """Whether a denial means this clause: what it leaves out it means in general."""
    asked = (
        (rule.roles, clause.role),
        (rule.purposes, clause.purpose),
        (rule.categories, category(clause.exchange)),
    )
    return all(not listed or word in listed for listed, word in asked)
