// Submits, asks how a message stands, polls and acknowledges, over the C++ that gSOAP makes of gateway.wsdl.
//
// Reads gateway.properties in the current folder. Ends with 0, 1 refused, 2 called wrongly, 3 not available: try again.

#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <openssl/sha.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "Gateway11.nsmap"
#include "soapGateway11Proxy.h"
#include "wsaapi.h"
#include "wsseapi.h"

namespace {

const char* const USAGE = "usage: client submit FILE.xml [ID] | status ID | poll FOLDER | acknowledge DELIVERY...";
const char* const SERVICE = "urn:justice-gateway:soap:1.0:";

struct Refused : std::runtime_error {
    using std::runtime_error::runtime_error;
};
struct WrongWords : std::runtime_error {
    using std::runtime_error::runtime_error;
};
struct Unavailable : std::runtime_error {
    using std::runtime_error::runtime_error;
};

std::string contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw WrongWords("cannot read " + path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string trimmed(const std::string& text) {
    const char* space = " \t\r\n";
    size_t from = text.find_first_not_of(space);
    return from == std::string::npos ? "" : text.substr(from, text.find_last_not_of(space) - from + 1);
}

// --- what gateway.properties says ---------------------------------------------------------------------------------

class Settings {
public:
    explicit Settings(const std::string& path) {
        std::istringstream lines(contents(path));
        for (std::string line; std::getline(lines, line);) {
            size_t equals = line.find('=');
            if (line.compare(0, 1, "#") != 0 && equals != std::string::npos)
                values[trimmed(line.substr(0, equals))] = trimmed(line.substr(equals + 1));
        }
    }
    std::string operator[](const std::string& name) const {
        auto found = values.find(name);
        return found == values.end() ? "" : found->second;
    }

private:
    std::map<std::string, std::string> values;
};

// --- XML that is cut out of an envelope: its canonical bytes are what was signed ----------------------------------

struct FreeDocument {
    void operator()(xmlDoc* document) const { xmlFreeDoc(document); }
};
using Document = std::unique_ptr<xmlDoc, FreeDocument>;

Document parsed(const std::string& text) {
    Document document(xmlReadMemory(text.data(), int(text.size()), nullptr, nullptr,
                                    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING));
    if (!document) throw Refused("not well-formed XML");
    if (document->intSubset) throw Refused("a message has no DOCTYPE");
    return document;
}

std::string canonical(xmlDoc* document, const std::string& prefixes) {
    std::vector<std::string> names;
    std::istringstream words(prefixes);
    for (std::string word; words >> word;) names.push_back(word);
    std::vector<xmlChar*> list;
    for (auto& name : names) list.push_back(BAD_CAST(&name[0]));
    list.push_back(nullptr);
    xmlChar* bytes = nullptr;
    int size = xmlC14NDocDumpMemory(document, nullptr, XML_C14N_EXCLUSIVE_1_0, list.data(), 0, &bytes);
    if (size < 0) throw Refused("the XML has no canonical form");
    std::string result(reinterpret_cast<char*>(bytes), size_t(size));
    xmlFree(bytes);
    return result;
}

// Attribute of the Cover's Payload element.
std::string covered(xmlDoc* cover, const char* attribute) {
    for (xmlNode* each = xmlDocGetRootElement(cover)->children; each; each = each->next)
        if (each->type == XML_ELEMENT_NODE && !strcmp(reinterpret_cast<const char*>(each->name), "Payload")) {
            xmlChar* value = xmlGetNoNsProp(each, BAD_CAST attribute);
            std::string text = value ? reinterpret_cast<char*>(value) : "";
            xmlFree(value);
            return text;
        }
    throw Refused("the Cover names no payload");
}

std::string digest(const std::string& bytes) {
    unsigned char hash[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), hash);
    std::string text = "sha-256:";
    for (unsigned char each : hash) {
        char two[3];
        snprintf(two, sizeof two, "%02x", each);
        text += two;
    }
    return text;
}

void write(const std::string& path, const std::string& bytes) {
    std::ofstream file(path, std::ios::binary);
    file << bytes;
    if (!file.flush()) throw Refused("cannot write " + path);
}

// --- the connection -----------------------------------------------------------------------------------------------

class Client {
public:
    explicit Client(const Settings& settings) : address(settings["soap"]), token(settings["token"]) {
        soap* context = proxy.soap;
        soap_set_mode(context, SOAP_C_UTFSTRING);       // the payload is UTF-8, in strings of UTF-8
        soap_set_omode(context, SOAP_XML_CANONICAL);    // as signatures are made over it
        soap_register_plugin(context, soap_wsa);
        soap_register_plugin(context, soap_wsse);
        soap_set_version(context, settings["version"] == "1.1" ? 1 : 2);
        context->connect_timeout = 10;  // seconds
        context->send_timeout = context->recv_timeout = 60;
        context->max_keep_alive = 1;
        if (!token.empty()) token = trimmed(contents(token));
        std::string identity = settings["pem"];
        if (soap_ssl_client_context(context, SOAP_SSL_REQUIRE_SERVER_AUTHENTICATION | SOAP_TLSv1_2 | SOAP_TLSv1_3,
                                    identity.empty() ? nullptr : identity.c_str(), nullptr,
                                    settings["authority"].c_str(), nullptr, nullptr))
            fail();
        proxy.soap_endpoint = address.c_str();
        if (settings["signed"] == "yes") {
            std::string text = contents(identity);
            std::unique_ptr<BIO, int (*)(BIO*)> first(BIO_new_mem_buf(text.data(), int(text.size())), BIO_free);
            std::unique_ptr<BIO, int (*)(BIO*)> second(BIO_new_mem_buf(text.data(), int(text.size())), BIO_free);
            certificate.reset(PEM_read_bio_X509(first.get(), nullptr, nullptr, nullptr));
            key.reset(PEM_read_bio_PrivateKey(second.get(), nullptr, nullptr, nullptr));
            if (!certificate || !key || EVP_PKEY_base_id(key.get()) != EVP_PKEY_RSA)
                throw Refused("signing takes a certificate with an RSA key: gSOAP writes ECDSA values in a form of its own");
        }
    }

