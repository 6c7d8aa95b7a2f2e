"""Other people's signature libraries, as judges."""

import xmlsec
from lxml import etree
from signxml import SignatureConfiguration, SignatureMethod, XMLSigner, XMLVerifier
from signxml.exceptions import InvalidInput, InvalidSignature

from gateway.signing.certificate import to_pem
from gateway.signing.keyring import Signer
from tests.signing.parties import Key, key_pem

EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"


def signxml_accepts(data: bytes, signer: Signer) -> bool:
    """Whether signxml finds the document's enveloped signature to be the signer's."""
    expected = SignatureConfiguration(location="./", signature_methods=frozenset(SignatureMethod))
    try:
        XMLVerifier().verify(
            data,
            x509_cert=to_pem(signer.certificate_der).decode(),
            expect_config=expected,
        )
    except (InvalidSignature, InvalidInput):
        return False
    return True


def xmlsec_accepts(data: bytes, signer: Signer, *ids: tuple[str, str]) -> bool:
    """Whether xmlsec finds the document's first signature to be the signer's. ids: attribute's name and namespace."""
    root = etree.fromstring(data)
    node = xmlsec.tree.find_node(root, xmlsec.constants.NodeSignature)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(signer.certificate_der, xmlsec.constants.KeyDataFormatCertDer)
    for name, namespace in ids:
        for element in root.iter(etree.Element):
            if element.get(f"{{{namespace}}}{name}" if namespace else name) is not None:
                context.register_id(element, name, namespace or None)
    try:
        context.verify(node)
    except xmlsec.Error:
        return False
    return True


def signxml_signs(data: bytes, key: Key, certificate: bytes, **options: object) -> bytes:
    """An enveloped signature by signxml, with the algorithms our profile asks for unless told otherwise."""
    ecdsa = "EllipticCurve" in type(key).__name__ or "ECPrivate" in type(key).__name__
    chosen: dict[str, object] = {
        "c14n_algorithm": EXCLUSIVE,
        "signature_algorithm": SignatureMethod.ECDSA_SHA256 if ecdsa else SignatureMethod.RSA_SHA256,
        "digest_algorithm": "sha256",
    }
    signer = XMLSigner(**{**chosen, **options})
    return etree.tostring(signer.sign(etree.fromstring(data), key=key_pem(key), cert=to_pem(certificate).decode()))


def xmlsec_signs(data: bytes, key: Key, certificate: bytes) -> bytes:
    """An enveloped signature by xmlsec, laid out over lines as its templates are."""
    root = etree.fromstring(data)
    ecdsa = "EllipticCurve" in type(key).__name__ or "ECPrivate" in type(key).__name__
    method = xmlsec.constants.TransformEcdsaSha256 if ecdsa else xmlsec.constants.TransformRsaSha256
    node = xmlsec.template.create(root, xmlsec.constants.TransformExclC14N, method, ns="ds")
    root.append(node)
    reference = xmlsec.template.add_reference(node, xmlsec.constants.TransformSha256, uri="")
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformEnveloped)
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformExclC14N)
    data_node = xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(node))
    xmlsec.template.x509_data_add_certificate(data_node)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(key_pem(key), xmlsec.constants.KeyDataFormatPem)
    context.key.load_cert_from_memory(to_pem(certificate), xmlsec.constants.KeyDataFormatPem)
    context.sign(node)
    return etree.tostring(root)
