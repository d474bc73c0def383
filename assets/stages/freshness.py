"""Which artifacts are up to date, which a run would make, and why.

    fingerprint = digest(configuration, code version of the stage, fingerprints of the inputs)

An artifact is up to date (state `fresh`) while its manifest carries the fingerprint that its configuration and code
give now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from assets.identity.canonical import Fingerprint, Item, LayerName, digest
from assets.identity.code_version import Locate, code_version
from assets.stages.layers import LAYERS
from assets.store.manifest import Manifest, Parts
from assets.store.store import Store
from assets.sweeps.file_dataset import is_file, reading_version
from trainers import STUDIES
from trainers.study import SETTLED, Study

if TYPE_CHECKING:
    from assets.sweeps.sweep import Sweep

State = Literal["fresh", "settled", "missing", "stale", "retry", "damaged", "blocked"]
DUE: tuple[State, ...] = ("missing", "stale", "retry", "damaged")
Address = tuple[str, str, str]

ACCEPT = "accept"
"""What a study does with data from files, where it does anything."""


@dataclass(frozen=True)
class Verdict:
    """The state of one item, and why."""

    item: Item
    state: State
    reason: str
    fingerprint: Fingerprint

    @property
    def due(self) -> bool:
        """Whether a run would make it."""
        return self.state in DUE


class Planner:
    """Decide whether items are up to date. Verdicts are cached until `forget` or `refresh`.

    Cheap to make, and shared by everything within one launch: code that stores or removes artifacts calls `forget` with
    their items. Fingerprints and code versions are cached until `reread_code`. The code is that of this process, unless
    `locate` finds the sources of another one.
    """

    def __init__(self, store: Store, studies: Mapping[str, Study] = STUDIES, locate: Locate | None = None) -> None:
        self.store = store
        self.studies = studies
        self.locate = locate
        self._verdicts: dict[Address, Verdict] = {}
        self._above: dict[Address, set[Address]] = {}
        """The cached verdicts that rest on the verdict of an address."""
        self._fingerprints: dict[Address, Fingerprint] = {}
        self._names: dict[Address, frozenset[str]] = {}
        self._versions: dict[tuple[str, str, frozenset[str]], str] = {}

    def verdict(self, item: Item) -> Verdict:
        """Return whether an item is fresh, settled, due or blocked, and why."""
        verdict = self._verdicts.get(address := item.address)
        if verdict is None:
            for upstream in item.inputs:
                self._above.setdefault(upstream.address, set()).add(address)
            verdict = self._verdicts[address] = Verdict(item, *self._judge(item), self.fingerprint(item))
        return verdict

    def forget(self, items: Iterable[Item]) -> None:
        """Drop the verdicts on items that were just stored or removed, and on all that is made of them."""
        addresses = [item.address for item in items]
        while addresses:
            address = addresses.pop()
            self._verdicts.pop(address, None)
            addresses += self._above.pop(address, ())

    def refresh(self) -> None:
        """Drop every verdict, since anything in the store may have changed."""
        self._verdicts.clear()
        self._above.clear()

    def reread_code(self) -> bool:
        """Return whether the code of a stage has been edited; if so, drop all verdicts and fingerprints."""
        before, self._versions = self._versions, {}
        for (study, stage, names), version in before.items():
            if self._version(study, stage, names) != version:
                self._fingerprints.clear()
                self.refresh()
                return True
        self._versions = before
        return False

    def fingerprint(self, item: Item) -> Fingerprint:
        """Return the fingerprint that the item would have now."""
        fingerprint = self._fingerprints.get(address := item.address)
        if fingerprint is None:
            inputs = {f"{one.layer}/{one.hash}": self.fingerprint(one).value for one in item.inputs}
            code = self._code(item)
            # The address covers all that identifies; where a file of the user lies is no part of it.
            value = digest(item.study, item.layer, item.hash, code, inputs)
            fingerprint = self._fingerprints[address] = Fingerprint(value, item.hash, code, inputs)
        return fingerprint

    def with_code_of(self, item: Item, fingerprint: Fingerprint) -> Fingerprint:
        """Return a fingerprint with the code that this planner reads in place of the one that it was taken with."""
        code = self._code(item)
        if code == fingerprint.code:
            return fingerprint
        value = digest(item.study, item.layer, item.hash, code, dict(fingerprint.inputs))
        return Fingerprint(value, fingerprint.config, code, fingerprint.inputs)

    def _judge(self, item: Item) -> tuple[State, str]:
        inputs = [self.verdict(one) for one in item.inputs]
        for one in inputs:
            if one.state in ("settled", "blocked"):
                return "blocked", f"its {one.item.layer} {one.item.key} cannot be used: {one.reason}"
        inspection = self.store.look(*item.address)
        if inspection.damage:
            return "damaged", inspection.damage
        if inspection.manifest is None:
            return "missing", "nothing stored"
        for one in inputs:
            if one.due:
                return "stale", f"its {one.item.layer} {one.item.key} will be made ({one.reason})"
        return self._compare(item, inspection.manifest)

    def _compare(self, item: Item, manifest: Manifest) -> tuple[State, str]:
        status = manifest["status"]
        if status != "ok" and status not in SETTLED:
            return "retry", f"{status} last time{_detail(manifest)}"
        expected = self.fingerprint(item)
        if manifest["fingerprint"] != expected.value:
            return "stale", "; ".join(_differences(item, manifest["parts"], expected))
        return ("fresh", "unchanged") if status == "ok" else ("settled", f"{status}{_detail(manifest)}")

    def _code(self, item: Item) -> str:
        of_file = item.layer == "dataset" and is_file(item.config)
        what = (item.study, ACCEPT if of_file else LAYERS[item.layer].stage, self._names_of(item))
        if what not in self._versions:
            self._versions[what] = self._version(*what)
        return self._versions[what]

    def _version(self, study: str, stage: str, names: frozenset[str]) -> str:
        """Return the version of a stage; what reads files counts with what a study does with them."""
        one = self.studies[study]
        if stage != ACCEPT:
            return code_version(one, stage, names, self.locate)
        return digest(reading_version(), code_version(one, ACCEPT, names, self.locate) if one.accepts() else "")

    def _names_of(self, item: Item) -> frozenset[str]:
        """Return every string of the configuration of an item and of its inputs, defaults included."""
        names = self._names.get(address := item.address)
        if names is None:
            own = _strings(_in_full(self.studies[item.study], item))
            names = self._names[address] = frozenset(own).union(*map(self._names_of, item.inputs))
        return names


def plan_sweep(sweep: Sweep, store: Store) -> dict[LayerName, list[Verdict]]:
    """Return a verdict on every item of a sweep, by layer."""
    planner = Planner(store)
    return {layer: [planner.verdict(item) for item in items] for layer, items in sweep.items().items()}


def _in_full(study: Study, item: Item) -> Any:
    """Return the configuration of an item with its defaults; an evaluation has those of its inputs."""
    if item.layer == "dataset" and is_file(item.config):
        return item.config.get("meta", {})
    config = LAYERS[item.layer].config(study, item.config)
    return config.model_dump(mode="json") if config else {}


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for entry in value.values():
            yield from _strings(entry)
    elif isinstance(value, Collection):
        for entry in value:
            yield from _strings(entry)


def _differences(item: Item, before: Parts, now: Fingerprint) -> Iterator[str]:
    if before["config"] != now.config:
        yield f"the configuration of the {item.layer} changed"
    if before["code"] != now.code:
        yield f"the code of stage `{LAYERS[item.layer].stage}` changed"
    if before["inputs"] != dict(now.inputs):
        changed = sorted(name for name, value in now.inputs.items() if before["inputs"].get(name) != value)
        yield f"its inputs changed: {', '.join(changed) or 'fewer of them'}"


def _detail(manifest: Manifest) -> str:
    detail = manifest["failure"]["detail"] if manifest["failure"] else ""
    return f": {detail}" if detail else ""
