#!/bin/sh
# Starts the client on Mono. XDG_CONFIG_HOME is where Mono looks for the authorities its user trusts: see build.sh.
here=$(cd "$(dirname "$0")" && pwd)
XDG_CONFIG_HOME=$here/mono exec mono "$here/client.exe" "$@"
