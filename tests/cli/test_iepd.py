"""`gateway iepd`: the exchanges, and the words an agreement uses."""

import json

import pytest

from tests.cli.deployment import Deployment, command


def test_the_list(deployment: Deployment) -> None:
    rows = deployment.json("iepd", "list")
    assert [row["exchange"] for row in rows] == ["custody-release/1.0", "police-contact/1.0", "supervision-record/1.0"]
    assert set(rows[0]) == {"exchange", "title", "root", "fields", "digest"}
    assert "Custody release notice" in deployment.run("iepd", "list").stdout


@pytest.mark.parametrize("exchange", ["custody-release/1.0", "police-contact/1.0", "supervision-record/1.0"])
def test_the_fields_of_an_exchange_with_their_labels(deployment: Deployment, exchange: str) -> None:
    rows = deployment.json("iepd", "show", exchange)
    assert all(row["label"] and row["title"] and row["path"] for row in rows)
    assert {"person.name", "message.head"} <= {row["label"] for row in rows}
    assert "person.name" in deployment.run("iepd", "show", exchange).stdout


def test_an_exchange_nobody_knows(deployment: Deployment) -> None:
    assert "[exchange.unknown]" in deployment.run("iepd", "show", "custody-release/9.0", status=1).stderr


def test_the_vocabulary_of_labels_with_a_sentence_each() -> None:
    rows = json.loads(command("iepd", "labels", "--json").stdout)
    assert {"label", "covers", "sensitive"} == set(rows[0])
    assert {row["label"] for row in rows if row["sensitive"]} >= {"victim", "sud", "medical.mental-health", "intel"}
    assert "42 CFR part 2" in command("iepd", "labels").stdout
