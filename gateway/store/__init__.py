"""The database behind one interface of promises: SQLite or PostgreSQL."""
