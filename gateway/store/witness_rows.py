"""Rows of `store.witness` and back, for both databases."""

from typing import Any

from gateway.agency import AgencyId
from gateway.store.rows import Row, micros, micros_or_none, moment, moment_or_none
from gateway.store.witness import GivenHead, Head, HeldCosignature, LogTrouble, Watch, WitnessKey

Values = dict[str, Any]


def witness_key_values(key: WitnessKey) -> Values:
    """Of the named values."""
    return {
        "watch": key.watch.value,
        "agency": key.agency,
        "key": key.key,
        "url": key.url,
        "private_network": int(key.private_network),
        "authorities": key.authorities,
        "since": micros(key.since),
        "ended_at": micros_or_none(key.ended_at),
    }


def witness_key_of(row: Row) -> WitnessKey:
    """A key."""
    watch, agency, key, url, private_network, authorities, since, ended_at = row
    return WitnessKey(
        watch=Watch(watch),
        agency=AgencyId(agency),
        key=key,
        url=url,
        private_network=bool(private_network),
        authorities=bytes(authorities),
        since=moment(since),
        ended_at=moment_or_none(ended_at),
    )


def head_values(head: Head) -> Values:
    """Of the named values."""
    return {"size": head.size, "note": head.note, "at": micros(head.at)}


def head_of(row: Row) -> Head:
    """A head."""
    size, note, at = row
    return Head(size=size, note=bytes(note), at=moment(at))


def noted_of(row: Row) -> tuple[AgencyId, Head]:
    """A head that waits, and whose log it is of."""
    return AgencyId(row[0]), head_of(row[1:])


def cosignature_values(held: HeldCosignature) -> Values:
    """Of the named values."""
    return {
        "size": held.size,
        "agency": held.agency,
        "cosigner": held.cosigner,
        "at": micros(held.at),
        "line": held.line,
    }


def cosignature_of(row: Row) -> HeldCosignature:
    """A cosignature."""
    size, agency, cosigner, at, line = row
    return HeldCosignature(size=size, agency=AgencyId(agency), cosigner=cosigner, at=moment(at), line=line)


def given_values(given: GivenHead) -> Values:
    """Of the named values."""
    return {"agency": given.agency, "size": given.size, "way": given.way, "at": micros(given.at)}


def given_of(row: Row) -> GivenHead:
    """A head that was handed out."""
    agency, size, way, at = row
    return GivenHead(agency=AgencyId(agency), size=size, way=way, at=moment(at))


def trouble_values(trouble: LogTrouble) -> Values:
    """Of the named values."""
    return {
        "id": trouble.id,
        "code": trouble.code,
        "at": micros(trouble.at),
        "agency": trouble.agency,
        "size": trouble.size,
        "idx": trouble.index,
    }


def trouble_of(row: Row) -> LogTrouble:
    """What was found wrong."""
    id, code, at, agency, size, index, ended_at = row
    return LogTrouble(
        id=id,
        code=code,
        at=moment(at),
        agency=AgencyId(agency),
        size=size,
        index=index,
        ended_at=moment_or_none(ended_at),
    )
