"""Configured: everything in force at one version of the configuration, compiled for use. Pure.

Work that can be done here is done here and not per message: schemas are compiled, agreements read and indexed,
sharing rules made. What did not change is taken over from the configuration before.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo

from gateway.agency import Agency, AgencyId, agency_of
from gateway.errors import Misconfigured
from gateway.exchange.lawful import Compiled, Lawful, RulesKey, lawful, laws_of
from gateway.exchange.past import Past
from gateway.exchange.trusted import speakers, trusted_keys
from gateway.iepd.facts import Facts
from gateway.iepd.package import Iepd, load_archive
from gateway.iepd.registry import Registry
from gateway.keys.pseudonym import NO_PSEUDONYMS, Pseudonyms
from gateway.policy.emergency import EMERGENCY, Reason, emergency_mou, withdrawal_mou
from gateway.policy.grant import Grant, InForce, Refusal, grants, matches, refusals
from gateway.policy.law import Laws, parties
from gateway.policy.law_bind import Bound, bind, restricted
from gateway.policy.mou import Clause, Mou
from gateway.policy.read import read_mou
from gateway.policy.restriction import Restrictions
from gateway.policy.rules import SharingRules
from gateway.policy.withdrawal import withdrawal_rules
from gateway.signing.crl import Crl, crl_of, digest_of
from gateway.signing.keyring import TrustedKeys
from gateway.signing.revocation import Lists
from gateway.store.configuration import (
    AgencyAuthority,
    Agreement,
    AgreementState,
    Approval,
    Configuration,
    Credential,
    CredentialKind,
    RevocationList,
    Withdrawal,
)
from gateway.user import User, UserId

DECIDING = (AgreementState.IN_FORCE, AgreementState.TRIAL)
"""States in which messages are decided under an agreement."""


class AgreementUnreadable(Misconfigured):
    """An agreement in the database does not fit the exchanges in the database: nobody may guess what it means."""

    code = "configuration.agreement-unreadable"


class LawUnknown(Misconfigured):
    """An agreement names a law pack that the gateway does not have: without it nobody knows what may be shared."""

    code = "configuration.law-unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastGrant:
    """A past recipient's grant; `withdrawal` when it is told no more than that the earlier message is void."""

    grant: Grant
    withdrawal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """What is in force. A value: a changed configuration is another one.

    zone          of the days that agreements speak of
    credentials   by fingerprint
    authorities   of agencies, revoked ones too
    lists         the revocation lists that are held
    trusted       whose certificates speak for each agency that has any
    speakers      which agencies an authority's certificate of this name may speak for
    registry      every registered exchange
    mous          every version of every agreement that was ever activated, by id and version
    laws          every law pack
    in_force      the agreements that decide, as far as law lets them
    trial         those that are only tried: decided and counted, nothing leaves
    users         everybody who may act or once could
    approvals     those that were not taken back
    lawful        what each of their clauses lets through to each recipient, and what law says of it
    compiled      the same, by what it was made of
    pseudonyms    keys of the period they were compiled for
    usernames     those that an agency's SOAP requests must show one of, revoked ones left out
    """

    version: int
    zone: tzinfo
    agencies: Mapping[AgencyId, Agency]
    credentials: Mapping[str, Credential]
    authorities: tuple[AgencyAuthority, ...]
    lists: Lists
    trusted: Mapping[AgencyId, TrustedKeys]
    speakers: Mapping[str, frozenset[AgencyId]]
    registry: Registry
    iepds: Mapping[str, Iepd]
    agreements: tuple[Agreement, ...]
    mous: Mapping[tuple[str, int], Mou]
    in_force: InForce
    trial: InForce
    users: Mapping[UserId, User]
    approvals: tuple[Approval, ...]
    laws: Laws
    lawful: Lawful
    compiled: Mapping[RulesKey, Compiled]
    pseudonyms: Pseudonyms = NO_PSEUDONYMS
    usernames: Mapping[AgencyId, tuple[Credential, ...]] = field(default_factory=dict)

    def day(self, moment: datetime) -> date:
        """The day it is for agreements at this moment: the one place that says so."""
        return moment.astimezone(self.zone).date()

    def mou(self, agreement: Agreement) -> Mou:
        """The agreement as a value."""
        return self.mous[agreement.mou, agreement.version]

    def deciding_only(self, versions: Iterable[tuple[Mou, datetime]]) -> "Configured":
        """A configuration in which these versions alone decide, each since its moment; none is on trial."""
        made = lawful(versions, self.iepds, self.agencies, self.laws, known=self.compiled, pseudonyms=self.pseudonyms)
        return replace(self, in_force=InForce(made.mous), trial=InForce(()), lawful=made.lawful, compiled=made.compiled)

    def is_tried(self, mou: Mou) -> bool:
        """Whether this version is on trial."""
        return mou.digest in self.trial.digests

    def tests(self, agency: AgencyId) -> bool:
        """Whether what is decided on trial really goes to this agency."""
        return agency in self.agencies and self.agencies[agency].endpoint.test

    def decide_recipients(
        self, *, sender: AgencyId, exchange: str, facts: Facts, on: datetime, only: frozenset[AgencyId]
    ) -> tuple[tuple[Grant, ...], tuple[Refusal, ...]]:
        """Who may have a message, and who was asked for and may not. `only` empty asks for everyone."""
        day = self.day(on)
        granted = grants(self.in_force, sender=sender, exchange=exchange, facts=facts, on=day, only=only or None)
        if not only:
            return granted, ()
        return granted, refusals(self.in_force, granted, sender=sender, exchange=exchange, on=day, only=only)

    def grant_of(
        self, past: Past, *, sender: AgencyId, exchange: str, facts: Facts, canceling: bool, on: datetime
    ) -> PastGrant | None:
        """What a past recipient gets of a correction or cancellation.

        The same clause of the same agreement cuts it, its version in force; another clause may share more. When that
        clause is not in force, access rules deny it now, or a correction is not one that it routes, it is a withdrawal
        under the clause that decided the first. None when that clause is not between these two. What came by a version
        on trial is corrected by that version, as long as it is on trial and the recipient has a test endpoint.
        """
        spoken = self.in_force.spoken(sender, exchange, self.day(on)).grants.get(past.recipient, ())
        if self.tests(past.recipient):
            tried = self.trial.spoken(sender, exchange, self.day(on)).grants.get(past.recipient, ())
            spoken += tuple(each for each in tried if each.mou.version == past.mou_version)
        grant = next((each for each in spoken if (each.mou.id, each.clause.id) == (past.mou, past.clause)), None)
        if grant is not None:
            # What law has come to forbid since is not told again by whoever takes it back.
            asked = self.bound(grant).conditions if canceling else grant.clause.route
            if matches(asked, facts):
                return PastGrant(grant=grant, withdrawal=False)
        if past.mou == EMERGENCY:
            return self._released_to(past, sender, exchange, self.day(on))
        decided = self.mous.get((past.mou, past.mou_version))
        clause_then = decided.clause(past.clause) if decided is not None else None
        if decided is None or clause_then is None or past.recipient not in clause_then.recipients:
            return None
        if (clause_then.sender, clause_then.exchange) != (sender, exchange):
            return None
        return PastGrant(grant=Grant(mou=decided, clause=clause_then, recipient=past.recipient), withdrawal=True)

    def _released_to(self, past: Past, sender: AgencyId, exchange: str, day: date) -> PastGrant | None:
        """What takes an emergency release back: it is told that the message is void, and nothing new."""
        iepd = self.iepds.get(exchange)
        if iepd is None:
            return None
        terms = emergency_mou(iepd, sender=sender, recipient=past.recipient, reason=Reason(past.clause), on=day)
        mou = withdrawal_mou(terms)
        return PastGrant(grant=Grant(mou=mou, clause=mou.exchanges[0], recipient=past.recipient), withdrawal=True)

    def rules(self, grant: Grant, iepd: Iepd, *, withdrawal: bool = False) -> SharingRules:
        """What the grant's clause lets through; of a withdrawal, only that something is void."""
        if withdrawal:
            return withdrawal_rules(grant.mou, grant.clause, iepd)
        return self.lawful.of(grant).rules

    def bound(self, grant: Grant) -> Bound:
        """What law says of a grant."""
        return self.lawful.of(grant).bound

    def law(self, mou: Mou, clause: Clause, recipient: AgencyId, *, on: date) -> Bound:
        """What law says on a day of a clause of any agreement, in force or not. Worked out anew each time."""
        sender, receiver = (self.agencies.get(agency_of(each)) for each in (clause.sender, recipient))
        between = parties(sender, receiver)
        return bind(self.laws.binding(on, mou.law_packs, between.states), clause, self.iepds[clause.exchange], between)

    def restrictions(self, moment: datetime) -> Callable[[Mou, Clause, AgencyId], Restrictions]:
        """What law withholds at this moment of what a clause of any agreement gives a recipient, field by field."""
        day = self.day(moment)

        def restrictions(mou: Mou, clause: Clause, recipient: AgencyId) -> Restrictions:
            return restricted(self.law(mou, clause, recipient, on=day), self.iepds[clause.exchange])

        return restrictions

    def asks_consent(self, sender: AgencyId, exchange: str) -> bool:
        """Whether consents can open anything in what this sender sends of this exchange."""
        return (sender, exchange) in self.lawful.asking

    def trust(self, agency: AgencyId) -> TrustedKeys:
        """Whose signatures and client certificates count as this agency's."""
        return self.trusted.get(agency) or TrustedKeys(agency=agency)

    def held(self, agency: AgencyId) -> "list[Credential | AgencyAuthority]":
        """What an agency proves itself by, or did, the first to end first."""
        every: list[Credential | AgencyAuthority] = [*self.credentials.values(), *self.authorities]
        return sorted((one for one in every if one.agency == agency), key=lambda one: one.not_after)

    def speaking(self, names: Iterable[str]) -> frozenset[AgencyId]:
        """Agencies that a certificate with these names may speak for, if its authority is theirs."""
        return frozenset().union(*(self.speakers.get(name, frozenset()) for name in names))


