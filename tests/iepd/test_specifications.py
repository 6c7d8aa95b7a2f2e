"""All 27 real message specifications, NIEM 2.0 to 6.0."""

import pytest

from gateway.document.parse import parse
from gateway.finding import errors
from gateway.iepd.package import unclassified
from gateway.iepd.validate import validate

from .specifications import BROKEN, SAMPLES, messages, specification, specifications


def test_every_folder_of_the_samples_gives_an_exchange_or_is_known_to_be_broken() -> None:
    if not SAMPLES.is_dir():
        pytest.skip("needs ../shared/niem/samples")
    folders = {path.name for path in SAMPLES.iterdir() if path.is_dir()}
    assert len(folders) == 27
    assert {name.partition("+")[0] for name in specifications()} == folders - set(BROKEN)


@pytest.mark.parametrize("name", specifications() or [pytest.param("", marks=pytest.mark.skip("needs ../shared"))])
def test_an_exchange_classifies_every_place_and_its_messages_are_valid(name: str) -> None:
    iepd = specification(name)
    assert unclassified(iepd) == ()
    for path in messages(name):
        assert errors(validate(parse(path.read_bytes()), iepd)) == (), path.name
