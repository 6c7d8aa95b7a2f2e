"""An agency as the database holds it: one JSON text, since it is always read whole."""

import json
from collections.abc import Mapping
from typing import Any, Final

from gateway.agency import (
    Agency,
    AgencyId,
    AgencyKind,
    Contact,
    Duty,
    Endpoint,
    EndpointKind,
    SignatureForm,
    Unit,
)

json_text: Final = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode
"""Compact JSON. One encoder for all: `json.dumps` makes a new one each time, which costs more than the encoding."""


def agency_text(agency: Agency) -> str:
    """An agency as JSON."""
    return json_text(
        {
            "id": agency.id,
            "name": agency.name,
            "kind": agency.kind,
            "ori": agency.ori,
            "address": agency.address,
            "state": agency.state,
            "units": [{"id": unit.id, "name": unit.name} for unit in agency.units],
            "contacts": [
                {"role": contact.role, "name": contact.name, "phone": contact.phone, "email": contact.email}
                for contact in agency.contacts
            ],
            "duties": sorted(agency.duties),
            "endpoint": _endpoint_text(agency.endpoint),
            "signs": agency.signs,
            "sign_answers": agency.sign_answers,
            "suspended": agency.suspended,
            # Left out where there is none: the digest of an agency that has none is what it was.
            **({"reply_to": [_endpoint_text(each) for each in agency.reply_to]} if agency.reply_to else {}),
        }
    )


def _endpoint_text(endpoint: Endpoint) -> dict[str, object]:
    return {
        "kind": endpoint.kind,
        "url": endpoint.url,
        "signature": endpoint.signature,
        "payload_alone": endpoint.payload_alone,
        "mtom": endpoint.mtom,
        "client_key": endpoint.client_key,
        "private_network": endpoint.private_network,
        "test": endpoint.test,
    }


def agency_of(text: str) -> Agency:
    """The agency of `agency_text`."""
    body: Mapping[str, Any] = json.loads(text)
    return Agency(
        id=AgencyId(body["id"]),
        name=body["name"],
        kind=AgencyKind(body["kind"]),
        ori=body["ori"],
        address=body.get("address", ""),
        state=body.get("state", ""),
        units=tuple(Unit(**unit) for unit in body["units"]),
        contacts=tuple(Contact(**contact) for contact in body["contacts"]),
        duties=frozenset(Duty(duty) for duty in body["duties"]),
        endpoint=_endpoint_of(body["endpoint"]),
        reply_to=tuple(map(_endpoint_of, body.get("reply_to", ()))),
        signs=body["signs"],
        sign_answers=body.get("sign_answers", False),
        suspended=body["suspended"],
    )


def _endpoint_of(endpoint: Mapping[str, Any]) -> Endpoint:
    return Endpoint(
        kind=EndpointKind(endpoint["kind"]),
        url=endpoint["url"],
        signature=SignatureForm(endpoint["signature"]),
        payload_alone=endpoint["payload_alone"],
        mtom=endpoint.get("mtom", False),
        client_key=endpoint["client_key"],
        private_network=endpoint["private_network"],
        test=endpoint.get("test", False),
    )
