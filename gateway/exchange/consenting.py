"""The consents of the persons in a message: found by blind indexes, so that whoever keeps them learns no name."""

from gateway.document.parse import Document
from gateway.exchange.gateway import Gateway
from gateway.iepd.package import Iepd
from gateway.keys.blind import blind
from gateway.policy.consent import Consents, by_person
from gateway.policy.subject import persons


async def consents_of(gateway: Gateway, document: Document, iepd: Iepd) -> Consents:
    """What is on file for each person in the message; () when nobody keeps consents, or nobody can be told apart."""
    if gateway.find_consents is None:
        return ()
    known = [frozenset(blind(gateway.keys.digest_key, term) for term in terms) for terms in persons(document, iepd)]
    if not any(known):
        return ()
    found = await gateway.find_consents(frozenset().union(*known))
    return by_person(found, known)
