"""`exchange.reply.Replying` without a request."""

from dataclasses import dataclass, field

from gateway.agency import AgencyId
from gateway.errors import GatewayError
from gateway.exchange.submission import Accepted

ADDRESS = "https://rms.harlan.example/replies"


@dataclass
class AnsweredElsewhere:
    """Answers and faults are written in a word; `written` holds the ids they were written under."""

    agency: AgencyId
    request: str = "urn:uuid:1"
    digest: bytes = b"d" * 32
    reply_to: str = ADDRESS
    fault_to: str = ADDRESS
    written: list[str] = field(default_factory=list)

    def answer(self, message_id: str, accepted: Accepted) -> bytes:
        self.written.append(message_id)
        return f"<answer>{message_id} {accepted.id}</answer>".encode()

    def fault(self, message_id: str, error: GatewayError) -> bytes:
        self.written.append(message_id)
        return f"<fault>{message_id} {error.code}</fault>".encode()
