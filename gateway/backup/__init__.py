"""Backups: the archive they lie in, and the rules by which one is taken back."""