    void submit(const std::string& file, const std::string& id) {
        Document message = parsed(contents(file));
        // gSOAP digests an _XML member as it stands. In canonical form that is what the gateway digests too.
        std::string payload = key ? canonical(message.get(), "") : text(message.get());
        g1__AnyElement element;
        element.__any = &payload[0];
        _g1__Submit asked;
        asked.Payload = &element;
        _g1__SubmitResponse answer;
        begin("Submit", id);
        if (proxy.Submit(&asked, answer)) fail();
        std::cout << "accepted " << answer.Id << "\n";
        for (g1__Recipient* each : answer.Recipient)
            std::cout << "recipient " << each->Agency << " " << each->Outcome
                      << (each->Code ? " " + *each->Code : "") << "\n";
    }

    void status(const std::string& id) {
        _g1__Status asked;
        asked.Id = id;
        _g1__StatusResponse answer;
        begin("Status");
        if (proxy.Status(&asked, answer)) fail();
        std::cout << "message " << answer.Id << "\n";
        for (g1__Delivery* each : answer.Delivery)
            std::cout << "state " << each->Recipient << " " << each->State << "\n";
    }

    void poll(const std::string& folder) {
        mkdir(folder.c_str(), 0700);
        std::string after = "0";
        std::string limit = "100";
        while (true) {
            _g1__Poll asked;
            asked.After = &after;
            asked.Limit = &limit;
            _g1__PollResponse answer;
            begin("Poll");
            if (proxy.Poll(&asked, answer)) fail();
            if (answer.Item.empty()) return;
            for (g1__Item* each : answer.Item) keep(*each, folder);
            after = answer.Next;
        }
    }

    void acknowledge(const std::vector<std::string>& deliveries) {
        _g1__Acknowledge asked;
        asked.Delivery = deliveries;
        _g1__AcknowledgeResponse answer;
        begin("Acknowledge");
        if (proxy.Acknowledge(&asked, answer)) fail();
        for (const std::string& each : answer.Delivery) std::cout << "acknowledged " << each << "\n";
    }

private:
    // What stands before each request: a try again carries the id of the first try, so that it is delivered once.
    void begin(const std::string& operation, const std::string& id = "") {
        if (!token.empty()) proxy.soap->bearer = token.c_str();
        const char* message = id.empty() ? soap_wsa_rand_uuid(proxy.soap) : id.c_str();
        if (soap_wsa_request(proxy.soap, message, address.c_str(), (SERVICE + operation).c_str())) fail();
        if (key) sign();
    }

