"""Attacks on signatures: a table of named vectors, made anew in each run from properly signed documents and envelopes.

Each vector is signed for real, with keys made at the start of the run, so that it is refused for what is wrong with it
and for nothing else: many of them are accepted by the libraries alone: `docs/security/signature-vectors.md`.
"""
