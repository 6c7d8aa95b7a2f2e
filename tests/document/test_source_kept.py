"""A file read once can be kept and taken up again, with every place in it."""

from gateway.document.source import dump_source, read_source, restore_source

FILE = b"""exchange: custody-release/1.0
fields:
  - {path: 'cr:Subject', label: person.name, required: true}
limits: {depth: 7}
"""


def test_what_was_read_is_the_same_after_it_was_kept() -> None:
    table, findings = read_source(FILE, "fields.yaml")
    assert table is not None
    assert findings == ()
    assert restore_source(dump_source(table)) == table


def test_bytes_that_were_not_kept_by_us_are_not_taken_up() -> None:
    assert restore_source(b"[1, 2]") is None
    assert restore_source(b"{") is None
    assert restore_source(b'["", 1, 1, "a text, not a table"]') is None
