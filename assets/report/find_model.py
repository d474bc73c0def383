"""A stored model by what people write: its key, its hash, or the beginning of either, with or without its study."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assets.store.lookup import hashes_named
from assets.store.store import Missing, Store
from trainers import STUDIES
from trainers.common.names import nearest

Found = dict[tuple[str, str], str]
"""Keys of models by study and hash."""


def find_model(name: str, store: Store) -> dict[str, Any]:
    """Return the manifest of the one stored model that `[<study>/]<key, hash, or the beginning of one>` names.

    Raises:
        Missing: none or several; one line with what was given, what is near, and what to do.
    """
    study, _, key = name.rpartition("/")
    if study and study not in STUDIES:
        raise Missing(f"unknown study {study!r}; expected one of {', '.join(STUDIES)}")
    found = _named(study, key, store) if key else {}
    if len(found) > 1:
        shown = ", ".join(f"{one}/{found[one, hash]}" for one, hash in sorted(found)[:4])
        raise Missing(f"{name!r} is the beginning of {len(found)} models: {shown}; give more of it")
    if not found:
        raise Missing(_none(name, study, key, store))
    ((one, hash),) = found
    manifest = store.manifest(one, "model", hash)
    if manifest is None:
        raise Missing(f"the model {one}/{hash} is damaged: run its sweep again to make it anew")
    return manifest


def _named(study: str, key: str, store: Store) -> Found:
    """Return what a name may mean: a whole hash first, then the beginning of one, then that of a key."""
    return {
        (one, hash): (store.manifest(one, "model", hash) or {}).get("key", hash)
        for one in ([study] if study else STUDIES)
        for hash in hashes_named(store, one, "model", key)
    }


def _stored(study: str, store: Store) -> Iterator[tuple[str, str]]:
    for one in [study] if study else STUDIES:
        for hash in store.hashes(one, "model"):
            yield one, hash


def _keys(study: str, store: Store) -> Iterator[tuple[tuple[str, str], str]]:
    for place in _stored(study, store):
        if manifest := store.manifest(place[0], "model", place[1]):
            yield place, manifest["key"]


def _none(name: str, study: str, key: str, store: Store) -> str:
    known = [f"{place[0]}/{own}" for place, own in _keys(study, store)]
    near = nearest(f"{study}/{key}" if study else key, known)
    told = f"nearest: {', '.join(near)}" if near else "nothing is stored yet"
    return f"no model {name!r} is stored ({told}); run the sweep that needs it, or give <study>/<key or hash>"
