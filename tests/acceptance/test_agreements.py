"""Agreements and commands beside a running gateway: a wrong one is refused by file and line, a good one counts."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.agency import EndpointKind
from gateway.cli.acting import PASSPHRASE
from gateway.cli.main import app
from tests.acceptance.messages import fresh_id, release
from tests.acceptance.place import AGREEMENT, SHARE, Pair, Place


@pytest.fixture(scope="module")
def pair(place: Place) -> Pair:
    return place.pair(EndpointKind.INBOX)


def command(place: Place, *words: str) -> Any:
    return CliRunner().invoke(app, [*words, "-C", str(place.directory)])


@pytest.fixture(autouse=True)
def _passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSPHRASE, "a long enough passphrase")


def officer(place: Place, agency: str = "") -> str:
    """The account of somebody who may approve for this agency ("" = the operator) and put agreements in force."""
    name = f"officer.{agency or 'operator'}"
    speaks = ("--agency", agency) if agency else ()
    added = command(place, "user", "add", name, "--role", "signatory", "--role", "compliance-officer", *speaks)
    assert added.exit_code == 0 or "[user.exists]" in added.stderr, added.output
    return name


def agreement(pair: Pair, **changes: object) -> str:
    """The text of a second version of the pair's agreement."""
    values: dict[str, object] = {"mou": pair.mou, "version": 2, "sender": pair.sender, "recipient": pair.recipient}
    return AGREEMENT.format(**{**values, "share": SHARE, **changes})


WRONG = {
    "mou.unknown-key": ("title:", "titel: x\ntitle:"),
    "mou.unknown-field": ("share: [", "share: [person.shoe-size, "),
    "mou.unknown-exchange": ("exchange: custody-release/1.0", "exchange: custody-release/9.0"),
}


@pytest.mark.parametrize("code", WRONG)
def test_an_agreement_that_is_wrong_does_not_come_into_force(
    place: Place, pair: Pair, tmp_path: Path, code: str
) -> None:
    file = tmp_path / "agreement.yaml"
    file.write_text(agreement(pair).replace(*WRONG[code], 1))
    line = next(
        number for number, text in enumerate(file.read_text().splitlines(), 1) if WRONG[code][1].splitlines()[0] in text
    )
    result = command(place, "mou", "activate", str(file), "--as", officer(place))
    assert result.exit_code == 1
    told = result.stderr.replace("\n", " ")
    assert "[mou.refused]" in told
    assert f"[{code}]" in told
    assert f"agreement.yaml:{line}" in told
    assert "Traceback" not in result.output
    listed = json.loads(command(place, "mou", "list", "--json").stdout)
    assert {each["version"] for each in listed if each["mou"] == pair.mou} == {1}


def test_a_version_put_in_force_by_the_command_decides_the_next_message(
    place: Place, pair: Pair, tmp_path: Path
) -> None:
    file = tmp_path / "agreement.yaml"
    file.write_text(agreement(pair, share=SHARE.replace(", person.name", "")))
    for party in (pair.sender, pair.recipient):
        signed = command(place, "mou", "sign", str(file), "--for", party, "--as", officer(place, party))
        assert signed.exit_code == 0, signed.output
    result = command(place, "mou", "activate", str(file), "--as", officer(place))
    assert result.exit_code == 0, result.output
    answer = pair.caller.accepted(release(), fresh_id())  # at once: what the old version decided is decided again
    assert pair.inbox is not None
    item = pair.inbox.item(answer["id"])
    assert item["mou"] == f"{pair.mou}@2"
    assert b"Tansley" not in pair.inbox.get(item["payload_url"]).content
    listed = json.loads(command(place, "mou", "list", "--json").stdout)
    states = {each["version"]: each["state"] for each in listed if each["mou"] == pair.mou}
    assert states == {1: "ended", 2: "in-force"}


def test_a_suspended_agreement_lets_nothing_out_until_it_is_resumed(place: Place) -> None:
    pair = place.pair(EndpointKind.INBOX)
    pair.caller.accepted(release(), fresh_id())
    suspend = ("mou", "suspend", pair.mou, "--as", officer(place))
    assert command(place, *suspend).exit_code == 0
    answer = pair.caller.submit(release(), fresh_id())
    assert (answer.status_code, answer.json()["code"]) == (403, "policy.no-mou-in-force")
    assert command(place, *suspend, "--resume").exit_code == 0
    pair.caller.accepted(release(), fresh_id())


def test_the_commands_send_and_deliveries_work_against_the_running_gateway(
    place: Place, pair: Pair, tmp_path: Path
) -> None:
    sender = place.pair(EndpointKind.INBOX)
    file = tmp_path / "release.xml"
    file.write_bytes(release())
    words = ["send", str(file), "--url", place.url, "--ca", str(place.parts / "authority.pem"), "--json"]
    sent = CliRunner().invoke(app, [*words, "--token", sender.caller.token, "--id", fresh_id()])
    assert sent.exit_code == 0, sent.output
    told = json.loads(sent.stdout)
    assert told["status"] == 202
    listed = json.loads(command(place, "deliveries", "list", "--to", sender.recipient, "--json").stdout)
    assert [each["message"] for each in listed] == [told["id"]]
    shown = json.loads(command(place, "deliveries", "show", listed[0]["delivery"], "--json").stdout)
    assert (shown["state"], shown["mou"]) == ("waiting", f"{sender.mou}@1")
    refused = CliRunner().invoke(app, [*words, "--token", "gw_wrong"])
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["code"] == "identity.unknown"


def test_the_doctor_finds_a_running_deployment_well(place: Place) -> None:
    result = command(place, "doctor", "--json")
    checks = {each["name"]: each for each in json.loads(result.stdout)}
    wanted = ["settings", "clock", "disk", "keys", "file permissions", "database", "migrations", "pins", "backlog"]
    assert {*wanted, "sequencer lag"} <= set(checks)
    assert {name: each for name, each in checks.items() if each["state"] == "error"} == {}
    assert result.exit_code == 0
