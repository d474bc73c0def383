"""The choice of a sweep or a search by name."""

from assets.catalogue import Catalogue
from assets.search.search import Search
from assets.sweeps.sweep import Sweep
from trainers import STUDIES


class UnknownSweep(LookupError):  # noqa: N818
    """No sweep of that name."""

    def __str__(self) -> str:
        return str(self.args[0])


def choose_file(catalogue: Catalogue, name: str = "", study: str = "") -> Sweep | Search:
    """Return the sweep or search of that name, or the default sweep, of the first study that has one.

    Raises:
        UnknownSweep: with the names there are, or with the error of the file that could not be read.
    """
    sweeps = {n: s for n, s in catalogue.sweeps.items() if not study or s.study == study}
    if name:
        searches = {n: s for n, s in catalogue.searches.items() if not study or s.study == study}
        return _file_named(catalogue, name, {**sweeps, **searches})
    defaults = [sweep for sweep in sweeps.values() if sweep.default]
    if not defaults:
        raise UnknownSweep(f"no sweep is marked `default: true`; name one of: {', '.join(sorted(sweeps)) or 'none'}")
    order = list(STUDIES)
    return min(defaults, key=lambda sweep: order.index(sweep.study) if sweep.study in order else len(order))


def _file_named(catalogue: Catalogue, name: str, files: dict[str, Sweep | Search]) -> Sweep | Search:
    """Return the one file whose full name, or whose name within its study, is given."""
    matches = [sweep for full, sweep in files.items() if name in (full, sweep.key)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UnknownSweep(f"sweep {name!r} is in several studies; name one of: {', '.join(s.name for s in matches)}")
    for path, error in catalogue.errors.items():
        stem = path.removesuffix(".yaml")
        if name in (stem, stem.rsplit("/", 1)[-1]):
            raise UnknownSweep("\n".join(error.problems))
    raise UnknownSweep(f"no sweep {name!r} under sweeps/; there are: {', '.join(sorted(files)) or 'none'}")


def not_a_sweep(search: Search) -> str:
    """Say what to do where a sweep was expected."""
    return f"{search.name} is a search; expected a sweep: `orrery promote {search.name}` makes one of its best trial"
