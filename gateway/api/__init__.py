"""How other systems reach the gateway: REST, SOAP, and the sockets under them. No rules live here."""
