"""The justice exchange gateway: an MOU, running."""

__version__ = "0.1.0"
