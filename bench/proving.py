"""The row about proving: an agreement's check on one exchange."""

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle, islice

from bench.message import EXCHANGE
from bench.run import Run
from bench.table import Row
from gateway.app import drafts
from gateway.clock import SystemClock
from gateway.iepd.package import Iepd
from gateway.policy.check import check
from gateway.policy.mou import Clause, Item, Mou
from gateway.policy.prove import prove
from gateway.policy.rules import compile_rules

RULES = (10, 100, 1_000)
_RULES = " / ".join(f"{number:,}" for number in RULES)


def proving(run: Run) -> list[Row]:
    """`check` of one clause, whole: rules compiled, proven, lines looked through; and with ever more lines in it."""
    configured = drafts(SystemClock().now())
    iepd = configured.iepds[EXCHANGE]
    mou = next(each for each in configured.mous.values() if any(passes(each, c, iepd) for c in each.exchanges))
    clause = next(each for each in mou.exchanges if passes(mou, each, iepd))
    repeats = 20 if run.quick else 100
    seconds = fifth_best(lambda: check(replace(mou, exchanges=(clause,)), {EXCHANGE: iepd}), repeats)
    few = max(repeats // 5, 6)
    more = {}
    for number in RULES:
        many = with_rules(mou, clause, iepd, number)
        rules = compile_rules(many, many.exchanges[0], iepd)
        more[f"rules_{number}_ms"] = 1e3 * fifth_best(lambda many=many: check(many, {EXCHANGE: iepd}), few)
        more[f"proof_{number}_ms"] = 1e3 * fifth_best(lambda rules=rules: prove(rules, clause, iepd), few)
    return [
        Row(
            name="mou-check",
            what="MOU check on one exchange, schema load aside",
            value=seconds * 1e3,
            unit="ms",
            first=100,
            goal=20,
            least=False,
            ratio=f"{_each(more, 'rules')} ms with {_RULES} rules",
            note=f"{_each(more, 'proof')} ms the proof alone; {len(iepd.catalog.fields)} fields",
            more={name: round(value, 2) for name, value in more.items()},
        )
    ]


def _each(more: dict[str, float], what: str) -> str:
    return " / ".join(f"{more[f'{what}_{number}_ms']:.1f}" for number in RULES)


def passes(mou: Mou, clause: Clause, iepd: Iepd) -> bool:
    """Whether a clause is of the exchange and proven: what is refused takes longer, for its ways out are tried."""
    return clause.exchange == iepd.id and check(replace(mou, exchanges=(clause,)), {iepd.id: iepd}).passed


def with_rules(mou: Mou, clause: Clause, iepd: Iepd, rules: int) -> Mou:
    """An agreement that gives the same in so many lines: field by field, again and again."""
    shared = [
        Item(what=field.name, unless=item.unless, when=item.when)
        for item in clause.share
        for field in iepd.catalog.select(item.what)
    ]
    lines = tuple(islice(cycle(shared), max(rules - len(clause.transforms), 1)))
    return replace(mou, exchanges=(replace(clause, share=lines),))


def fifth_best(act: Callable[[], object], repeats: int) -> float:
    """Seconds of an act; the fifth best of all, since somebody else may have the machine."""
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        act()
        times.append(time.perf_counter() - begun)
    return sorted(times)[4]
