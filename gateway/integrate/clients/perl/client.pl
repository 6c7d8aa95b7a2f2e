#!/usr/bin/perl
# A client with SOAP::Lite: submit FILE [ID] | status ID | poll FOLDER | acknowledge DELIVERY...
#
# Reads gateway.properties beside it. Ends with 0, 1 refused, 2 wrong words, 3 not available: try again.
use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use File::Path qw(make_path);
use FindBin qw($Bin);
use SOAP::Lite;
use XML::LibXML;

my $SERVICE = 'urn:justice-gateway:soap:1.0';
my $WSA     = 'http://www.w3.org/2005/08/addressing';
my $COVER   = 'https://gateway.example/ns/cover/1.0/';

umask 0077;
my %known = settings();
my %acts = (submit => \&submit, status => \&status, poll => \&poll, acknowledge => \&acknowledge);
my ($act, @words) = @ARGV;
if (!defined $act || !$acts{$act} || !@words) {
    print STDERR "submit FILE [ID] | status ID | poll FOLDER | acknowledge DELIVERY...\n";
    exit 2;
}
$acts{$act}->(@words);

sub settings {
    open my $file, '<:encoding(UTF-8)', "$Bin/gateway.properties" or die "gateway.properties: $!\n";
    my @lines = grep { /=/ && !/^#/ } <$file>;
    chomp @lines;
    return map { split /=/, $_, 2 } @lines;
}

sub beside { my ($name) = @_; return $name =~ m{^/} ? $name : "$Bin/$name" }

sub content {
    my ($name) = @_;
    open my $file, '<:raw', $name or die "$name: $!\n";
    local $/;
    return <$file>;
}

# The service, ready to be called. The gateway's authority alone is believed, names are checked, no redirect is followed.
sub gateway {
    SOAP::Lite->soapversion($known{version});    # of the whole process, and before any object is made
    my $soap = SOAP::Lite->new->proxy($known{soap}, timeout => 60, max_redirect => 0, requests_redirectable => []);
    my $agent = $soap->transport->proxy;
    $agent->ssl_opts(verify_hostname => 1, SSL_verify_mode => 1, SSL_ca_file => beside($known{authority}));
    $agent->ssl_opts(SSL_cert_file => beside($known{certificate}), SSL_key_file => beside($known{key})) if $known{key};
    if ($known{token}) {
        my ($token) = content(beside($known{token})) =~ /(\S+)/;
        $agent->default_header(Authorization => "Bearer $token");
    }
    # Document/literal: no types in elements, no encoding style (which SOAP 1.2 does not even allow on an Envelope).
    $soap->autotype(0)->readable(0)->encodingStyle('');
    $soap->ns($SERVICE, 'g');
    $soap->on_action(sub { qq("$SERVICE:$_[1]") });
    $soap->on_fault(sub { });    # told below, from the answer itself
    return $soap;
}

# An operation's answer as XML: SOAP::Lite makes values of it, and the XML itself is what was signed.
sub call {
    my ($operation, $id, @content) = @_;
    my $soap    = gateway();
    my @headers = header('Action', "$SERVICE:$operation");
    push @headers, header('MessageID', $id) if defined $id;
    my $name = SOAP::Data->name("g:$operation");
    eval { $soap->call($name, @headers, @content) };
    my $response = $soap->transport->proxy->http_response;
    my $body = $response ? $response->content : '';
    my $document = eval { XML::LibXML->load_xml(string => $body, no_network => 1, load_ext_dtd => 0, expand_entities => 0) };
    if (!$document) {
        print STDERR 'not available: ', ($response ? $response->status_line : $@ || $soap->transport->status), "\n";
        exit 3;
    }
    my ($problem) = $document->getElementsByTagNameNS($SERVICE, 'Problem');
    refused($problem) if $problem;
    return ($document->getElementsByTagNameNS($SERVICE, "${operation}Response"))[0];
}

sub refused {
    my ($problem) = @_;
    print STDERR join(' ', 'refused', value($problem, 'Code'), value($problem, 'Text')), "\n";
    for my $each (children($problem, 'Finding')) {
        print STDERR join(' ', 'finding', map { value($each, $_) } qw(Line Code Path Text)), "\n";
    }
    exit 1;
}

# A value without a type is written as it is: what it holds is escaped here.
sub escaped { my ($text) = @_; return SOAP::Utils::encode_data($text) }
sub header { my ($name, $text) = @_; return SOAP::Header->name("wsa:$name")->value(escaped($text))->attr({ 'xmlns:wsa' => $WSA }) }
sub element { my ($name, $value) = @_; return SOAP::Data->name("g:$name")->value(ref $value ? $value : escaped($value)) }
sub children { my ($parent, $name) = @_; return $parent->getChildrenByTagNameNS($SERVICE, $name) }
sub value { my ($parent, $name) = @_; my ($found) = children($parent, $name); return $found ? $found->textContent : '' }
sub only { my ($parent) = @_; return ($parent->getChildrenByTagName('*'))[0] }

sub submit {
    my ($file, $id) = @_;
    $id //= 'urn:uuid:' . sha256_hex($$ . time . rand);
    my $message = content($file);
    $message =~ s/^(\xef\xbb\xbf)?<\?xml[^>]*\?>//;    # a declaration stands at the very beginning or nowhere
    utf8::decode($message);
    # type xml: as it is.
    my $answer = call('Submit', $id, element('Payload', \SOAP::Data->type('xml')->value($message)));
    print 'accepted ', value($answer, 'Id'), "\n";
    for my $each (children($answer, 'Recipient')) {
        print join(' ', 'recipient', map { value($each, $_) } qw(Agency Outcome Code)), "\n";
    }
}

sub status {
    my ($id) = @_;
    my $answer = call('Status', undef, element('Id', $id));
    print 'message ', value($answer, 'Id'), "\n";
    print join(' ', 'state', value($_, 'Recipient'), value($_, 'State')), "\n" for children($answer, 'Delivery');
}

sub poll {
    my ($folder) = @_;
    make_path($folder, { mode => 0700 });
    for my $item (children(call('Poll', undef, element('Limit', 100)), 'Item')) {
        my $delivery = value($item, 'Delivery');
        my ($cover, $payload) = map { only(children($item, $_)) } qw(Cover Payload);
        my ($said) = $cover->getChildrenByTagNameNS($COVER, 'Payload');
        # The bytes that were signed: exclusive C14N with the prefixes that the Cover names.
        my @prefixes = split ' ', $said->getAttribute('prefixes');
        my $data = $payload->toStringEC14N(0, undef, XML::LibXML::XPathContext->new($payload), \@prefixes);
        die "the payload of $delivery is not the one its Cover was signed for\n"
            if 'sha-256:' . sha256_hex($data) ne $said->getAttribute('digest');
        save("$folder/$delivery.payload.xml", $data);
        save("$folder/$delivery.cover.xml", $cover->toStringEC14N(0));
        print join(' ', 'delivery', $delivery, value($item, 'Exchange'), value($item, 'Mou')), "\n";
    }
}

sub save {
    my ($name, $data) = @_;
    open my $file, '>:raw', $name or die "$name: $!\n";
    print {$file} $data;
    close $file or die "$name: $!\n";
}

sub acknowledge {
    my $answer = call('Acknowledge', undef, map { element('Delivery', $_) } @_);
    print 'acknowledged ', $_->textContent, "\n" for children($answer, 'Delivery');
}