def nothing(
    iepds: Iterable[Iepd] = (),
    *,
    zone: tzinfo = UTC,
    law_packs: Iterable[str] = (),
    pseudonyms: Pseudonyms = NO_PSEUDONYMS,
    crl_grace: timedelta | None = timedelta(),
) -> Configured:
    """A configuration with nothing in force, to compile the first one after. `iepds` need not be compiled again;
    `law_packs` and `crl_grace` are those that the settings name."""
    known = {iepd.id: iepd for iepd in iepds}
    return Configured(
        version=-1,
        zone=zone,
        agencies={},
        credentials={},
        authorities=(),
        lists=Lists(grace=crl_grace),
        trusted={},
        speakers={},
        registry=Registry.of(known.values()),
        iepds=known,
        agreements=(),
        mous={},
        in_force=InForce(()),
        trial=InForce(()),
        users={},
        approvals=(),
        laws=Laws((), law_packs),
        lawful=Lawful({}),
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
        if exchange.id in before.iepds and before.iepds[exchange.id].edition == exchange.digest
        else load_archive(exchange.archive)
        for exchange in stored.exchanges
    }
    activated = [agreement for agreement in stored.agreements if agreement.state is not AgreementState.DRAFT]
    mous = {(one.mou, one.version): _mou(one, iepds, before) for one in activated}
    deciding = [(mous[one.mou, one.version], one.changed_at) for one in activated if one.state in DECIDING]
    laws = laws_of(stored.laws, named=before.laws.named, before=before.laws)
    for mou, _ in deciding:
        for pack in mou.law_packs:
            if pack not in laws.ids:
                raise LawUnknown(f"{mou.id} version {mou.version} names the law pack {pack}, which is not here")
    agencies = {agency.id: agency for agency in stored.agencies}
    made = lawful(deciding, iepds, agencies, laws, known=before.compiled, pseudonyms=before.pseudonyms)
    lists = replace(before.lists, crls={one.issuer: _crl(one, before) for one in stored.revocation_lists})
    tried = {one.digest for one in activated if one.state is AgreementState.TRIAL}
    return Configured(
        version=stored.version,
        zone=before.zone,
        agencies=agencies,
        credentials={credential.fingerprint: credential for credential in stored.credentials},
        authorities=stored.authorities,
        lists=lists,
        trusted=trusted_keys(stored.credentials, stored.authorities, lists),
        speakers=speakers(stored.authorities),
        registry=Registry.of(iepds.values()),
        iepds=iepds,
        agreements=stored.agreements,
        mous=mous,
        in_force=InForce(mou for mou in made.mous if mou.digest not in tried),
        trial=InForce(mou for mou in made.mous if mou.digest in tried),
        users={user.id: user for user in stored.users},
        approvals=tuple(each for each in stored.approvals if not _withdrawn(each, stored.withdrawals)),
        laws=laws,
        lawful=made.lawful,
        compiled=made.compiled,
        pseudonyms=before.pseudonyms,
        usernames=_usernames(stored.credentials),
    )


