"""Putting a deployment back from a backup."""

from gateway.restoring.place import MARK, FolderTaken, RestoreUnwritable, StillServing, finish, unfinished
from gateway.restoring.put_back import KeysUnlike, Restored, restore
from gateway.restoring.wanted import Wanted

__all__ = [
    "MARK",
    "FolderTaken",
    "KeysUnlike",
    "RestoreUnwritable",
    "Restored",
    "StillServing",
    "Wanted",
    "finish",
    "restore",
    "unfinished",
]
