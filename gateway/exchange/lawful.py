"""Agreements as far as law lets them: each clause compiled under the law that binds its sender and its recipient. Pure.

Packs cost nothing when a message is decided. What they withhold is compiled into the sharing rules; what they ask of
a message as a whole becomes part of the clause's route, so that whoever may not have it gets what they would get if
there were no such message: nothing, and no other answer than that.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from gateway.agency import Agency, AgencyId
from gateway.errors import Misconfigured
from gateway.finding import Finding
from gateway.iepd.package import Iepd
from gateway.keys.pseudonym import NO_PSEUDONYMS, Pseudonyms
from gateway.policy.grant import Grant
from gateway.policy.law import LawPack, Laws, Parties, parties
from gateway.policy.law_bind import Bound, bind
from gateway.policy.law_read import read_law
from gateway.policy.mou import Clause, Mou
from gateway.policy.reading import nearest
from gateway.policy.rules import SharingRules, compile_rules
from gateway.store.configuration import Law


class LawsRefused(Misconfigured):
    """A law pack that is not right, or is named and not there: without it nobody knows what may be shared."""

    code = "law.refused"

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(f"law packs: {len(self.findings)} finding{'s' if len(self.findings) != 1 else ''}")


class RulesKey(NamedTuple):
    """What rules are made of: digests of agreement and schema set and laws, since when and for whom."""

    mou: str
    clause: str
    edition: str
    laws: str
    since: date
    between: Parties


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What a clause lets through to one kind of recipient, and what law says of it."""

    rules: SharingRules
    bound: Bound


class Lawful:
    """Compiled rules by whoever a clause gives something, and from which day on that law holds.

    asking  senders and exchanges of which a clause gives something that needs a consent
    """

    def __init__(
        self,
        compiled: Mapping[tuple[str, str, AgencyId, date], Compiled],
        asking: frozenset[tuple[AgencyId, str]] = frozenset(),
    ) -> None:
        self._compiled = compiled
        self.asking = asking

    def of(self, grant: Grant) -> Compiled:
        """Those of a grant that this configuration made."""
        mou = grant.mou
        return self._compiled[mou.digest, grant.clause.id, grant.recipient, mou.since]

    def all(self) -> Iterator[Compiled]:
        """Each of them."""
        yield from self._compiled.values()


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """mous: each agreement once for each span of days during which the same law holds."""

    mous: tuple[Mou, ...]
    lawful: Lawful
    compiled: Mapping[RulesKey, Compiled]


def lawful(
    mous: Iterable[tuple[Mou, datetime]],
    iepds: Mapping[str, Iepd],
    agencies: Mapping[AgencyId, Agency],
    laws: Laws,
    *,
    known: Mapping[RulesKey, Compiled],
    pseudonyms: Pseudonyms = NO_PSEUDONYMS,
) -> Made:
    """Compile agreements under the law. With each the moment since which it is in force: nothing is decided before.

    known       what was compiled before
    pseudonyms  keys of the period; without them, what a clause would pseudonymize is withheld
    """
    making = _Making(iepds, agencies, laws, known, pseudonyms)
    found = []
    for mou, changed in mous:
        first = changed.date() - timedelta(days=1)  # a day in another zone
        spans = laws.spans(mou.since, mou.until)
        found += [making.under(mou, *span) for span in spans if span[1] >= first]
    return Made(mous=tuple(found), lawful=Lawful(making.by_grant, frozenset(making.asking)), compiled=making.compiled)


class _Making:
    def __init__(
        self,
        iepds: Mapping[str, Iepd],
        agencies: Mapping[AgencyId, Agency],
        laws: Laws,
        known: Mapping[RulesKey, Compiled],
        pseudonyms: Pseudonyms,
    ) -> None:
        self._pseudonyms = pseudonyms
        self.by_grant: dict[tuple[str, str, AgencyId, date], Compiled] = {}
        self.compiled: dict[RulesKey, Compiled] = {}
        self.asking: set[tuple[AgencyId, str]] = set()
        self._iepds, self._agencies, self._laws, self._known = iepds, agencies, laws, known

    def under(self, mou: Mou, since: date, until: date) -> Mou:
        """The agreement under the law of these days. Its digest stays: it is the same agreement."""
        clauses = [each for clause in mou.exchanges for each in self._clauses(mou, clause, since)]
        return replace(mou, since=since, until=until, exchanges=tuple(clauses))

    def _clauses(self, mou: Mou, clause: Clause, since: date) -> Iterator[Clause]:
        """The clause for those recipients of whose messages law asks the same."""
        iepd = self._iepds[clause.exchange]
        alike: dict[tuple[object, ...], tuple[Bound, list[AgencyId]]] = {}
        for recipient in clause.recipients:
            between = parties(self._agencies.get(clause.sender), self._agencies.get(recipient))
            key = RulesKey(mou.digest, clause.id, iepd.edition, self._laws.digest, since, between)
            made = self.compiled.get(key) or self._known.get(key) or self._compile(mou, clause, iepd, since, between)
            self.compiled[key] = made
            if made.bound.blocked:
                continue
            if made.bound.consents:
                self.asking.add((clause.sender, clause.exchange))
            self.by_grant[mou.digest, clause.id, recipient, since] = made
            alike.setdefault(made.bound.conditions, (made.bound, []))[1].append(recipient)
        for bound, recipients in alike.values():
            yield replace(clause, recipients=tuple(recipients), route=(*clause.route, *bound.conditions))

    def _compile(self, mou: Mou, clause: Clause, iepd: Iepd, since: date, between: Parties) -> Compiled:
        binding = self._laws.binding(since, mou.law_packs, between.states)
        bound = bind(binding, clause, iepd, between)
        key = self._pseudonyms.key(mou.id)
        return Compiled(rules=compile_rules(mou, clause, iepd, bound.restrictions, key=key), bound=bound)


def read_pack(file: str, data: bytes) -> LawPack:
    """Raises `LawsRefused` with every finding."""
    pack, findings = read_law(data, file)
    if pack is None:
        raise LawsRefused(findings)
    return pack


def laws_of(stored: Iterable[Law], *, named: frozenset[str], before: Laws | None = None) -> Laws:
    """The latest version of each pack that the database holds. `named`: those that the settings name.

    Raises `LawsRefused` when one cannot be read, or one that is named is not there.
    """
    latest = {law.id: law for law in sorted(stored, key=lambda law: law.version)}
    known = {pack.digest: pack for pack in before.packs} if before is not None else {}
    packs = [known.get(law.digest) or read_pack(f"{law.id} version {law.version}", law.body) for law in latest.values()]
    findings = [
        Finding(
            code="law.unknown",
            text=f"there is no law pack {id}{nearest(id, latest)}",
            file="gateway.toml",
            path="law.packs",
        )
        for id in sorted(named - latest.keys())
    ]
    if findings:
        raise LawsRefused(findings)
    return Laws(packs, named)
