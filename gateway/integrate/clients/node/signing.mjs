// X.509 WS-Security with node-soap's WSSecurityCert and xml-crypto: signs each request and checks each answer.
//
// Signed are Body, Timestamp and the WS-Addressing headers, by exclusive C14N, SHA-256 and the key's own algorithm. Of an
// answer the same must be signed, by the gateway's certificate that came with this folder and by no other.

import { createPrivateKey, createPublicKey, createSign, createVerify } from "node:crypto";
import soap from "soap";
import { SignedXml } from "xml-crypto";

const DS = "http://www.w3.org/2000/09/xmldsig#";
const WSA = "http://www.w3.org/2005/08/addressing";
const WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
const EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#";
const SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256";
const ECDSA = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
const RSA = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const FRESH_MS = 5 * 60_000;

// What xml-crypto lacks. XML signatures hold the two numbers of ECDSA side by side, not in DER (RFC 4050, 3.3).
class EcdsaSha256 {
  getAlgorithmName() { return ECDSA; }
  getSignature(signedInfo, key) {
    const pem = key.key ?? key;
    return createSign("sha256").update(signedInfo).sign({ key: pem, dsaEncoding: "ieee-p1363" }, "base64");
  }
  verifySignature(signedInfo, key, value) {
    return createVerify("sha256").update(signedInfo).verify({ key, dsaEncoding: "ieee-p1363" }, value, "base64");
  }
}

// A function that signs an envelope's text, as node-soap calls it with each request.
export function signing(key, certificate) {
  const method = createPrivateKey(key).asymmetricKeyType === "ec" ? ECDSA : RSA;
  return (xml, envelopeKey) => {
    const headers = ["wsa:Action", "wsa:MessageID"].filter((name) => xml.includes(`<${name} `));
    const made = new soap.WSSecurityCert(key, certificate, "", {
      hasTimeStamp: true,
      signatureAlgorithm: method,
      digestAlgorithm: SHA256,
      additionalReferences: headers,
      signatureTransformations: [EXCLUSIVE],
      signerOptions: { idMode: "wssecurity", prefix: "ds" },
    });
    made.signer.SignatureAlgorithms[ECDSA] = EcdsaSha256;
    return made.postProcess(xml, envelopeKey);
  };
}

// Throws unless the gateway signed this answer. A Fault before the request was understood is not signed: it came over
// TLS, and says only that nothing was done.
export function verify(xml, document, certificate) {
  const all = Array.from(document.getElementsByTagName("*"));
  const found = (namespace, name) => all.filter((node) => node.namespaceURI === namespace && node.localName === name);
  const [security] = found(WSSE, "Security");
  const own = security ? Array.from(security.childNodes) : [];
  const signature = own.find((node) => node.namespaceURI === DS && node.localName === "Signature");
  const timestamp = own.find((node) => node.namespaceURI === WSU && node.localName === "Timestamp");
  const envelope = document.documentElement;
  const parts = Array.from(envelope.childNodes).filter((node) => node.namespaceURI === envelope.namespaceURI);
  const body = parts.find((node) => node.localName === "Body");
  const header = parts.find((node) => node.localName === "Header");
  if (!signature || !timestamp || security.parentNode !== header) {
    if (body?.firstChild?.localName === "Fault") return;
    throw new Error("the answer is not signed");
  }
  const algorithms = (name) =>
    found(DS, name).filter((node) => within(node, signature)).map((node) => node.getAttribute("Algorithm"));
  const references = found(DS, "Reference").filter((node) => within(node, signature));
  const [method] = algorithms("SignatureMethod");
  const agreed =
    [ECDSA, RSA].includes(method) &&
    algorithms("CanonicalizationMethod").every((each) => each === EXCLUSIVE) &&
    algorithms("DigestMethod").every((each) => each === SHA256) &&
    algorithms("Transform").join() === references.map(() => EXCLUSIVE).join();
  if (!agreed) throw new Error("the answer's signature is not of the agreed form");
  // Each id stands once in the whole document, or another element than the one that is read may have been signed.
  const ids = all.flatMap((node) =>
    Array.from(node.attributes).filter((each) => /id$/i.test(each.name)).map((each) => each.value),
  );
  const named = references.map((node) => node.getAttribute("URI"));
  const addressed = Array.from(header.childNodes).filter((node) => node.namespaceURI === WSA);
  for (const place of [body, timestamp, ...addressed]) {
    const id = place.getAttributeNS(WSU, "Id");
    if (!named.includes("#" + id) || ids.filter((each) => each === id).length !== 1) {
      throw new Error("Body, Timestamp and every WS-Addressing header of an answer are signed");
    }
  }
  const checked = new SignedXml({ publicCert: createPublicKey(certificate).export({ type: "spki", format: "pem" }) });
  checked.SignatureAlgorithms[ECDSA] = EcdsaSha256;
  checked.getCertFromKeyInfo = () => null; // the certificate in the message is a hint, and is not taken
  checked.loadSignature(signature);
  let signed = false;
  try {
    signed = checked.checkSignature(xml);
  } catch { /* said below */ }
  if (!signed) throw new Error("the answer is not signed by the gateway");
  const created = Date.parse(Array.from(timestamp.childNodes).find((node) => node.localName === "Created").textContent);
  if (!(Math.abs(Date.now() - created) <= FRESH_MS)) {
    throw new Error("the answer was not signed now; is this machine's clock right?");
  }
}

function within(node, ancestor) {
  for (let each = node; each; each = each.parentNode) if (each === ancestor) return true;
  return false;
}
