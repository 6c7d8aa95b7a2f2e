#!/bin/sh
# Makes client.exe for Mono, and the folder of the authorities that Mono is to know while it runs: the gateway's alone.
set -eu
umask 077
cd "$(dirname "$0")"
mcs -out:client.exe -r:System.Security.dll -warnaserror ./*.cs
known=mono/.mono/new-certs/Trust
mkdir -p "$known"
cp authority.pem "$known/$(openssl x509 -in authority.pem -noout -hash).0"
