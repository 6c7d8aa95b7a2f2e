"""Revoke: one credential of an agency, or one authority, for good. The agency's others go on."""

from dataclasses import replace

from gateway.agency import AgencyId
from gateway.errors import Refused
from gateway.exchange.acting import Acting, Signer
from gateway.exchange.activate import AgencyUnknown, CredentialRevoked, decided_anew, put_credential
from gateway.exchange.authorities import revoke_authority
from gateway.exchange.gateway import Gateway
from gateway.store.configuration import AgencyAuthority, Credential


class CredentialUnknown(Refused):
    """No credential of the agency has such a fingerprint."""

    code = "credential.unknown"


class CredentialAmbiguous(Refused):
    """Several credentials of the agency have fingerprints that begin so."""

    code = "credential.ambiguous"


@decided_anew
async def revoke_credential(
    gateway: Gateway, id: AgencyId, prefix: str, *, by: Acting | None = None, actor: str = ""
) -> Credential | AgencyAuthority:
    """Revoke one credential or authority of an agency, named by how its fingerprint begins; the others go on.

    Raises `AgencyUnknown`, `CredentialUnknown`, `CredentialAmbiguous`, `CredentialRevoked`.
    """
    current, signer = gateway.current, Signer(by=by, actor=actor)
    if id not in current.agencies:
        raise AgencyUnknown(f"there is no agency {id}")
    wanted = prefix.replace(":", "").lower()  # as openssl writes them
    found = [one for one in current.held(id) if wanted and one.fingerprint.startswith(wanted)]
    if not found:
        raise CredentialUnknown(f"no credential of {id} has a fingerprint that begins so; `gateway agency show {id}`")
    if len(found) > 1:
        raise CredentialAmbiguous(f"{len(found)} credentials of {id} begin so; give more of the fingerprint")
    (one,) = found
    if one.revoked_at is not None:
        raise CredentialRevoked(f"it was revoked on {one.revoked_at:%Y-%m-%d} already")
    if isinstance(one, AgencyAuthority):
        return await revoke_authority(gateway, one, signer)
    revoked = replace(one, revoked_at=gateway.clock.now())
    await put_credential(gateway, revoked, signer, action="revoke")
    return revoked
