#!/bin/sh
# A client in a shell, with curl: what goes over the wire, in full, for who wants to see it or has no toolkit.
#
#   sh client.sh submit FILE.xml [ID] | status ID | poll FOLDER | acknowledge DELIVERY...
#
# Reads gateway.properties beside it. submit, status and acknowledge are SOAP envelopes; poll goes by REST, which gives
# each payload as the very bytes that its Cover was signed for. Ends with 0, 1 refused, 3 not available: try again.
set -eu
umask 077
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

setting() { sed -n "s/^$1=//p" "$here/gateway.properties" | tail -n 1; }
beside() { case "$1" in /*) printf '%s' "$1" ;; *) printf '%s' "$here/$1" ;; esac; }

# --- the connection: TLS checked against the gateway's authority and its host name, never switched off -----------------

# Into a file that only we may read, not onto the command line, which everybody on this machine may.
{
  printf 'cacert = "%s"\n' "$(beside "$(setting authority)")"
  [ -z "$(setting token)" ] || printf 'header = "Authorization: Bearer %s"\n' "$(cat "$(beside "$(setting token)")")"
  [ -z "$(setting key)" ] || printf 'cert = "%s"\nkey = "%s"\n' \
    "$(beside "$(setting certificate)")" "$(beside "$(setting key)")"
} >"$work/curl.conf"

ask() { curl --config "$work/curl.conf" --silent --show-error --max-time 60 "$@" || exit 3; }

# --- SOAP ------------------------------------------------------------------------------------------------------------

service=urn:justice-gateway:soap:1.0
addressing=http://www.w3.org/2005/08/addressing

value() { xmllint --nonet --xpath "string($2)" "$1"; }
escaped() { printf '%s' "$1" | sed 's/&/\&amp;/g; s/</\&lt;/g'; }
named() { printf '//*[local-name()="%s"]' "$1"; }

# call OPERATION CONTENT-FILE [MESSAGE-ID]: the answer is in $work/answer.
call() {
  action=$service:$1
  case $(setting version) in
    1.1) envelope=http://schemas.xmlsoap.org/soap/envelope/
         set -- "$1" "$2" "${3:-}" -H 'Content-Type: text/xml; charset=utf-8' -H "SOAPAction: \"$action\"" ;;
    *)   envelope=http://www.w3.org/2003/05/soap-envelope
         set -- "$1" "$2" "${3:-}" -H "Content-Type: application/soap+xml; charset=utf-8; action=\"$action\"" ;;
  esac
  {
    printf '<?xml version="1.0" encoding="UTF-8"?>\n'
    printf '<soap:Envelope xmlns:soap="%s" xmlns:g="%s" xmlns:wsa="%s">' "$envelope" "$service" "$addressing"
    # The message's id: the same one when the same message is sent again, so that it is delivered once.
    [ -z "$3" ] || printf '<soap:Header><wsa:Action>%s</wsa:Action><wsa:MessageID>%s</wsa:MessageID></soap:Header>' \
      "$action" "$(escaped "$3")"
    printf '<soap:Body><g:%s>' "$1"
    cat "$2"
    printf '</g:%s></soap:Body></soap:Envelope>\n' "$1"
  } >"$work/request"
  shift 3
  status=$(ask -o "$work/answer" -w '%{http_code}' "$@" --data-binary @"$work/request" "$(setting soap)")
  [ "$status" = 200 ] || refused "$status"
}

# Every fault carries a code, a sentence, and what is wrong with the message: line, path and rule.
refused() {
  problem=$(named Problem)
  echo "refused $(value "$work/answer" "$problem/*[local-name()='Code'][1]") $(value "$work/answer" \
    "$problem/*[local-name()='Text'][1]")" >&2
  rows "$(named Finding)" finding Line Code Path Text >&2
  case $1 in 503) exit 3 ;; *) exit 1 ;; esac
}

# rows ELEMENTS WORD PART...: a line for each of these elements of the answer.
rows() {
  element=$1
  word=$2
  shift 2
  n=1
  while [ -n "$(value "$work/answer" "($element)[$n]")" ]; do
    printf '%s' "$word"
    for part in "$@"; do printf ' %s' "$(value "$work/answer" "($element)[$n]/*[local-name()='$part']")"; done
    echo
    n=$((n + 1))
  done
}

# --- acts ------------------------------------------------------------------------------------------------------------

submit() {
  {
    printf '<g:Payload>'
    sed '1s/^\(\xef\xbb\xbf\)*<?xml[^>]*?>//' "$1" # a declaration stands at the very beginning or nowhere
    printf '</g:Payload>'
  } >"$work/content"
  call Submit "$work/content" "${2:-urn:uuid:$(cat /proc/sys/kernel/random/uuid 2>/dev/null || uuidgen)}"
  echo "accepted $(value "$work/answer" "$(named SubmitResponse)/*[local-name()='Id']")"
  rows "$(named Recipient)" recipient Agency Outcome Code
}

status() {
  printf '<g:Id>%s</g:Id>' "$(escaped "$1")" >"$work/content"
  call Status "$work/content"
  echo "message $(value "$work/answer" "$(named StatusResponse)/*[local-name()='Id']")"
  rows "$(named StatusResponse)/*[*]" state Recipient State
}

acknowledge() {
  for delivery in "$@"; do printf '<g:Delivery>%s</g:Delivery>' "$(escaped "$delivery")"; done >"$work/content"
  call Acknowledge "$work/content"
  for delivery in "$@"; do echo "acknowledged $delivery"; done
}

# The list is JSON without blanks; of each delivery its own id is wanted, and the ids are of letters, digits and hyphens.
poll() {
  mkdir -p "$1"
  code=$(ask -o "$work/inbox" -w '%{http_code}' "$(setting rest)/v1/inbox")
  [ "$code" = 200 ] || { echo "refused $code $(cat "$work/inbox")" >&2; exit 1; }
  grep -o '"delivery":"[0-9A-Za-z-]*"' "$work/inbox" | cut -d '"' -f 4 >"$work/deliveries" || true
  while read -r delivery; do
    for part in payload cover; do
      ask --fail -o "$work/$part" "$(setting rest)/v1/inbox/$delivery/$part"
    done
    has=sha-256:$(openssl dgst -sha256 -r "$work/payload" | cut -d ' ' -f 1)
    [ "$has" = "$(value "$work/cover" "$(named Payload)/@digest")" ] ||
      { echo "the payload of $delivery is not the one its Cover was signed for" >&2; exit 1; }
    mv "$work/payload" "$1/$delivery.payload.xml"
    mv "$work/cover" "$1/$delivery.cover.xml"
    cover=$1/$delivery.cover.xml
    echo "delivery $delivery $(value "$cover" "$(named Exchange)") $(value "$cover" \
      "concat($(named Mou), '@', $(named Mou)/@version)")"
  done <"$work/deliveries"
}

act=${1:-}
[ $# -ge 2 ] || act=
[ $# -eq 0 ] || shift
case $act in
  submit | status | poll | acknowledge) "$act" "$@" ;;
  *) sed -n '4s/^# *//p' "$0" >&2; exit 2 ;;
esac
