"""The gateway's own keys: files, the small authority that certifies agencies, and the keys of stored payloads."""
