"""Agency: who exchanges. Kinds, units, contacts, endpoints."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

AgencyId = NewType("AgencyId", str)

AGENCY_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""Lower case words joined by hyphens, at most 63 characters: it goes into file names, URLs and certificates."""


PARTY_ID = re.compile(rf"{AGENCY_ID.pattern}(/{AGENCY_ID.pattern})?")
"""An agency, or one of its units: "harlan-county-jail/classification"."""


def agency_of(party: AgencyId) -> AgencyId:
    """The agency of a party of an agreement, which may be one of its units."""
    return AgencyId(party.partition("/")[0])


class AgencyKind(StrEnum):
    """What an agency is; law packs and routes ask for it."""

    POLICE = "police"
    SHERIFF = "sheriff"
    JAIL = "jail"
    PRISON = "prison"
    PROBATION = "probation"
    PAROLE = "parole"
    COURT = "court"
    PROSECUTOR = "prosecutor"
    FUSION_CENTER = "fusion-center"
    DISPATCH = "dispatch"
    MEDICAL_EXAMINER = "medical-examiner"
    VICTIM_SERVICES = "victim-services"
    HEALTH = "health"
    SERVICE_PROVIDER = "service-provider"
    REENTRY = "reentry"
    COMMUNITY = "community"


JUSTICE = frozenset(
    {
        AgencyKind.POLICE,
        AgencyKind.SHERIFF,
        AgencyKind.JAIL,
        AgencyKind.PRISON,
        AgencyKind.PROBATION,
        AgencyKind.PAROLE,
        AgencyKind.COURT,
        AgencyKind.PROSECUTOR,
        AgencyKind.FUSION_CENTER,
        AgencyKind.DISPATCH,
    }
)
"""Those that administer criminal justice (28 CFR 20.3(b), (g))."""


class Duty(StrEnum):
    """What law lays on an agency because of what it does, or what the agency has bound itself to."""

    PART2_PROGRAM = "part2-program"  # 42 CFR 2.11
    COVERED_ENTITY = "covered-entity"  # 45 CFR 160.103
    VICTIM_SERVICE_PROVIDER = "victim-service-provider"  # 34 U.S.C. 12291(a)
    CFR23 = "cfr23"  # it follows 28 CFR Part 23: 23.20(f)
    CHRI_AGREEMENT = "chri-agreement"  # it may hold criminal history under an agreement: 28 CFR 20.21(b), 20.33(a)


class EndpointKind(StrEnum):
    """How a dissemination gets to an agency."""

    REST = "rest"  # POST of multipart/related (Cover, payload)
    SOAP = "soap"  # SOAP 1.2 request, the Cover as a header block
    INBOX = "inbox"  # held here until the agency polls and acknowledges


class SignatureForm(StrEnum):
    """How the gateway's signature reaches the recipient."""

    COVER = "cover"  # in the Cover alone, which names the payload's digest
    ENVELOPED = "enveloped"  # also as ds:Signature, last in the payload's root: verify, remove, then validate


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where and how to deliver.

    url             "" for an inbox
    signature       SOAP endpoints are always COVER: their payload is never enveloped
    payload_alone   REST only: the payload is the whole body, its Cover is at the URL in the `Cover-URL` header
    mtom            SOAP only: large binaries travel beside the envelope, of every message
    client_key      present the gateway's client certificate
    private_network an administrator allowed this address to be loopback or private
    test            a system that people try things on: what an agreement on trial decides really goes there
    """

    kind: EndpointKind
    url: str = ""
    signature: SignatureForm = SignatureForm.COVER
    payload_alone: bool = False
    mtom: bool = False
    client_key: bool = True
    private_network: bool = False
    test: bool = False


REPLY_ADDRESSES_MAX = 10
"""A toolkit has one; a farm of them a few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person or post to call; `role` is liaison, deputy or after-hours."""

    role: str
    name: str
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A part of an agency that can be a party of its own agreement (a letter between units)."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """One agency as the database holds it.

    address  where mail reaches it, one line; "" = not known. Accounts of disclosures name it: 45 CFR 164.528(b)(2)
    state    two letters; "" = the first two of its ORI. Its own law packs bind it
    reply_to where answers to its SOAP requests may go, when a request asks for them elsewhere than on its connection
    """

    id: AgencyId
    name: str
    kind: AgencyKind
    ori: str = ""
    address: str = ""
    state: str = ""
    units: tuple[Unit, ...] = ()
    contacts: tuple[Contact, ...] = ()
    duties: frozenset[Duty] = field(default_factory=frozenset)
    endpoint: Endpoint = Endpoint(kind=EndpointKind.INBOX)
    reply_to: tuple[Endpoint, ...] = ()
    signs: bool = False  # its submissions must carry its signature
    sign_answers: bool = False  # SOAP answers to it are signed also where its requests are not
    suspended: bool = False

    def __post_init__(self) -> None:
        if len(self.id) > 63 or not AGENCY_ID.fullmatch(self.id):
            raise ValueError("an agency id is lower case words joined by hyphens, at most 63 characters")

    @property
    def jurisdiction(self) -> str:
        """Two letters of the state whose law binds it, "" when nobody has said."""
        return self.state or self.ori[:2]
