"""`gateway mou replay`: a decision of the past made again."""

import asyncio
from pathlib import Path

from gateway.agency import AgencyId
from gateway.app import open_deployment
from gateway.exchange.accept import accept
from gateway.exchange.submission import Submission
from tests.cli.deployment import MOUS, SAMPLES, Deployment


def accepted(directory: Path) -> str:
    """Our id of a message that was accepted here."""

    async def send() -> str:
        async with open_deployment(directory) as gateway:
            body = (SAMPLES / "fullest.xml").read_bytes()
            submission = Submission(sender=AgencyId("harlan-county-jail"), sender_id="1", body=body)
            return (await accept(gateway, submission)).id

    return asyncio.run(send())


def test_a_message_is_decided_again_for_each_who_got_it(deployment: Deployment) -> None:
    id = accepted(deployment.directory)
    told = deployment.json("mou", "replay", id)
    assert len(told) == 4
    assert {each["same"] for each in told} == {True}
    assert {each["payload_same"] for each in told} == {True}
    assert [each["differs"] for each in told] == [{"laws": False, "consents": False, "configuration": False}] * 4
    one = told[0]["dissemination"]
    assert f"{one} to " in deployment.run("mou", "replay", one).stdout
    simulated = deployment.json("mou", "simulate", MOUS / "JAIL-PD-2026-01.yaml", "--replay", "last-1")
    assert simulated["messages"] == 1
    assert {each["changed"] for each in simulated["recipients"]} == {0}


def test_an_id_that_nobody_knows(deployment: Deployment) -> None:
    assert "[dissemination.unknown]" in deployment.run("mou", "replay", "nothing", status=1).stderr
