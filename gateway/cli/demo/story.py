"""What the demo tells: who sends which sample, under which id, in which order, and what should come of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.agency import AgencyId
from gateway.cli.demo.canary import Planted, plant
from gateway.document.parse import parse
from gateway.iepd.header import read as read_header
from gateway.iepd.package import Iepd
from gateway.message import Action

JAIL = AgencyId("harlan-county-jail")
POLICE = AgencyId("millbrook-police")
PROBATION = AgencyId("harlan-probation")
FUSION = AgencyId("tri-county-fusion")
PROSECUTOR = AgencyId("harlan-district-attorney")
SHELTER = AgencyId("harborlight-services")

OWNERS: Mapping[str, AgencyId] = {
    "custody-release/1.0": JAIL,
    "supervision-record/1.0": PROBATION,
    "police-contact/1.0": POLICE,
}
"""Who sends which exchange, in the order of the story: released, supervised, met by police."""

KINDS: Mapping[AgencyId, str] = {
    JAIL: "inbox",
    POLICE: "rest",
    PROBATION: "soap",
    FUSION: "inbox",
    PROSECUTOR: "inbox",
    SHELTER: "inbox",
}
"""How each agency of the demo receives."""

CERTIFIED = frozenset({JAIL, PROBATION})
"""Who shows a client certificate; the others have a bearer token."""

SENT_AS: Mapping[str, str] = {
    "custody-release/1.0 fullest.xml": "HCJ-OUT-90211",
    "supervision-record/1.0 fullest.xml": "HP-SR-0931-1",
    "supervision-record/1.0 smallest.xml": "HP-SR-0940-1",
    "police-contact/1.0 fullest.xml": "MPD-PC-118204",
    "police-contact/1.0 smallest.xml": "MPD-PC-118190",
}
"""The sender's own ids of messages that later samples speak of."""

_ORDER = {Action.NEW: 0, Action.UPDATE: 1, Action.CORRECT: 2, Action.CANCEL: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One message that somebody sends.

    title    what happens, in officers' words
    refused  code it should be refused with, "" when it should be accepted
    repeat   it was sent before under the same id, and must not be delivered again
    planted  the message with its canaries; None where it is sent as it lies in the folder
    """

    title: str
    agency: AgencyId
    exchange: str
    sample: str
    id: str
    body: bytes
    action: Action = Action.NEW
    refused: str = ""
    repeat: bool = False
    planted: Planted | None = None


def scenes(iepds: Mapping[str, Iepd]) -> tuple[Scene, ...]:
    """The whole story: every sample sent by its owner, with trouble in between."""
    told = [scene for exchange, owner in OWNERS.items() for scene in _of_exchange(iepds[exchange], owner)]
    new = [scene for scene in told if scene.action is Action.NEW]
    later = sorted((scene for scene in told if scene.action is not Action.NEW), key=lambda one: _ORDER[one.action])
    return (*new, *_trouble(iepds["custody-release/1.0"], new[0]), *later)


def parts(story: Sequence[Scene]) -> tuple[tuple[str, tuple[Scene, ...]], ...]:
    """The story in its parts: what is new arrives before it is updated, corrected or withdrawn."""
    new = tuple(scene for scene in story if scene.action is Action.NEW)
    later = tuple(scene for scene in story if scene.action is not Action.NEW)
    return ("new messages", new), ("updates, corrections, cancellations", later)


def _of_exchange(iepd: Iepd, owner: AgencyId) -> Iterator[Scene]:
    for sample, body in sorted(iepd.samples.items()):
        document = parse(body)
        header = read_header(document, iepd)
        planted = plant(document, iepd)
        key = f"{iepd.id} {sample}"
        yield Scene(
            title=sample.removesuffix(".xml").replace("-", " "),
            agency=owner,
            exchange=iepd.id,
            sample=sample,
            id=SENT_AS.get(key, f"{iepd.id.partition('/')[0]}-{sample.removesuffix('.xml')}"),
            body=planted.body,
            action=header.action,
            planted=planted,
        )


def _trouble(iepd: Iepd, first: Scene) -> Iterator[Scene]:
    """One message that is not valid, one without an agreement, one sent twice."""
    name, invalid = next((name, body) for name, body in sorted(iepd.files.items()) if "samples/invalid/schema" in name)
    yield Scene(title="a message that breaks its schema", sample=name, id="HCJ-INVALID-1", body=invalid,
                refused="message.invalid", agency=JAIL, exchange=iepd.id)  # fmt: skip
    yield Scene(title="a sender without any agreement", sample=first.sample, id="HLS-1", body=first.body,
                refused="policy.no-mou-in-force", agency=SHELTER, exchange=iepd.id)  # fmt: skip
    yield Scene(title="the same message once more", sample=first.sample, id=first.id, body=first.body,
                repeat=True, agency=JAIL, exchange=iepd.id)  # fmt: skip