    // Body, Timestamp and WS-Addressing headers; gSOAP does it while the message goes out.
    void sign() {
        soap* context = proxy.soap;
        soap_wsse_delete_Security(context);  // of the request before
        soap_wsse_set_wsu_id(context, "wsa5:To wsa5:Action wsa5:MessageID");
        if (soap_wsse_add_Timestamp(context, "Time", 300) ||  // seconds
            soap_wsse_add_BinarySecurityTokenX509(context, "Token", certificate.get()) ||
            soap_wsse_add_KeyInfo_SecurityTokenReferenceX509(context, "#Token") ||
            soap_wsse_sign_body(context, SOAP_SMD_SIGN_RSA_SHA256, key.get(), 0) ||
            soap_wsse_sign_only(context, "Body Time wsa5-To wsa5-Action wsa5-MessageID"))
            fail();
    }

    static std::string text(xmlDoc* document) {
        std::unique_ptr<xmlBuffer, void (*)(xmlBuffer*)> buffer(xmlBufferCreate(), xmlBufferFree);
        xmlNodeDump(buffer.get(), document, xmlDocGetRootElement(document), 0, 0);
        return reinterpret_cast<const char*>(xmlBufferContent(buffer.get()));
    }

    static void keep(const g1__Item& item, const std::string& folder) {
        Document cover = parsed(item.Cover->__any);
        Document payload = parsed(item.Payload->__any);
        std::string bytes = canonical(payload.get(), covered(cover.get(), "prefixes"));
        if (digest(bytes) != covered(cover.get(), "digest"))
            throw Refused("the payload of " + item.Delivery + " is not the one its Cover was signed for");
        write(folder + "/" + item.Delivery + ".payload.xml", bytes);
        write(folder + "/" + item.Delivery + ".cover.xml", canonical(cover.get(), ""));
        std::cout << "delivery " << item.Delivery << " " << item.Exchange << " " << item.Mou << "\n";
    }

    // Every fault carries a code, a sentence, and what is wrong with the message: line, path and rule.
    [[noreturn]] void fail() {
        soap* context = proxy.soap;
        SOAP_ENV__Fault* fault = context->fault;
        SOAP_ENV__Detail* detail = !fault ? nullptr : fault->detail ? fault->detail : fault->SOAP_ENV__Detail;
        if (detail && detail->g1__Problem_) {
            const g1__Problem& problem = *detail->g1__Problem_;
            std::ostringstream said;
            said << "refused " << problem.Code << " " << problem.Text;
            for (g1__Finding* each : problem.Finding)
                said << "\nfinding " << (each->Line ? *each->Line : "") << " " << each->Code << " " << each->Path << " "
                     << each->Text;
            if (problem.CorrelationId) said << "\ncorrelation id " << *problem.CorrelationId;
            if (context->status == 503) throw Unavailable(said.str());
            throw Refused(said.str());
        }
        // gSOAP takes an answer 401 for an error of the transport, and does not look at the fault in it.
        if (context->error == 401) throw Refused("refused 401 no valid credential");
        std::ostringstream said;
        soap_stream_fault(context, said);
        throw Unavailable("not available: " + said.str());
    }

    Gateway11Proxy proxy;
    std::string address, token;
    std::unique_ptr<X509, void (*)(X509*)> certificate{nullptr, X509_free};
    std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key{nullptr, EVP_PKEY_free};
};

int act(const std::vector<std::string>& words) {
    Client client(Settings("gateway.properties"));
    if (words[0] == "submit")
        client.submit(words[1], words.size() > 2 ? words[2] : "");
    else if (words[0] == "status")
        client.status(words[1]);
    else if (words[0] == "poll")
        client.poll(words[1]);
    else if (words[0] == "acknowledge")
        client.acknowledge({words.begin() + 1, words.end()});
    else
        return std::cerr << USAGE << "\n", 2;
    return 0;
}

}  // namespace

int main(int count, char** arguments) {
    std::vector<std::string> words(arguments + 1, arguments + count);
    if (words.size() < 2) return std::cerr << USAGE << "\n", 2;
    try {
        return act(words);
    } catch (const WrongWords& error) {
        return std::cerr << error.what() << "\n", 2;
    } catch (const Unavailable& error) {
        return std::cerr << error.what() << "\n", 3;
    } catch (const std::exception& error) {
        return std::cerr << error.what() << "\n", 1;
    }
}
