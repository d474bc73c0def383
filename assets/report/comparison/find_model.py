"""Find a stored model by its key, its hash, or the beginning of either, with or without its study."""

from __future__ import annotations

from assets.store.lookup import hashes_named
from assets.store.manifest import Manifest
from assets.store.store import Missing, Store
from trainers import STUDIES
from trainers.common.names import nearest


def find_model(name: str, store: Store) -> Manifest:
    """Return the manifest of the one stored model that `[<study>/]<key, hash, or the beginning of one>` names.

    Raises:
        Missing: none or several; one line with the name, the nearest ones, and what to do.
    """
    study, _, key = name.rpartition("/")
    if study and study not in STUDIES:
        raise Missing(f"unknown study {study!r}; expected one of {', '.join(STUDIES)}")
    studies = [study] if study else STUDIES
    matches = [(one, hash) for one in studies for hash in (hashes_named(store, one, "model", key) if key else ())]
    if len(matches) > 1:
        first = ", ".join("/".join(address) for address in sorted(matches)[:4])
        raise Missing(f"{name!r} is the beginning of {len(matches)} models: {first}; give more of it")
    if not matches:
        stored = [(one, store.manifest(one, "model", hash)) for one in studies for hash in store.hashes(one, "model")]
        keys = [f"{one}/{manifest['key']}" for one, manifest in stored if manifest]
        near = nearest(f"{study}/{key}" if study else key, keys)
        hint = f"nearest: {', '.join(near)}" if near else "nothing is stored yet"
        raise Missing(
            f"no model {name!r} is stored ({hint}); run the sweep that needs it, or give <study>/<key or hash>"
        )
    ((owner, hash),) = matches
    manifest = store.manifest(owner, "model", hash)
    if manifest is None:
        raise Missing(f"the model {owner}/{hash} is damaged: run its sweep again to make it anew")
    return manifest
