// A client with node-soap: submit FILE [ID] | status ID | poll FOLDER | acknowledge DELIVERY...
//
// Reads gateway.properties beside it. Ends with 0, 1 refused, 2 wrong words, 3 not available: try again.

import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { DOMParser } from "@xmldom/xmldom";
import soap from "soap";
import { ExclusiveCanonicalization } from "xml-crypto";

const here = dirname(fileURLToPath(import.meta.url));
const SERVICE = "urn:justice-gateway:soap:1.0";
const WSA = "http://www.w3.org/2005/08/addressing";
const COVER = "https://gateway.example/ns/cover/1.0/";

process.umask(0o077);
const known = Object.fromEntries(
  readFileSync(join(here, "gateway.properties"), "utf8").split("\n")
    .filter((line) => line.includes("=") && !line.startsWith("#"))
    .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
);
const beside = (name) => resolve(here, name);
const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");

// What the gateway says no with. `problem` is the element in the fault's detail.
class Refused extends Error {
  constructor(problem) {
    super("refused");
    this.problem = problem;
  }
}

async function call(operation, content, id) {
  const options = { forceSoap12Headers: known.version === "1.2", endpoint: known.soap, disableCache: true };
  const client = await soap.createClientAsync(beside(known.wsdl), options);
  client.setEndpoint(known.soap);
  client.setSecurity(await security());
  if (known.token) client.addHttpHeader("Authorization", "Bearer " + readFileSync(beside(known.token), "utf8").trim());
  // The message's id: the same one each time the same message is sent, so that it is delivered once.
  const action = `${SERVICE}:${operation}`;
  client.addSoapHeader(`<wsa:Action xmlns:wsa="${WSA}">${action}</wsa:Action>`);
  if (id) client.addSoapHeader(`<wsa:MessageID xmlns:wsa="${WSA}">${escaped(id)}</wsa:MessageID>`);
  const port = client.GatewayService["Gateway" + known.version.replace(".", "")];
  const raw = await new Promise((done, failed) =>
    port[operation](content, (error, _, body) => (error ? failed(error) : done(body))),
  ).catch((error) => {
    const body = typeof error.body === "string" ? error.body : error.response?.data;
    const problem = typeof body === "string" && parse(body).getElementsByTagNameNS(SERVICE, "Problem")[0];
    throw problem ? new Refused(problem) : error;
  });
  // node-soap makes objects of the answer and forgets prefixes and order; the XML itself is what was signed.
  const answer = parse(raw);
  if (known.signed === "yes") {
    const { verify } = await import("./signing.mjs");
    verify(raw, answer, readFileSync(beside(known.cover), "utf8"));
  }
  return answer.getElementsByTagNameNS(SERVICE, operation + "Response")[0];
}

// The connection: the gateway's authority alone is trusted, names are checked, no redirect is followed and no proxy asked.
async function security() {
  const [key, certificate] = known.key ? [beside(known.key), beside(known.certificate)] : [null, null];
  const connection = { rejectUnauthorized: true, maxRedirects: 0, proxy: false, timeout: 60_000 };
  const made = new soap.ClientSSLSecurity(key, certificate, beside(known.authority), connection);
  if (known.signed === "yes") {
    const { signing } = await import("./signing.mjs");
    made.postProcess = signing(readFileSync(key, "utf8"), readFileSync(certificate, "utf8"));
  }
  return made;
}

function parse(text) {
  const stop = (message) => { throw new Error("not XML: " + message); };
  return new DOMParser({ errorHandler: { warning: () => {}, error: stop, fatalError: stop } }).parseFromString(text, "text/xml");
}

const children = (parent, name) =>
  Array.from(parent.childNodes).filter((node) => node.localName === name && node.namespaceURI === SERVICE);
const value = (parent, name) => children(parent, name)[0]?.textContent ?? "";
const only = (parent) => Array.from(parent.childNodes).find((node) => node.nodeType === 1);

// The bytes that were signed: exclusive C14N with the prefixes that the Cover names.
function canonical(element, prefixes) {
  const ancestorNamespaces = [];
  for (let node = element.parentNode; node?.attributes; node = node.parentNode) {
    for (const each of Array.from(node.attributes)) {
      const prefix = each.name === "xmlns" ? "" : each.name.startsWith("xmlns:") ? each.localName : null;
      if (prefix !== null && !ancestorNamespaces.some((known) => known.prefix === prefix)) {
        ancestorNamespaces.push({ prefix, namespaceURI: each.value });
      }
    }
  }
  const options = { inclusiveNamespacesPrefixList: prefixes, ancestorNamespaces };
  return Buffer.from(new ExclusiveCanonicalization().process(element, options), "utf8");
}

function contents(file) {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    console.error("cannot read", error.message);
    process.exit(2);
  }
}

const acts = {
  async submit(file, id = "urn:uuid:" + randomUUID()) {
    // $xml: as it is. A declaration stands at the very beginning of a document or nowhere.
    const message = contents(file).replace(/^\uFEFF?<\?xml[^>]*\?>/, "");
    const answer = await call("Submit", { Payload: { $xml: message } }, id);
    console.log("accepted", value(answer, "Id"));
    for (const each of children(answer, "Recipient")) {
      console.log("recipient", value(each, "Agency"), value(each, "Outcome"), value(each, "Code"));
    }
  },

  async status(id) {
    const answer = await call("Status", { Id: id });
    console.log("message", value(answer, "Id"));
    for (const each of children(answer, "Delivery")) console.log("state", value(each, "Recipient"), value(each, "State"));
  },

  async poll(folder) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const item of children(await call("Poll", { Limit: 100 }), "Item")) {
      const delivery = value(item, "Delivery");
      const cover = only(children(item, "Cover")[0]);
      const payload = only(children(item, "Payload")[0]);
      const said = cover.getElementsByTagNameNS(COVER, "Payload")[0];
      const data = canonical(payload, said.getAttribute("prefixes").split(" ").filter(Boolean));
      if ("sha-256:" + createHash("sha256").update(data).digest("hex") !== said.getAttribute("digest")) {
        throw new Error(`the payload of ${delivery} is not the one its Cover was signed for`);
      }
      writeFileSync(join(folder, `${delivery}.payload.xml`), data);
      writeFileSync(join(folder, `${delivery}.cover.xml`), canonical(cover, []));
      console.log("delivery", delivery, value(item, "Exchange"), value(item, "Mou"));
    }
  },

  async acknowledge(...deliveries) {
    const answer = await call("Acknowledge", { Delivery: deliveries });
    for (const each of children(answer, "Delivery")) console.log("acknowledged", each.textContent);
  },
};

const [act, ...words] = process.argv.slice(2);
if (!(act in acts) || words.length === 0) {
  console.error("submit FILE [ID] | status ID | poll FOLDER | acknowledge DELIVERY...");
  process.exit(2);
}
try {
  await acts[act](...words);
} catch (error) {
  if (error instanceof Refused) {
    console.error("refused", value(error.problem, "Code"), value(error.problem, "Text"));
    for (const each of children(error.problem, "Finding")) {
      console.error("finding", ...["Line", "Code", "Path", "Text"].map((name) => value(each, name)));
    }
    process.exit(1);
  }
  const away = error.isAxiosError || error.code;
  console.error(away ? "not available:" : "not believed:", error.message);
  process.exit(away ? 3 : 1);
}
