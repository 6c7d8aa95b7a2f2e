"""A log nobody can quietly change: entries, tree, proofs, checkpoints."""
