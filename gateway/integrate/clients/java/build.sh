#!/bin/sh
# Makes client.jar: classes of gateway.wsdl by wsimport, and the client over them. JARS is where the libraries are.
set -eu
cd "$(dirname "$0")"
jars=${JARS:-/usr/share/java}
path=
for each in jaxws-rt wss4j xmlsec commons-logging slf4j-api slf4j-nop; do
  path="$path $jars/$each.jar"
done

rm -rf build
mkdir -p build/source build/classes
# -extension: to JAX-WS the port for SOAP 1.2 is one.
wsimport -extension -quiet -Xnocompile -keep -s build/source -p gateway.soap -b bindings.xml gateway.wsdl
javac -nowarn -cp "$(echo $path | tr ' ' ':')" -d build/classes build/source/gateway/soap/*.java *.java
{
  echo "Main-Class: GatewayClient"
  echo "Class-Path: $(echo $path | sed 's/ /\n  /g')" # a line of a manifest has 72 bytes at most: one path a line
} >build/manifest
jar cfm client.jar build/manifest -C build/classes .
rm -rf build
