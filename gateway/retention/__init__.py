"""How long the gateway keeps what it keeps, what stops its destruction, and what is said of it afterwards. Pure."""
