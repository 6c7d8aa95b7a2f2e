#!/bin/sh
# Makes the program `client`: C++ for gateway.wsdl by wsdl2h and soapcpp2, and the client over it.
set -eu
cd "$(dirname "$0")"
share=${GSOAP:-/usr/share/gsoap}

rm -rf build
mkdir build
# One proxy for both ports; the client sets the version. wsa5.h and wsse.h add WS-Addressing and WS-Security to the header.
wsdl2h -W -c++11 -n g -t "$share/WS/typemap.dat" -o build/plain.h gateway.wsdl >build/log 2>&1 || { cat build/log >&2; exit 1; }
{ printf '#import "wsa5.h"\n#import "wsse.h"\n'; cat build/plain.h; } >build/gateway.h
soapcpp2 -C -L -x -w -j -d build -I "$share/import:$share" build/gateway.h >build/log 2>&1 || { cat build/log >&2; exit 1; }
plugins="$share/plugin/wsaapi.c $share/plugin/smdevp.c $share/plugin/mecevp.c $share/plugin/threads.c"
plugins="$plugins $share/plugin/wsseapi.cpp $share/custom/struct_timeval.c"
g++ -O1 -w -o client -I build -I "$share/plugin" $(pkg-config --cflags gsoapssl++ libxml-2.0) \
  client.cpp build/soapC.cpp build/soapGateway11Proxy.cpp -x c++ $plugins -x none \
  $(pkg-config --libs gsoapssl++ libxml-2.0) -lssl -lcrypto -lz
rm -rf build
