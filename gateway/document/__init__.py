"""XML read safely: bytes to one tree, places in it, canonical bytes of it."""
