"""Whether a request carries the username and password that its agency is asked for: beside the transport's credential,
never instead of it."""

from datetime import timedelta

from gateway.agency import AgencyId
from gateway.errors import Refused
from gateway.exchange.gateway import Gateway
from gateway.exchange.passwords import UsernameWrong
from gateway.signing.security import Timestamp, check_fresh
from gateway.signing.username import UsernameToken


class UsernameInClear(Refused):
    """A password came where nothing encrypts the connection."""

    code = "identity.username-in-clear"


def asks_username(gateway: Gateway, agency: AgencyId) -> bool:
    """Whether this agency's SOAP requests must carry one. Also when all it has have expired: then none will do."""
    return agency in gateway.current.usernames


async def check_username(gateway: Gateway, agency: AgencyId, shown: UsernameToken | None, *, address: str) -> None:
    """Raises `UsernameWrong`, `UsernameLocked`, `UsernameInClear`, `SignatureStale`."""
    now = gateway.clock.now()
    held = [one for one in gateway.current.usernames.get(agency, ()) if one.not_before <= now < one.not_after]
    if shown is None:
        raise UsernameWrong("SOAP requests of this agency carry a wsse:UsernameToken")
    # The listener has TLS, or a proxy on this machine has: `settings` refuses anything else.
    if not gateway.settings.public_url.startswith("https:"):
        raise UsernameInClear("a UsernameToken is for connections with TLS only")
    if shown.created is not None:
        leeway = timedelta(seconds=gateway.settings.signatures.leeway_seconds)
        check_fresh(Timestamp(created=shown.created), now, leeway)
    if not held:
        raise UsernameWrong("the username or the password in the UsernameToken is wrong")
    await gateway.passwords.check(shown, held, (agency, address), now=now, random=gateway.clock.random)
