"""What each agency may see: agreements read, rules compiled, messages cut.

Pure; the data is in top-level `policies/`.
"""
