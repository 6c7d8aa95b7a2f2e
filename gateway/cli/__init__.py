"""Commands: each calls what the HTTP edge calls."""
