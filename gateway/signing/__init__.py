"""Proof of origin: the Cover, XML signatures in one strict profile, and who may sign for whom."""
