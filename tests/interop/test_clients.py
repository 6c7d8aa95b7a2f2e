"""Every client of the pack, as its programmer runs it, against a live gateway: it submits, polls, acknowledges, asks.

The jail submits and asks; the police poll and acknowledge. Each way of showing who one is, each SOAP version.
"""

import uuid
from pathlib import Path

import pytest
from lxml import etree

from gateway.integrate.client import Client, client, names
from tests.interop.live import JAIL, POLICE, PROBATION, Live, Pack, need

SAMPLE = "samples/custody-release/fullest.xml"
INVALID = Path(__file__).resolve().parents[2] / "iepd/custody-release/1.0/samples/invalid"

WAYS = [
    pytest.param(name, version, ways, id=f"{name}-{version}{''.join(ways).replace('--', '-')}")
    for name in names()
    for version in client(name).versions
    for ways in (("--issue",), ("--token",), *([("--issue", "--signed")] if client(name).signs else []))
]
FIRST = pytest.mark.parametrize("name", names())


def packs(live: Live, name: str, version: str, *options: str) -> tuple[Pack, Pack]:
    """The jail's and the police's folder."""
    found: Client = client(name)
    need(found)
    made = live.pack(JAIL, found, *options), live.pack(POLICE, found, *options)
    for pack in made:
        pack.set(version=version)
    return made


@pytest.mark.parametrize(("name", "version", "ways"), WAYS)
def test_a_message_goes_from_one_client_to_the_other(
    live: Live, name: str, version: str, ways: tuple[str, ...]
) -> None:
    jail, police = packs(live, name, version, *ways)
    goes_through(live, jail, police)


def goes_through(live: Live, jail: Pack, police: Pack) -> None:
    """The whole exchange, and at each step what the gateway says of it."""
    id = f"interop-{uuid.uuid4()}"
    submitted = jail.run("submit", SAMPLE, id)
    [[ours]] = submitted.rows("accepted")
    assert {row[0]: row[1] for row in submitted.rows("recipient")}[POLICE] == "accepted"
    held = live.message(JAIL, id)
    assert (held["id"], held["exchange"]) == (ours, "custody-release/1.0")

    # What arrived is what is in the file: the same content under the same id is a repeat, other content a conflict.
    again = live.send(JAIL, jail.folder / SAMPLE, id)
    assert (again.status_code, again.json()["id"]) == (202, ours)
    assert jail.run("submit", SAMPLE, id).rows("accepted") == [[ours]]

    delivery = live.delivery(JAIL, id, POLICE)
    assert delivery["state"] == "waiting"
    inbox = police.folder / f"inbox-{id}"
    listed = {row[0]: row[1:] for row in police.run("poll", inbox.name).rows("delivery")}
    waits = {item["delivery"]: item for item in live.ask(POLICE, "/v1/inbox").json()["items"]}[delivery["delivery"]]
    assert listed[delivery["delivery"]] == [waits["exchange"], waits["mou"]]
    for part in ("payload", "cover"):
        given = live.ask(POLICE, f"/v1/inbox/{delivery['delivery']}/{part}").content
        assert (inbox / f"{delivery['delivery']}.{part}.xml").read_bytes() == given
    kept = etree.parse(inbox / f"{delivery['delivery']}.payload.xml").getroot()
    sent = etree.parse(jail.folder / SAMPLE).getroot()
    assert kept.tag == sent.tag
    assert len(list(kept.iter())) < len(list(sent.iter())), "the police get less than was sent"

    assert police.run("acknowledge", delivery["delivery"]).rows("acknowledged") == [[delivery["delivery"]]]
    assert live.delivery(JAIL, id, POLICE)["state"] == "delivered"
    states = {row[0]: row[1] for row in jail.run("status", id).rows("state")}
    assert states[POLICE] == "delivered"
    assert states[PROBATION] == "waiting"
    assert delivery["delivery"] not in [row[0] for row in police.run("poll", inbox.name).rows("delivery")]


@FIRST
def test_a_message_that_is_not_valid_is_refused_with_line_and_rule(live: Live, name: str) -> None:
    for version in client(name).versions:
        jail, _ = packs(live, name, version, "--token")
        file = min(INVALID.glob("*.xml"))
        done = jail.run("submit", file, f"bad-{uuid.uuid4()}", status=1)
        assert "message.invalid" in done.err
        assert "/cr:CustodyRelease" in done.err


@FIRST
def test_a_file_that_is_not_there_is_said_in_a_line(live: Live, name: str) -> None:
    jail, _ = packs(live, name, client(name).versions[0], "--token")
    done = jail.run("submit", "no-such-file.xml", status=2)
    assert len(done.err.strip().splitlines()) == 1
    assert "no-such-file.xml" in done.err


@FIRST
def test_what_an_agreement_does_not_allow_is_refused_with_its_code(live: Live, name: str) -> None:
    for version in client(name).versions:
        jail, police = packs(live, name, version, "--token")
        done = police.run("submit", jail.folder / SAMPLE, f"not-mine-{uuid.uuid4()}", status=1)
        assert "policy.no-mou-in-force" in done.err
