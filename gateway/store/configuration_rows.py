"""Rows of the configuration: agencies, credentials, agreements, exchanges, people and what they approved."""

import json
from collections.abc import Callable, Sequence
from datetime import date

from gateway.agency import Agency, AgencyId
from gateway.policy.consent import Consent
from gateway.store.agency_text import agency_text, json_text
from gateway.store.configuration import (
    AgencyAuthority,
    Agreement,
    AgreementState,
    Approval,
    Change,
    Credential,
    CredentialKind,
    Exchange,
    Law,
    RevocationList,
    Withdrawal,
)
from gateway.store.rows import Row, micros, micros_or_none, moment, moment_or_none
from gateway.user import User, UserId, UserRole


def credential_row(credential: Credential) -> Row:
    """fingerprint, kind, agency, not_before, not_after, certificate or what a username is compared with, revoked_at"""
    return (
        credential.fingerprint,
        credential.kind.value,
        credential.agency,
        micros(credential.not_before),
        micros(credential.not_after),
        credential.certificate or credential.secret,
        micros_or_none(credential.revoked_at),
    )


def credential_of(row: Row) -> Credential:
    """The credential of `credential_row`."""
    fingerprint, kind, agency, not_before, not_after, certificate, revoked_at = row
    return Credential(
        fingerprint=fingerprint,
        kind=CredentialKind(kind),
        agency=AgencyId(agency),
        not_before=moment(not_before),
        not_after=moment(not_after),
        certificate=b"" if kind == CredentialKind.USERNAME else certificate,
        revoked_at=moment_or_none(revoked_at),
        secret=certificate if kind == CredentialKind.USERNAME else b"",
    )


def authority_row(authority: AgencyAuthority) -> Row:
    """agency, fingerprint, names, not_before, not_after, certificate, intermediates, revoked_at"""
    return (
        authority.agency,
        authority.fingerprint,
        json_text(authority.names),
        micros(authority.not_before),
        micros(authority.not_after),
        authority.certificate,
        authority.intermediates,
        micros_or_none(authority.revoked_at),
    )


def authority_of(row: Row) -> AgencyAuthority:
    """The authority of `authority_row`."""
    agency, fingerprint, names, not_before, not_after, certificate, intermediates, revoked_at = row
    return AgencyAuthority(
        agency=AgencyId(agency),
        fingerprint=fingerprint,
        names=tuple(json.loads(names)),
        not_before=moment(not_before),
        not_after=moment(not_after),
        certificate=certificate,
        intermediates=intermediates,
        revoked_at=moment_or_none(revoked_at),
    )


def revocation_list_row(listed: RevocationList) -> Row:
    """issuer, body, stored_at"""
    return listed.issuer, listed.body, micros(listed.stored_at)


def revocation_list_of(row: Row) -> RevocationList:
    """The list of `revocation_list_row`."""
    issuer, body, stored_at = row
    return RevocationList(issuer=issuer, body=body, stored_at=moment(stored_at))


def agreement_row(agreement: Agreement) -> Row:
    """mou, version, digest, state, body, changed_at"""
    return (
        agreement.mou,
        agreement.version,
        agreement.digest,
        agreement.state.value,
        agreement.body,
        micros(agreement.changed_at),
    )


def agreement_of(row: Row) -> Agreement:
    """The agreement of `agreement_row`."""
    mou, version, digest, state, body, changed_at = row
    return Agreement(
        mou=mou,
        version=version,
        digest=digest,
        state=AgreementState(state),
        body=body,
        changed_at=moment(changed_at),
    )


def exchange_row(exchange: Exchange) -> Row:
    """id, digest, archive"""
    return exchange.id, exchange.digest, exchange.archive


def exchange_of(row: Row) -> Exchange:
    """The exchange of `exchange_row`."""
    key, digest, archive = row
    return Exchange(id=key, digest=digest, archive=archive)


def user_row(user: User) -> Row:
    """id, agency, roles, public_key, since, disabled_at"""
    return (
        user.id,
        user.agency,
        json_text(sorted(user.roles)),
        user.public_key,
        micros(user.since),
        micros_or_none(user.disabled_at),
    )