def _usernames(credentials: Iterable[Credential]) -> dict[AgencyId, tuple[Credential, ...]]:
    found: dict[AgencyId, tuple[Credential, ...]] = {}
    for one in credentials:
        if one.kind is CredentialKind.USERNAME and one.revoked_at is None:
            found[one.agency] = (*found.get(one.agency, ()), one)
    return found


def _withdrawn(approval: Approval, withdrawals: Iterable[Withdrawal]) -> bool:
    """Whether it was taken back. No signature is asked for: what says that an approval counts no more is believed."""
    return any(
        (each.mou, each.version, each.party, each.user)
        == (approval.mou, approval.version, approval.party, approval.user)
        and each.at >= approval.at
        for each in withdrawals
    )


def _crl(stored: RevocationList, before: Configured) -> Crl:
    """A list of a hundred thousand certificates takes a while to read: once."""
    known = before.lists.crls.get(stored.issuer)
    return known if known is not None and known.digest == digest_of(stored.body) else crl_of(stored.body, stored.issuer)


def _mou(agreement: Agreement, iepds: Mapping[str, Iepd], before: Configured) -> Mou:
    known = before.mous.get((agreement.mou, agreement.version))
    if known is not None and known.digest == agreement.digest:
        return known
    mou, findings = read_mou(agreement.body, f"{agreement.mou} version {agreement.version}", iepds)
    if mou is None:
        first = findings[0] if findings else ""
        raise AgreementUnreadable(f"{agreement.mou} version {agreement.version} cannot be read: {first}")
    return mou
