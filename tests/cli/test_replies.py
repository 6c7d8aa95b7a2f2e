"""`gateway replies`: answers that go to registered addresses, which are stuck, and what to do about it."""

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.agency import AgencyId
from gateway.app import open_deployment
from gateway.delivery.course import State
from gateway.delivery.reply import ReplyId
from gateway.exchange.reply import put_answer
from tests.cli.deployment import Deployment
from tests.exchange.replying import AnsweredElsewhere

JAIL = AgencyId("harlan-county-jail")


@pytest.fixture
def reply(deployment: Deployment) -> str:
    """An answer that was given up."""

    async def make() -> str:
        async with open_deployment(deployment.directory) as gateway:
            await put_answer(
                gateway, AnsweredElsewhere(agency=JAIL), lambda message_id: f"<e>{message_id}</e>".encode()
            )
            (made,) = await gateway.store.replies(None, None, None, 2)
            gone = replace(made, state=State.UNDELIVERABLE, attempts=3, last_error="delivery.http-503")
            assert await gateway.store.move_reply(gone, expected=State.WAITING, entries=())
            return made.id

    return asyncio.run(make())


def entries(deployment: Deployment, type: str) -> list[dict[str, object]]:
    async def read() -> list[dict[str, object]]:
        async with open_deployment(deployment.directory) as gateway:
            found = await gateway.store.entries_of_types([type], None, None, "", 100)
            return [json.loads(each.entry.body) for each in found]

    return asyncio.run(read())


def test_the_list_can_be_narrowed_and_is_an_entry(deployment: Deployment, reply: str) -> None:
    (row,) = deployment.json("replies", "list", "--state", "undeliverable", "--agency", JAIL)
    assert set(row) == {
        "reply", "agency", "message", "address", "code", "state", "attempts", "created_at", "due_at", "expires_at",
        "delivered_at", "destroyed_at", "last_error",
    }  # fmt: skip
    assert (row["reply"], row["agency"], row["code"], row["last_error"]) == (reply, JAIL, None, "delivery.http-503")
    assert deployment.json("replies", "list", "--state", "delivered") == []
    assert deployment.json("replies", "list", "--before", reply) == []
    assert deployment.run("replies", "list").output
    deployment.run("replies", "list", "--agency", "nobody", status=1)


def test_one_is_shown_without_content(deployment: Deployment, reply: str) -> None:
    shown = deployment.json("replies", "show", reply)
    days = datetime.fromisoformat(shown["destroyed_at"]) - datetime.fromisoformat(shown["created_at"])
    assert days == timedelta(days=7)
    assert "<e>" not in deployment.run("replies", "show", reply).output
    deployment.run("replies", "show", "no-such", status=1)


def test_it_is_sent_once_more_and_then_waits(deployment: Deployment, reply: str) -> None:
    assert deployment.run("replies", "requeue", reply).output
    row = deployment.json("replies", "show", reply)
    assert (row["state"], row["attempts"]) == ("waiting", 0)
    assert row["expires_at"] < row["destroyed_at"]
    deployment.run("replies", "requeue", reply, status=1)  # it waits already


def test_it_is_given_up_for_a_reason_that_is_a_word(deployment: Deployment, reply: str) -> None:
    deployment.run("replies", "discard", reply, "--reason", "Ask Dana", status=1)
    assert deployment.run("replies", "discard", reply, "--reason", "system-retired").output
    assert deployment.json("replies", "show", reply)["state"] == "recalled"
    deployment.run("replies", "discard", ReplyId("no-such"), "--reason", "x", status=1)
