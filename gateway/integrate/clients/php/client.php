<?php
// A client with SoapClient: submit FILE [ID] | status ID | poll FOLDER | acknowledge DELIVERY...
//
// Reads gateway.properties beside it. Ends with 0, 1 refused, 2 wrong words, 3 not available: try again.

declare(strict_types=1);

const SERVICE = 'urn:justice-gateway:soap:1.0';
const WSA = 'http://www.w3.org/2005/08/addressing';
const COVER = 'https://gateway.example/ns/cover/1.0/';

umask(0077);
error_reporting(E_ALL & ~E_WARNING);  // what goes wrong on the wire comes as a SoapFault, and is said below

function settings(): array
{
    $known = [];
    foreach (file(__DIR__ . '/gateway.properties', FILE_IGNORE_NEW_LINES) as $line) {
        if (str_contains($line, '=') && !str_starts_with($line, '#')) {
            [$name, $value] = explode('=', $line, 2);
            $known[$name] = $value;
        }
    }
    return $known;
}

function beside(string $name): string
{
    return str_starts_with($name, '/') ? $name : __DIR__ . '/' . $name;
}

/** The service, ready to be called. */
function connect(array $known): SoapClient
{
    $tls = [
        'cafile' => beside($known['authority']),  // nobody else is believed
        'verify_peer' => true,
        'verify_peer_name' => true,
        'allow_self_signed' => false,
        'crypto_method' => STREAM_CRYPTO_METHOD_TLSv1_2_CLIENT | STREAM_CRYPTO_METHOD_TLSv1_3_CLIENT,
    ];
    if ($known['key'] !== '') {
        $tls += ['local_cert' => beside($known['certificate']), 'local_pk' => beside($known['key'])];
    }
    $http = ['max_redirects' => 1];  // SoapClient counts the request itself: no redirect is followed
    if ($known['token'] !== '') {
        $http['header'] = 'Authorization: Bearer ' . trim(file_get_contents(beside($known['token'])));
    }
    ini_set('default_socket_timeout', '60');
    return new SoapClient(beside($known['wsdl']), [
        'location' => $known['soap'],  // the WSDL names both ports; this is the address of both
        'soap_version' => $known['version'] === '1.1' ? SOAP_1_1 : SOAP_1_2,
        'stream_context' => stream_context_create(['ssl' => $tls, 'http' => $http]),
        'cache_wsdl' => WSDL_CACHE_NONE,
        'trace' => true,
        'exceptions' => true,
    ]);
}

/** An operation's answer as XML: SoapClient makes objects of it, and the XML itself is what was signed. */
function call(array $known, string $operation, array $content, ?string $id = null): DOMElement
{
    $client = connect($known);
    $headers = [new SoapHeader(WSA, 'Action', SERVICE . ':' . $operation)];
    if ($id !== null) {  // the same one each time the same message is sent, so that it is delivered once
        $headers[] = new SoapHeader(WSA, 'MessageID', $id);
    }
    try {
        $client->__soapCall($operation, [$content], null, $headers);
    } catch (SoapFault $fault) {
        $problem = problem((string) $client->__getLastResponse());
        if ($problem === null) {
            fwrite(STDERR, "not available: {$fault->getMessage()}\n");
            exit(3);
        }
        fwrite(STDERR, 'refused ' . value($problem, 'Code') . ' ' . value($problem, 'Text') . "\n");
        foreach (children($problem, 'Finding') as $each) {
            $parts = array_map(fn ($name) => value($each, $name), ['Line', 'Code', 'Path', 'Text']);
            fwrite(STDERR, 'finding ' . implode(' ', $parts) . "\n");
        }
        exit(1);
    }
    return parse($client->__getLastResponse())->getElementsByTagNameNS(SERVICE, $operation . 'Response')->item(0);
}

function parse(string $xml): DOMDocument
{
    $document = new DOMDocument();
    if (!$document->loadXML($xml, LIBXML_NONET)) {
        throw new RuntimeException('not XML');
    }
    return $document;
}

function problem(string $xml): ?DOMElement
{
    return $xml === '' ? null : parse($xml)->getElementsByTagNameNS(SERVICE, 'Problem')->item(0);
}

function children(DOMElement $parent, string $name): array
{
    $found = fn ($node) => $node instanceof DOMElement && $node->localName === $name && $node->namespaceURI === SERVICE;
    return array_values(array_filter(iterator_to_array($parent->childNodes), $found));
}

function value(DOMElement $parent, string $name): string
{
    return (children($parent, $name)[0] ?? null)?->textContent ?? '';
}

function only(DOMElement $parent): DOMElement
{
    return $parent->firstElementChild;
}

function submit(array $known, string $file, ?string $id = null): void
{
    $message = file_get_contents($file);
    if ($message === false) {
        fwrite(STDERR, "cannot read $file\n");
        exit(2);
    }
    // A declaration stands at the very beginning of a document or nowhere.
    $message = preg_replace('/^(\xef\xbb\xbf)?<\?xml[^>]*\?>/', '', $message);
    $payload = ['any' => new SoapVar($message, XSD_ANYXML)];
    $answer = call($known, 'Submit', ['Payload' => $payload], $id ?? 'urn:uuid:' . bin2hex(random_bytes(16)));
    echo 'accepted ', value($answer, 'Id'), "\n";
    foreach (children($answer, 'Recipient') as $each) {
        echo 'recipient ', value($each, 'Agency'), ' ', value($each, 'Outcome'), ' ', value($each, 'Code'), "\n";
    }
}

function status(array $known, string $id): void
{
    $answer = call($known, 'Status', ['Id' => $id]);
    echo 'message ', value($answer, 'Id'), "\n";
    foreach (children($answer, 'Delivery') as $each) {
        echo 'state ', value($each, 'Recipient'), ' ', value($each, 'State'), "\n";
    }
}

function poll(array $known, string $folder): void
{
    is_dir($folder) || mkdir($folder, 0700, true);
    foreach (children(call($known, 'Poll', ['Limit' => 100]), 'Item') as $item) {
        $delivery = value($item, 'Delivery');
        $cover = only(children($item, 'Cover')[0]);
        $payload = only(children($item, 'Payload')[0]);
        $said = $cover->getElementsByTagNameNS(COVER, 'Payload')->item(0);
        // The bytes that were signed: exclusive C14N with the prefixes that the Cover names.
        $prefixes = preg_split('/\s+/', $said->getAttribute('prefixes'), -1, PREG_SPLIT_NO_EMPTY);
        $data = $payload->C14N(true, false, null, $prefixes ?: null);
        if ('sha-256:' . hash('sha256', $data) !== $said->getAttribute('digest')) {
            fwrite(STDERR, "the payload of $delivery is not the one its Cover was signed for\n");
            exit(1);
        }
        file_put_contents("$folder/$delivery.payload.xml", $data);
        file_put_contents("$folder/$delivery.cover.xml", $cover->C14N(true, false));
        echo "delivery $delivery ", value($item, 'Exchange'), ' ', value($item, 'Mou'), "\n";
    }
}

function acknowledge(array $known, string ...$deliveries): void
{
    foreach (children(call($known, 'Acknowledge', ['Delivery' => $deliveries]), 'Delivery') as $each) {
        echo 'acknowledged ', $each->textContent, "\n";
    }
}

$words = array_slice($argv, 1);
if (count($words) < 2 || !in_array($words[0], ['submit', 'status', 'poll', 'acknowledge'], true)) {
    fwrite(STDERR, "submit FILE [ID] | status ID | poll FOLDER | acknowledge DELIVERY...\n");
    exit(2);
}
$words[0](settings(), ...array_slice($words, 1));
