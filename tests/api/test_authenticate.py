from hashlib import sha256

import pytest

from gateway.api.authenticate import identify
from gateway.api.callers import Speaks
from gateway.exchange.gateway import AgencySuspended, CredentialsDisagree, NotIdentified
from tests.api.pretend_gateway import JAIL, POLICE, PretendGateway


def scope(authorization: bytes | None = None, certificate: bytes | None = None) -> dict[str, object]:
    headers = [(b"authorization", authorization)] if authorization is not None else []
    return {"headers": headers, "extensions": {"tls": {"client_certificate": certificate}}}


@pytest.fixture
def gateway() -> PretendGateway:
    return PretendGateway(certificates={b"jail-der": JAIL, b"police-der": POLICE})


def test_a_token_or_a_certificate_says_who_it_is(gateway: PretendGateway) -> None:
    assert identify(scope(b"Bearer jail-token"), gateway) == JAIL
    assert identify(scope(b"bearer  jail-token "), gateway) == JAIL
    assert identify(scope(certificate=b"police-der"), gateway) == POLICE
    assert identify({"headers": [(b"authorization", b"Bearer jail-token")]}, gateway) == JAIL


def test_a_connection_is_told_what_it_speaks_by(gateway: PretendGateway) -> None:
    told: list[Speaks] = []
    shown = scope(b"Bearer jail-token", b"jail-der")
    shown["extensions"] = {
        "tls": {"client_certificate": b"jail-der", "client_chain": [b"above"]},
        "speaks": told.append,
    }
    identify(shown, gateway)
    prints = tuple(sha256(each).hexdigest() for each in (b"jail-token", b"jail-der"))
    assert told == [Speaks(JAIL.id, prints, b"jail-der", (b"above",))]


def test_both_must_agree(gateway: PretendGateway) -> None:
    assert identify(scope(b"Bearer jail-token", b"jail-der"), gateway) == JAIL
    with pytest.raises(CredentialsDisagree) as caught:
        identify(scope(b"Bearer jail-token", b"police-der"), gateway)
    assert (caught.value.by_token, caught.value.by_certificate) == (JAIL.id, POLICE.id)
    assert caught.value.token_fingerprint == sha256(b"jail-token").hexdigest()
    assert "jail" not in caught.value.text


@pytest.mark.parametrize(
    ("authorization", "certificate"),
    [
        (None, None),
        (b"", None),
        (b"Bearer", None),
        (b"Bearer wrong", None),
        (b"Basic jail-token", None),
        (b"jail-token", None),
        (b"Bearer " + b"x" * 513, None),
        (b"Bearer \xff", None),
        (None, b"stranger-der"),
        (b"Bearer wrong", b"jail-der"),
        (b"Bearer jail-token", b"stranger-der"),
    ],
)
def test_anything_else_is_nobody(gateway: PretendGateway, authorization: bytes, certificate: bytes) -> None:
    with pytest.raises(NotIdentified):
        identify(scope(authorization, certificate), gateway)


def test_a_suspended_agency_is_named_in_the_error(gateway: PretendGateway) -> None:
    gateway.suspended.add(JAIL.id)
    with pytest.raises(AgencySuspended) as caught:
        identify(scope(b"Bearer jail-token"), gateway)
    assert caught.value.agency == JAIL.id