def user_of(row: Row) -> User:
    """The user of `user_row`."""
    key, agency, roles, public_key, since, disabled_at = row
    return User(
        id=UserId(key),
        agency=AgencyId(agency),
        roles=frozenset(UserRole(role) for role in json.loads(roles)),
        public_key=public_key,
        since=moment(since),
        disabled_at=moment_or_none(disabled_at),
    )


def approval_row(approval: Approval) -> Row:
    """mou, version, digest, party, person, at, signature"""
    return (
        approval.mou,
        approval.version,
        approval.digest,
        approval.party,
        approval.user,
        micros(approval.at),
        approval.signature,
    )


def approval_of(row: Row) -> Approval:
    """The approval of `approval_row`."""
    mou, version, digest, party, person, at, signature = row
    return Approval(
        mou=mou,
        version=version,
        digest=digest,
        party=AgencyId(party),
        user=UserId(person),
        at=moment(at),
        signature=signature,
    )


def withdrawal_row(withdrawal: Withdrawal) -> Row:
    """mou, version, digest, party, person, by_person, at, signature"""
    return (
        withdrawal.mou,
        withdrawal.version,
        withdrawal.digest,
        withdrawal.party,
        withdrawal.user,
        withdrawal.by,
        micros(withdrawal.at),
        withdrawal.signature,
    )


def withdrawal_of(row: Row) -> Withdrawal:
    """The withdrawal of `withdrawal_row`."""
    mou, version, digest, party, person, by, at, signature = row
    return Withdrawal(
        mou=mou,
        version=version,
        digest=digest,
        party=AgencyId(party),
        user=UserId(person),
        by=UserId(by),
        at=moment(at),
        signature=signature,
    )


def consent_row(consent: Consent) -> Row:
    """id, subject, holder, labels, recipient, purpose, since, until, document, revoked"""
    return (
        consent.id,
        consent.subject,
        consent.holder,
        json_text(consent.labels),
        consent.recipient,
        consent.purpose,
        consent.since.isoformat(),
        consent.until.isoformat(),
        consent.document,
        micros_or_none(consent.revoked),
    )


def consent_of(row: Row) -> Consent:
    """The consent of `consent_row`."""
    key, subject, holder, labels, recipient, purpose, since, until, document, revoked = row
    return Consent(
        id=key,
        subject=subject,
        holder=AgencyId(holder),
        labels=tuple(json.loads(labels)),
        recipient=AgencyId(recipient),
        purpose=purpose,
        since=date.fromisoformat(since),
        until=date.fromisoformat(until),
        document=document,
        revoked=moment_or_none(revoked),
    )


def law_row(law: Law) -> Row:
    """id, version, digest, body, changed_at"""
    return law.id, law.version, law.digest, law.body, micros(law.changed_at)


def law_of(row: Row) -> Law:
    """The law of `law_row`."""
    key, version, digest, body, changed_at = row
    return Law(id=key, version=version, digest=digest, body=body, changed_at=moment(changed_at))


def _agency_row(agency: Agency) -> Row:
    return agency.id, agency_text(agency)


_PUTS: dict[type, tuple[str, Callable[..., Row]]] = {
    Agency: ("put_agency", _agency_row),
    Credential: ("put_credential", credential_row),
    AgencyAuthority: ("put_authority", authority_row),
    RevocationList: ("put_revocation_list", revocation_list_row),
    Agreement: ("put_agreement", agreement_row),
    Exchange: ("put_exchange", exchange_row),
    User: ("put_user", user_row),
    Approval: ("put_approval", approval_row),
    Withdrawal: ("put_withdrawal", withdrawal_row),
    Law: ("put_law", law_row),
    Consent: ("put_consent", consent_row),
}


def put_of(change: Change) -> tuple[str, Row]:
    """The query that puts a change, and its row."""
    query, row = _PUTS[type(change)]
    return query, row(change)


def in_order(changes: Sequence[Change]) -> list[Change]:
    """What others name comes first: a credential names an agency, an approval a person, perhaps new ones."""
    return sorted(changes, key=lambda each: not isinstance(each, Agency | User))
