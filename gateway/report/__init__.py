"""Reports: what the gateway knows, laid out for people."""
