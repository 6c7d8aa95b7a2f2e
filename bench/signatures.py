"""What it costs to verify a signed message, as a multiple of xmlsec's bare verification in the same run.

Bare: the tree is parsed, and xmlsec takes the key from the certificate that came with the message and compares digests
and value; of a document it also verifies the certificate against a trusted authority, of an envelope it does not look
for the token, and is handed it, as zeep does. Ours does as much, and before it everything that makes the answer worth
something: shape, ids, places, whose certificate it is. Beside it stands the multiple of xmlsec with the key in hand,
which no receiver has. CPU time, in turns, trees parsed anew each time and outside the clock; the best round counts, for
what else runs on the machine only adds.
"""

import base64
import time
from collections.abc import Callable
from datetime import timedelta

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from bench.message import SENDER, sample
from bench.run import Run
from bench.table import Row
from gateway.clock import SystemClock
from gateway.document.names import SOAP12, WSA, WSSE, WSU
from gateway.document.parse import Document, parse
from gateway.keys.authority import Authority, self_signed
from gateway.keys.signer import signer_of
from gateway.signing.certificate import to_pem
from gateway.signing.enveloped import sign_enveloped, verify_enveloped
from gateway.signing.header import sign_envelope, verify_envelope
from gateway.signing.keyring import TrustedKeys
from gateway.soap.service import SERVICE, action_of

AT_ONCE = 50
ROUNDS = 60
QUICK_ROUNDS = 15
MULTIPLE_MAX = 1.4

Act = Callable[[Document], object]


def verifying_signatures(run: Run) -> list[Row]:
    """Both kinds of signature, with P-256; the multiples of RSA-2048 beside them."""
    rounds = QUICK_ROUNDS if run.quick else ROUNDS
    by_key = {"P-256": ec.generate_private_key(ec.SECP256R1()), "RSA-2048": rsa.generate_private_key(65537, 2048)}
    found = {name: _Measured(key, rounds) for name, key in by_key.items()}
    rows = []
    for kind, what in (("enveloped", "an enveloped signature"), ("envelope", "a signed SOAP envelope")):
        seconds = found["P-256"].of(kind)
        other = found["RSA-2048"].of(kind)
        in_hand = f"{seconds['ours'] / seconds['key']:.2f} of xmlsec with the key in hand"
        micro = {way: f"{each * 1e6:.0f}" for way, each in seconds.items()}
        rows.append(
            Row(
                name=f"verify-{kind}",
                what=f"verifying {what}, 6 KB",
                value=seconds["ours"] / seconds["bare"],
                unit="x bare xmlsec",
                first=MULTIPLE_MAX,
                least=False,
                ratio=f"RSA-2048: {other['ours'] / other['bare']:.2f}",
                note=f"{micro['ours']} µs against {micro['bare']}; {in_hand}, {micro['key']} µs",
            )
        )
    return rows


class _Measured:
    """The same message under one key."""

    def __init__(self, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, rounds: int) -> None:
        self.now = SystemClock().now()
        own = ec.generate_private_key(ec.SECP256R1())
        self.authority = x509.load_pem_x509_certificate(self_signed(own, "bench", now=self.now))
        pem = Authority(own, self.authority).issue(SENDER, "The jail", key.public_key(), now=self.now)
        self.signer = signer_of(key, x509.load_pem_x509_certificate(pem))
        self.trusted = TrustedKeys(agency=SENDER, pins=frozenset({self.signer.certificate_der}))
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.key = xmlsec.Key.from_memory(public, xmlsec.constants.KeyDataFormatDer)
        self.manager = xmlsec.KeysManager()
        self.manager.load_cert_from_memory(
            to_pem(self.authority.public_bytes(Encoding.DER)),
            xmlsec.constants.KeyDataFormatPem,
            xmlsec.constants.KeyDataTypeTrusted,
        )
        self.rounds = rounds

    def of(self, kind: str) -> dict[str, float]:
        """Seconds of each way."""
        if kind == "enveloped":
            data = sign_enveloped(parse(sample()), self.signer)
            ways: dict[str, Act] = {
                "key": self._with_key,
                "bare": self._with_certificate,
                "ours": lambda document: verify_enveloped(document, self.trusted, now=self.now),
            }
        else:
            data = self._envelope()
            ways = {
                "key": self._with_key,
                "bare": self._with_token,
                "ours": lambda document: verify_envelope(document, self.trusted, now=self.now),
            }
        return _fastest(ways, data, self.rounds)

    def _envelope(self) -> bytes:
        payload = sample().decode().partition("?>")[2]
        text = (
            f'<e:Envelope xmlns:e="{SOAP12}" xmlns:wsa="{WSA}"><e:Header><wsa:To>https://gateway.example/soap</wsa:To>'
            f"<wsa:Action>{action_of('Submit')}</wsa:Action><wsa:MessageID>urn:uuid:1</wsa:MessageID></e:Header>"
            f'<e:Body><g:Submit xmlns:g="{SERVICE}"><g:Payload>{payload}</g:Payload></g:Submit></e:Body></e:Envelope>'
        )
        root = parse(text.encode()).root
        sign_envelope(root, self.signer, created=self.now, expires=self.now + timedelta(minutes=5))
        data: bytes = etree.tostring(root)
        return data

    def _with_key(self, document: Document) -> None:
        self._verify(document.root, self.key)

    def _with_token(self, document: Document) -> None:
        token = next(document.root.iter(f"{{{WSSE}}}BinarySecurityToken"))
        der = base64.b64decode(token.text or "")
        self._verify(document.root, xmlsec.Key.from_memory(der, xmlsec.constants.KeyDataFormatCertDer))

    def _verify(self, root: etree._Element, key: xmlsec.Key) -> None:
        context = xmlsec.SignatureContext()
        context.key = key
        if root.tag == f"{{{SOAP12}}}Envelope":
            for element in (root[1], *root[0], *root[0][-1]):
                if element.get(f"{{{WSU}}}Id") is not None:
                    context.register_id(element, "Id", WSU)
        context.verify(xmlsec.tree.find_node(root, xmlsec.constants.NodeSignature))

    def _with_certificate(self, document: Document) -> None:
        context = xmlsec.SignatureContext(self.manager)
        context.verify(xmlsec.tree.find_node(document.root, xmlsec.constants.NodeSignature))


def _fastest(ways: dict[str, Act], data: bytes, rounds: int) -> dict[str, float]:
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, act in ways.items():
            documents = [parse(data) for _ in range(AT_ONCE)]
            started = time.process_time()
            for document in documents:
                act(document)
            best[name] = min(best[name], (time.process_time() - started) / AT_ONCE)
    return best
