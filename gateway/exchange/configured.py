"""Configured: everything in force at one version of the configuration, compiled for use. Pure.

Work that can be done here is done here and not per message: schemas are compiled, agreements read and indexed,
sharing rules made. What did not change is taken over from the configuration before.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.agency import Agency, AgencyId
from gateway.errors import Misconfigured
from gateway.exchange.past import Past
from gateway.iepd.facts import Facts
from gateway.iepd.package import Iepd, load_archive
from gateway.iepd.registry import Registry
from gateway.keys.pseudonym import NO_PSEUDONYMS, Pseudonyms
from gateway.policy.grant import Grant, InForce, Refusal, grants, matches, refusals
from gateway.policy.mou import Mou
from gateway.policy.read import read_mou
from gateway.policy.rules import SharingRules, compile_rules
from gateway.policy.withdrawal import withdrawal_rules
from gateway.signing.certificate import pem_to_der
from gateway.signing.keyring import TrustedKeys
from gateway.store.interface import Agreement, AgreementState, Configuration, Credential, CredentialKind


class AgreementUnreadable(Misconfigured):
    """An agreement in the database does not fit the exchanges in the database: nobody may guess what it means."""

    code = "configuration.agreement-unreadable"


RulesKey = tuple[str, str, str]
"""Digest of the agreement, id of the clause, digest of the exchange's schema set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastGrant:
    """A past recipient's grant; `withdrawal` when it is told no more than that the earlier message is void."""

    grant: Grant
    withdrawal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """What is in force. A value: a changed configuration is another one.

    authority     certificate (DER) of the gateway's own authority
    credentials   by fingerprint
    registry      every registered exchange
    mous          every version of every agreement that was ever activated, by id and version
    in_force      those that decide
    compiled      sharing rules of every clause of those that may still decide
    pseudonyms    keys of the period they were compiled for
    """

    version: int
    authority: bytes
    agencies: Mapping[AgencyId, Agency]
    credentials: Mapping[str, Credential]
    registry: Registry
    iepds: Mapping[str, Iepd]
    agreements: tuple[Agreement, ...]
    mous: Mapping[tuple[str, int], Mou]
    in_force: InForce
    compiled: Mapping[RulesKey, SharingRules]
    pseudonyms: Pseudonyms = NO_PSEUDONYMS

    def mou(self, agreement: Agreement) -> Mou:
        """The agreement as a value."""
        return self.mous[agreement.mou, agreement.version]

    def decide_recipients(
        self, *, sender: AgencyId, exchange: str, facts: Facts, on: datetime, only: frozenset[AgencyId]
    ) -> tuple[tuple[Grant, ...], tuple[Refusal, ...]]:
        """Who may have a message, and who was asked for and may not. `only` empty asks for everyone."""
        granted = grants(self.in_force, sender=sender, exchange=exchange, facts=facts, on=on, only=only or None)
        if not only:
            return granted, ()
        return granted, refusals(self.in_force, granted, sender=sender, exchange=exchange, on=on, only=only)

    def grant_of(
        self, past: Past, *, sender: AgencyId, exchange: str, facts: Facts, canceling: bool, on: datetime
    ) -> PastGrant | None:
        """What a past recipient gets of a correction or cancellation.

        The same clause of the same agreement cuts it, its version in force; another clause may share more. When that
        clause is not in force, or a correction is not one that it routes, it is a withdrawal under the clause that
        decided the first. None when that clause is not between these two.
        """
        clauses = [
            (mou, clause)
            for mou, clause in self.in_force.clauses(sender, exchange, on.date())
            if mou.id == past.mou and clause.id == past.clause and past.recipient in clause.recipients
        ]
        if clauses and (canceling or matches(clauses[0][1].route, facts)):
            mou, clause = clauses[0]
            return PastGrant(grant=Grant(mou=mou, clause=clause, recipient=past.recipient), withdrawal=False)
        decided = self.mous.get((past.mou, past.mou_version))
        clause_then = decided.clause(past.clause) if decided is not None else None
        if decided is None or clause_then is None or past.recipient not in clause_then.recipients:
            return None
        if (clause_then.sender, clause_then.exchange) != (sender, exchange):
            return None
        return PastGrant(grant=Grant(mou=decided, clause=clause_then, recipient=past.recipient), withdrawal=True)

    def rules(self, grant: Grant, iepd: Iepd, *, withdrawal: bool = False) -> SharingRules:
        """What the grant's clause lets through; of a withdrawal, only that something is void."""
        if withdrawal:
            return withdrawal_rules(grant.mou, grant.clause, iepd)
        return self.compiled[grant.mou.digest, grant.clause.id, iepd.digest]

    def trust(self, agency: AgencyId) -> TrustedKeys:
        """Whose signatures count as this agency's."""
        own = [one for one in self.credentials.values() if one.agency == agency and one.certificate]
        return TrustedKeys(
            agency=agency,
            pins=frozenset(_der(own, CredentialKind.CERTIFICATE)),
            authorities=tuple(_der(own, CredentialKind.AUTHORITY)),
            revoked=frozenset(one.fingerprint for one in own if one.revoked_at is not None),
        )


