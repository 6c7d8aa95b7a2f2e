import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.soap.address import canonical, same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://gateway.example/soap", "HTTPS://Gateway.Example/soap"),
        ("https://gateway.example/soap", "https://gateway.example:443/soap"),
        ("http://gateway.example/soap", "http://gateway.example:80/soap/"),
        ("https://gateway.example", "https://gateway.example/"),
        ("https://gateway.example/soap", "https://gateway.example./soap"),
        ("https://[2001:DB8::1]/soap", "https://[2001:db8::1]:443/soap"),
    ],
)
def test_spellings_of_one_address_are_the_same(one: str, other: str) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://gateway.example/soap", "http://gateway.example/soap"),
        ("https://gateway.example/soap", "https://gateway.example:8443/soap"),
        ("https://gateway.example/soap", "https://gateway.example/SOAP"),
        ("https://gateway.example/soap", "https://gateway.example/soap?to=x"),
        ("https://gateway.example/soap", "https://gateway.example/soap?"),
        ("https://gateway.example/soap", "https://gateway.example.evil.example/soap"),
        ("https://gateway.example/soap", "https://gateway.example/x/../soap"),
        ("https://gateway.example/soap", "https://gateway.example/%73oap"),
    ],
)
def test_anything_else_makes_another_address(one: str, other: str) -> None:
    assert not same(one, other)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "soap",
        "/soap",
        "urn:uuid:1",
        "ftp://gateway.example/soap",
        "file:///etc/passwd",
        "https:///soap",
        "https://user@gateway.example/soap",
        "https://gateway.example@elsewhere.example/soap",
        "https://gateway.example\\@elsewhere.example/soap",
        "https://gateway.example/soap#part",
        "https://gateway.example/so ap",
        "https://gateway.example/soap\n",
        "https://gätewäy.example/soap",
        "https://gateway.example:notaport/soap",
        "https://gateway.example:99999/soap",
        "https://[::1/soap",
        "https://gateway.example/" + "x" * 2048,
    ],
)
def test_what_is_no_plain_url_is_no_address(address: str) -> None:
    assert canonical(address) is None
    assert not same(address, address)


@given(st.text(max_size=60))
def test_any_text_is_judged_and_once_canonical_stays_so(text: str) -> None:
    for address in (text, f"https://{text}", f"https://host.example{text}"):
        made = canonical(address)
        assert made is None or canonical(made) == made
