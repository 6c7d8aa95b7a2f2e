"""How a dissemination travels to an agency's endpoint: REST and SOAP push behind one small interface."""