def _der(credentials: Iterable[Credential], kind: CredentialKind) -> Iterator[bytes]:
    return (pem_to_der(one.certificate) for one in credentials if one.kind is kind and one.revoked_at is None)


def nothing(authority: bytes, iepds: Iterable[Iepd] = (), *, pseudonyms: Pseudonyms = NO_PSEUDONYMS) -> Configured:
    """A configuration with nothing in force, to compile the first one after. `iepds` need not be compiled again."""
    known = {iepd.id: iepd for iepd in iepds}
    return Configured(
        version=-1,
        authority=authority,
        agencies={},
        credentials={},
        registry=Registry.of(known.values()),
        iepds=known,
        agreements=(),
        mous={},
        in_force=InForce(()),
        compiled={},
        pseudonyms=pseudonyms,
    )


def compile_configuration(
    stored: Configuration, *, before: Configured, pseudonyms: Pseudonyms | None = None
) -> Configured:
    """Compile what the database holds. Raises leaves of `Misconfigured` when something in it cannot be understood.

    pseudonyms  of the period that begins; None = of the one before
    """
    if pseudonyms is not None and pseudonyms != before.pseudonyms:
        before = replace(before, pseudonyms=pseudonyms, compiled={})
    iepds = {
        exchange.id: before.iepds[exchange.id]
        if exchange.id in before.iepds and before.iepds[exchange.id].digest == exchange.digest
        else load_archive(exchange.archive)
        for exchange in stored.exchanges
    }
    activated = [agreement for agreement in stored.agreements if agreement.state is not AgreementState.DRAFT]
    mous = {(one.mou, one.version): _mou(one, iepds, before) for one in activated}
    in_force = [mous[one.mou, one.version] for one in activated if one.state is AgreementState.IN_FORCE]
    return Configured(
        version=stored.version,
        authority=before.authority,
        agencies={agency.id: agency for agency in stored.agencies},
        credentials={credential.fingerprint: credential for credential in stored.credentials},
        registry=Registry.of(iepds.values()),
        iepds=iepds,
        agreements=stored.agreements,
        mous=mous,
        in_force=InForce(in_force),
        compiled=_compiled(mous.values(), iepds, before),
        pseudonyms=before.pseudonyms,
    )


def _mou(agreement: Agreement, iepds: Mapping[str, Iepd], before: Configured) -> Mou:
    known = before.mous.get((agreement.mou, agreement.version))
    if known is not None and known.digest == agreement.digest:
        return known
    mou, findings = read_mou(agreement.body, f"{agreement.mou} version {agreement.version}", iepds)
    if mou is None:
        first = findings[0] if findings else ""
        raise AgreementUnreadable(f"{agreement.mou} version {agreement.version} cannot be read: {first}")
    return mou


def _compiled(mous: Iterable[Mou], iepds: Mapping[str, Iepd], before: Configured) -> Mapping[RulesKey, SharingRules]:
    made: dict[RulesKey, SharingRules] = {}
    for mou in mous:
        for clause in mou.exchanges:
            iepd = iepds[clause.exchange]
            key = (mou.digest, clause.id, iepd.digest)
            made[key] = before.compiled.get(key) or compile_rules(mou, clause, iepd, key=before.pseudonyms.key(mou.id))
    return made
