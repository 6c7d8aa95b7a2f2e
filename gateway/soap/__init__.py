"""The SOAP envelope, for both directions: 1.1 and 1.2, WS-Addressing, faults, the service's WSDL."""
