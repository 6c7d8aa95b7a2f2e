"""suds, which many an old Python system still speaks through: SOAP 1.1, client certificate, raw XML in the any."""

import shutil
import sys
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.integrate.client import Client, client
from tests.interop.live import JAIL, POLICE, Live, Pack, run_in
from tests.interop.test_clients import INVALID, goes_through

HERE = Path(__file__).parent
PIP = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"]


@pytest.fixture(scope="module")
def suds(tmp_path_factory: pytest.TempPathFactory) -> Client:
    """The client, run by a Python of its own."""
    folder = tmp_path_factory.mktemp("suds")
    for words in ([sys.executable, "-m", "venv", "venv"], ["venv/bin/python", *PIP, str(HERE / "suds.txt")]):
        done = run_in(folder, words)
        if done.status != 0:
            pytest.skip(f"suds could not be installed (no network?): {done.err[-200:]}")
    shutil.copy(HERE / "suds_client.py", folder)
    run = (str(folder / "venv/bin/python"), str(folder / "suds_client.py"))
    return replace(client("curl"), name="suds", title="suds", run=run, versions=("1.1",))


def packs(live: Live, suds: Client) -> tuple[Pack, Pack]:
    made = [live.pack(agency, client("curl"), "--issue") for agency in (JAIL, POLICE)]
    jail, police = (replace(each, client=suds) for each in made)
    return jail, police


def test_a_message_goes_from_one_suds_to_the_other(live: Live, suds: Client) -> None:
    goes_through(live, *packs(live, suds))


def test_what_is_wrong_with_a_message_reaches_suds(live: Live, suds: Client) -> None:
    jail, _ = packs(live, suds)
    done = jail.run("submit", min(INVALID.glob("*.xml")), f"bad-{uuid.uuid4()}", status=1)
    assert "message.invalid" in done.err
    assert "/cr:CustodyRelease" in done.err
