"""Getting a dissemination to its recipient: states, waits, the decision after each try."""
