"""`gateway deliveries`: what is under way, what is stuck, and what to do about it."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.app import open_deployment
from gateway.delivery.delivery import State
from gateway.exchange.accept import accept
from gateway.exchange.submission import Submission
from gateway.message import DeliveryId
from tests.cli.deployment import SAMPLES, Deployment

POLICE = "millbrook-police"


@pytest.fixture
def message(deployment: Deployment) -> str:
    """A message that waits for three agencies."""

    async def send() -> str:
        async with open_deployment(deployment.directory) as gateway:
            body = (SAMPLES / "smallest.xml").read_bytes()
            submission = Submission(sender="harlan-county-jail", sender_id="HCJ-1", body=body)  # type: ignore[arg-type]
            return (await accept(gateway, submission)).id

    return asyncio.run(send())


def to_police(deployment: Deployment) -> dict[str, Any]:
    (row,) = deployment.json("deliveries", "list", "--to", POLICE)
    found: dict[str, Any] = row
    return found


def stuck(directory: Path, delivery: str) -> None:
    """What the worker writes after all tries."""

    async def move() -> None:
        async with open_deployment(directory) as gateway:
            record = await gateway.store.delivery(DeliveryId(delivery))
            assert record is not None
            gone = replace(record.delivery, state=State.UNDELIVERABLE, attempts=3, last_error="delivery.http-503")
            assert await gateway.store.move(gone, expected=State.WAITING, entries=())

    asyncio.run(move())


def test_the_list_can_be_narrowed_by_state_and_recipient(deployment: Deployment, message: str) -> None:
    rows = deployment.json("deliveries", "list")
    assert len(rows) == 3
    assert {row["message"] for row in rows} == {message}
    assert deployment.json("deliveries", "list", "--state", "delivered") == []
    row = to_police(deployment)
    assert set(row) == {
        "delivery", "message", "recipient", "state", "urgent", "attempts", "created_at", "due_at", "expires_at",
        "deadline", "delivered_at", "last_error", "evidence",
    }  # fmt: skip
    assert "waiting" in deployment.run("deliveries", "list").stdout


def test_pages_go_on_before_the_last_one(deployment: Deployment, message: str) -> None:
    first = deployment.json("deliveries", "list", "--limit", 2)
    rest = deployment.json("deliveries", "list", "--limit", 2, "--before", first[-1]["delivery"])
    assert len({row["delivery"] for row in (*first, *rest)}) == 3


def test_one_of_them_with_what_was_withheld_and_no_content(deployment: Deployment, message: str) -> None:
    found = deployment.json("deliveries", "show", to_police(deployment)["delivery"])
    assert (found["mou"], found["clauses"], found["sender"]) == ("JAIL-PD-2026-01@1", "E1", "harlan-county-jail")
    assert found["shared"] > 0
    assert "Tansley" not in deployment.run("deliveries", "show", found["delivery"]).stdout


def test_what_is_stuck_can_be_sent_again(deployment: Deployment, message: str) -> None:
    delivery = to_police(deployment)["delivery"]
    assert "[delivery.wrong-state]" in deployment.run("deliveries", "requeue", delivery, status=1).stderr
    stuck(deployment.directory, delivery)
    assert "delivery.http-503" in deployment.run("deliveries", "list", "--state", "undeliverable").stdout
    deployment.run("deliveries", "requeue", delivery)
    assert (to_police(deployment)["state"], to_police(deployment)["attempts"]) == ("waiting", 0)


def test_what_is_given_up_names_a_code_word_as_reason(deployment: Deployment, message: str) -> None:
    delivery = to_police(deployment)["delivery"]
    wrong = deployment.run("deliveries", "discard", delivery, "--reason", "Mr. Tansley died", status=1)
    assert "[delivery.bad-reason]" in wrong.stderr
    deployment.run("deliveries", "discard", delivery, "--reason", "sent-otherwise")
    assert to_police(deployment)["state"] == "recalled"


def test_whoever_says_who_they_are_signs_it(deployment: Deployment, message: str) -> None:
    delivery, by = to_police(deployment)["delivery"], ("--as", deployment.officer())
    theirs = ("--as", deployment.officer("millbrook-police"))
    stuck(deployment.directory, delivery)
    assert "[user.not-allowed]" in deployment.run("deliveries", "requeue", delivery, *theirs, status=1).stderr
    deployment.run("deliveries", "requeue", delivery, *by)
    deployment.run("deliveries", "discard", delivery, "--reason", "sent-otherwise", *by)
    assert to_police(deployment)["state"] == "recalled"


@pytest.mark.parametrize("words", [("show",), ("requeue",), ("discard", "--reason", "obsolete")])
def test_a_delivery_nobody_knows(deployment: Deployment, words: tuple[str, ...]) -> None:
    act, *more = words
    assert "[delivery." in deployment.run("deliveries", act, "nothing-like-it", *more, status=1).stderr


def test_the_handling_notice_of_a_delivery_is_printed_for_people(deployment: Deployment, message: str) -> None:
    delivery = to_police(deployment)["delivery"]
    printed = deployment.run("deliveries", "show", delivery, "--notice").stdout
    assert printed.startswith("HANDLING NOTICE\n")
    assert "sign in with a second factor" in printed
    assert deployment.json("deliveries", "show", delivery, "--notice") == {"delivery": delivery, "notice": printed}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("deliveries", "list", "--to", "Millbrook Police"), "agency.unknown"),
        (("consent", "list", "--holder", "Millbrook Police"), "agency.unknown"),
        (("retention", "due", "--message", "HCJ-1"), "message.unknown"),
    ],
    ids=["deliveries", "consents", "due"],
)
def test_a_name_that_is_no_id_here_is_refused_in_a_sentence(
    deployment: Deployment, words: tuple[str, ...], code: str
) -> None:
    assert f"[{code}]" in deployment.run(*words, status=1).stderr
