"""The error tree. Four families tell the caller what to do; each leaf has a public, stable `code`.

Leaves stand beside the code that raises them. Edges turn a family or a code into an HTTP status or a
SOAP fault (`gateway/api/problem.py`); nothing below the edges knows of HTTP. The text of an error is
for people: it names files, lines, paths and rules, never a value out of a message.
"""

from typing import ClassVar


class GatewayError(Exception):
    """Root of everything the gateway raises on purpose."""

    code: ClassVar[str] = "gateway.error"

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Refused(GatewayError):
    """The sender must change something; the same request will be refused again."""

    code = "refused"


class Unavailable(GatewayError):
    """Nothing is wrong with the request: try again later."""

    code = "unavailable"


class Tampered(GatewayError):
    """Bytes do not match their digest or signature: stop and tell people."""

    code = "tampered"


class Misconfigured(GatewayError):
    """The operator must act: a setting, a key, a file or a policy is not usable."""

    code = "misconfigured"
