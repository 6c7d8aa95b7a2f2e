"""What an agency's programmer is handed: a folder with everything to connect, and a client that works."""
