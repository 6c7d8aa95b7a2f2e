"""Messages to send: the samples as they lie in `iepd/`, and small ones with a head of one's own."""

import itertools
from functools import cache

from gateway.agency import AgencyId
from gateway.cli.demo.story import OWNERS
from gateway.document.parse import parse
from gateway.folders import load_exchanges, shipped
from gateway.iepd.package import Iepd
from gateway.message import Action

RELEASE = "custody-release/1.0"
RECORD = "supervision-record/1.0"
CONTACT = "police-contact/1.0"

_ids = itertools.count(1)


@cache
def exchanges() -> dict[str, Iepd]:
    """Our exchanges by id, compiled once."""
    folders = shipped()
    return {iepd.id: iepd for iepd in load_exchanges(folders.iepd, folders.xsd)}


def owner(exchange: str) -> AgencyId:
    """Which of the shipped agencies sends it."""
    return OWNERS[exchange]


def sample(name: str, exchange: str = RELEASE) -> bytes:
    """A sample as it lies in the exchange's folder."""
    return exchanges()[exchange].samples[f"{name}.xml"]


def invalid(name: str, exchange: str = RELEASE) -> bytes:
    """One of the samples that are wrong on purpose."""
    return next(data for file, data in exchanges()[exchange].files.items() if file.endswith(f"invalid/{name}.xml"))


def fresh_id(stem: str = "ACC") -> str:
    """An id no test used before."""
    return f"{stem}-{next(_ids):05d}"


def release(action: Action = Action.NEW, earlier: str = "", *, given: str = "Calvin") -> bytes:
    """The smallest release notice, with this head and this first name."""
    text = sample("smallest").decode()
    head = f"<ec:MessageEarlierID>{earlier}</ec:MessageEarlierID>\n " if earlier else ""
    text = text.replace(">new</ec:MessageActionCode>", f">{action}</ec:MessageActionCode>")
    text = text.replace("<ec:RecordSealedIndicator>", f"{head}<ec:RecordSealedIndicator>")
    made = text.replace(">Calvin<", f">{given}<").encode()
    parse(made)
    return made
