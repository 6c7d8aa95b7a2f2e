"""`gateway emergency`: two people release a message, each with a passphrase of their own; the report of all of them."""

import asyncio
from typing import Any

import pytest

from gateway.app import open_deployment
from gateway.cli.acting import PASSPHRASE, SECOND_PASSPHRASE
from gateway.exchange.accept import accept
from gateway.exchange.submission import Submission
from tests.cli.deployment import SAMPLES, Deployment

JAIL, SHELTER = "harlan-county-jail", "harborlight-services"
SECOND = "the second one's passphrase"


@pytest.fixture
def message(deployment: Deployment) -> str:
    """A message of the jail's."""

    async def send() -> str:
        async with open_deployment(deployment.directory) as gateway:
            body = (SAMPLES / "fullest.xml").read_bytes()
            return (await accept(gateway, Submission(sender=JAIL, sender_id="HCJ-1", body=body))).id  # type: ignore[arg-type]

    return asyncio.run(send())


@pytest.fixture
def people(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A privacy officer and a supervisor, with passphrases of their own."""
    first = os_passphrase()
    deployment.run("user", "add", "ana", "--agency", JAIL, "--role", "privacy-officer")
    monkeypatch.setenv(PASSPHRASE, SECOND)
    deployment.run("user", "add", "bo", "--agency", JAIL, "--role", "supervisor")
    monkeypatch.setenv(PASSPHRASE, first)
    monkeypatch.setenv(SECOND_PASSPHRASE, SECOND)
    return "ana", "bo"


def os_passphrase() -> str:
    """What `conftest` set."""
    return "a long enough passphrase"


def words(message: str, *more: object) -> tuple[object, ...]:
    return (
        "emergency", "release", message, "--to", SHELTER, "--reason", "imminent-danger", "--as", "ana", "--second",
        "bo", *more,
    )  # fmt: skip


def test_a_release_says_what_went_to_whom_and_that_the_owner_is_told(
    deployment: Deployment, message: str, people: tuple[str, str]
) -> None:
    said = deployment.run(*words(message)).stdout
    assert f"released to {SHELTER} (imminent-danger)" in said
    assert "person.name" in said
    assert f"{JAIL}, whose data it is, is told by delivery" in said
    assert {row["recipient"] for row in deployment.json("deliveries", "list") if row["urgent"]} == {SHELTER, JAIL}


def test_the_report_names_period_filter_and_count_and_both_people(
    deployment: Deployment, message: str, people: tuple[str, str]
) -> None:
    empty = deployment.json("emergency", "list")
    assert (empty["count"], empty["rows"]) == (0, [])
    made = deployment.json(*words(message, "--labels", "person.name", "--because", "He has a gun."))
    report = deployment.json("emergency", "list", "--to", SHELTER, "--since", "2020-01-01")
    assert report["period"] == {"since": "2020-01-01T00:00:00.00Z", "until": None}
    assert (report["filter"]["to"], report["count"]) == (SHELTER, 1)
    (row,) = report["rows"]
    assert (row["first"], row["second"], row["reason"]) == ("ana", "bo", "imminent-danger")
    assert (row["message"], row["owner"], row["counts"]) == (message, JAIL, made["counts"])
    assert deployment.json("emergency", "list", "--until", "2020-01-01")["count"] == 0
    printed = deployment.run("emergency", "list").stdout
    assert "by ana and bo" in printed
    assert "1 release\n" in printed
    assert "gun" not in printed
    told = deployment.json("emergency", "because", row["dissemination"], "--as", "ana")
    assert told["because"] == "He has a gun."


def test_a_second_passphrase_of_its_own_is_needed(
    deployment: Deployment, message: str, people: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECOND_PASSPHRASE, os_passphrase())
    assert "[key.passphrase]" in deployment.run(*words(message), status=1).stderr
    monkeypatch.delenv(SECOND_PASSPHRASE)
    assert SECOND_PASSPHRASE in deployment.run(*words(message), status=2).stderr
    assert deployment.json("emergency", "list")["count"] == 0


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"--reason": "because-i-say-so"}, 2, ""),
        ({"--to": "nobody"}, 1, "[agency.unknown]"),
        ({"--to": JAIL}, 1, "[emergency.own-data]"),
        ({"--labels": "victim-services.*"}, 1, "[emergency.label]"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_in_a_sentence(
    deployment: Deployment,
    message: str,
    people: tuple[str, str],
    changed: dict[str, str],
    status: int,
    code: str,
) -> None:
    asked: dict[Any, Any] = {"--to": SHELTER, "--reason": "escape", "--as": "ana", "--second": "bo"}
    flat = [word for pair in (asked | changed).items() for word in pair]
    assert code in deployment.run("emergency", "release", message, *flat, status=status).stderr


def test_the_notice_of_the_delivery_tells_the_recipient_what_it_is(
    deployment: Deployment, message: str, people: tuple[str, str]
) -> None:
    made = deployment.json(*words(message))
    notice = " ".join(deployment.run("deliveries", "show", made["delivery"], "--notice").stdout.split())
    assert "no agreement: EMERGENCY version 1, clause imminent-danger" in notice
    assert "destroy every copy when the emergency is over" in notice
