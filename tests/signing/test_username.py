"""UsernameTokens: one shape, the password itself and never a digest of it, stored so that nobody can read it."""

import pytest
from lxml import etree

from gateway.document.names import WSSE, WSU
from gateway.signing.shape import SignatureShape
from gateway.signing.username import PasswordDigestRefused, fits_record, name_in, password_record, read_username
from tests.signing.wss_client import DIGEST, username_token

CREATED = "2026-03-02T09:30:00.125Z"


def test_what_toolkits_write_is_read() -> None:
    for created in ("", CREATED):
        found = read_username(username_token("records", "correct horse", created=created))
        assert (found.username, found.password) == ("records", "correct horse")
    assert found.created is not None
    assert found.created.microsecond == 125_000


def test_a_password_without_a_type_is_text() -> None:
    token = username_token("records", "correct horse")
    del token[1].attrib["Type"]
    assert read_username(token).password == "correct horse"


def test_a_digest_is_refused_by_name_with_what_to_send() -> None:
    with pytest.raises(PasswordDigestRefused, match="PasswordText"):
        read_username(username_token("records", "mR8=", kind=DIGEST))


def test_neither_name_nor_password_shows_in_what_is_printed() -> None:
    assert "horse" not in repr(read_username(username_token("records", "correct horse")))
    assert "records" not in repr(read_username(username_token("records", "correct horse")))


def twice(token: etree._Element) -> None:
    etree.SubElement(token, f"{{{WSSE}}}Username").text = "other"


def without(token: etree._Element) -> None:
    token.remove(token[1])


def nameless(token: etree._Element) -> None:
    token[0].text = None


def inside(token: etree._Element) -> None:
    etree.SubElement(token[1], "x")


def stranger(token: etree._Element) -> None:
    etree.SubElement(token, "{urn:x}Salt")


def odd_type(token: etree._Element) -> None:
    token[1].set("Type", "urn:md5")


def long(token: etree._Element) -> None:
    token[1].text = "x" * 257


def no_nonce(token: etree._Element) -> None:
    token[2].text = "not base64!"


def no_moment(token: etree._Element) -> None:
    token[3].text = "noon"


@pytest.mark.parametrize("change", [twice, without, nameless, inside, stranger, odd_type, long, no_nonce, no_moment])
def test_another_shape_is_refused(change: object) -> None:
    token = username_token("records", "correct horse", created=CREATED)
    assert token[3].tag == f"{{{WSU}}}Created"
    change(token)  # type: ignore[operator]
    with pytest.raises(SignatureShape):
        read_username(token)


def test_a_record_fits_its_name_and_password_only_and_shows_neither_password_nor_key() -> None:
    record = password_record("records", "correct horse", b"s" * 16)
    assert fits_record("records", "correct horse", record)
    assert not fits_record("records", "correct house", record)
    assert not fits_record("record", "correct horse", record)
    assert name_in(record) == "records"
    assert b"horse" not in record


def test_the_same_password_twice_is_two_records() -> None:
    assert password_record("records", "correct horse", b"a" * 16) != password_record(
        "records", "correct horse", b"b" * 16
    )
