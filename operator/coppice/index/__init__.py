"""The index: the operator's own picture of the cluster, fed by watches, LISTs and the answers to its own writes."""

from coppice.index.index import Index
from coppice.index.key import Key, key_of

__all__ = ["Index", "Key", "key_of"]
