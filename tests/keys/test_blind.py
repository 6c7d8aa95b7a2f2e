"""Blind indexes: found with the key, told to nobody without it."""

import hmac

from gateway.keys.blind import blind

KEY, OTHER = b"k" * 32, b"o" * 32


def test_the_same_term_gives_the_same_index_under_the_same_key_only() -> None:
    assert blind(KEY, "sid:FR1190284") == blind(KEY, "sid:FR1190284")
    assert blind(KEY, "sid:FR1190284") != blind(OTHER, "sid:FR1190284")
    assert blind(KEY, "sid:FR1190284") != blind(KEY, "sid:FR1190285")


def test_it_has_the_shape_of_a_subject_in_the_log() -> None:
    index = blind(KEY, "name:A|B|1990-01-01")
    assert len(index) == 64
    assert set(index) <= set("0123456789abcdef")


def test_it_is_no_other_digest_under_the_same_key() -> None:
    assert blind(KEY, "x") != hmac.digest(KEY, b"x", "sha256").hex()
