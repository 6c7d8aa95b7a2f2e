"""The message that is measured: a shipped sample of 6 KB, three people in it linked by their ids."""

from gateway.agency import AgencyId
from gateway.folders import shipped

SENDER = AgencyId("harlan-county-jail")
RECIPIENT = AgencyId("millbrook-police")
EXCHANGE = "custody-release/1.0"
SAMPLE = "protected-victim.xml"


def sample() -> bytes:
    """The 6 KB message."""
    return (shipped().iepd / EXCHANGE / "samples" / SAMPLE).read_bytes()
