"""What a message must look like: schema sets, field catalogs, facts. Reads the data in top-level `iepd/` and `xsd/`."""
