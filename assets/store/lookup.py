"""Stored artifacts by what people write: a key, a hash, or the beginning of either."""

from __future__ import annotations

from assets.identity.canonical import HASH_LENGTH
from assets.identity.labels import digits_of
from assets.store.store import Missing, Store

MOST_CHOICES = 4


def hashes_named(store: Store, study: str, layer: str, name: str) -> list[str]:
    """Return the hashes of the stored artifacts of one layer that a name may mean.

    The digits of a key or hash decide whatever stands before them. Without, it is the beginning of a hash, and where
    no hash begins so, that of a key.
    """
    hashes = store.hashes(study, layer)
    if digits := digits_of(name):
        return [hash for hash in hashes if hash.startswith(digits)]
    if alike := [hash for hash in hashes if name and hash.startswith(name)]:
        return alike
    return [hash for hash in hashes if name and _key(store, study, layer, hash).startswith(name)]


def hash_named(store: Store, study: str, layer: str, name: str) -> str:
    """Return the hash of the one stored artifact that a name means.

    Raises:
        Missing: none, or several; one line with what to do.
    """
    digits = digits_of(name)
    hashes = hashes_named(store, study, layer, name) if len(digits) < HASH_LENGTH else [digits]
    if len(hashes) > 1:
        choices = ", ".join(f"{_key(store, study, layer, hash)} ({hash})" for hash in hashes[:MOST_CHOICES])
        raise Missing(f"{name!r} may be one of {len(hashes)} of {study}/{layer}: {choices}; give the whole hash")
    if not hashes:
        raise Missing(f"{study}/{layer}/{name} is not in the store {store.root}: run the sweep that needs it")
    return hashes[0]


def _key(store: Store, study: str, layer: str, hash: str) -> str:
    manifest = store.manifest(study, layer, hash)
    return str(manifest["key"]) if manifest else hash
