#!/bin/sh
# Makes the program `client`: C++ for gateway.wsdl by wsdl2h and soapcpp2, and the client over it.
set -eu
cd "$(dirname "$0")"
share=${GSOAP:-/usr/share/gsoap}

rm -rf build
mkdir build
# One proxy for both ports; the client sets the version. wsa5.h adds WS-Addressing to the SOAP header.
wsdl2h -W -c++11 -n g -t "$share/WS/typemap.dat" -o build/plain.h gateway.wsdl >build/log 2>&1 || { cat build/log >&2; exit 1; }
{ echo '#import "wsa5.h"'; cat build/plain.h; } >build/gateway.h
soapcpp2 -C -L -x -w -j -d build -I "$share/import" build/gateway.h >build/log 2>&1 || { cat build/log >&2; exit 1; }
g++ -O1 -w -o client -I build -I "$share/plugin" client.cpp build/soapC.cpp build/soapGateway11Proxy.cpp \
  -x c++ "$share/plugin/wsaapi.c" -x none $(pkg-config --cflags --libs gsoapssl++ libxml-2.0) -lssl -lcrypto -lz
rm -rf build
