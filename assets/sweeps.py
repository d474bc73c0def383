"""Sweeps and searches: YAML -> validated configurations -> keys and mappings. The face of the modules that do it.

Read in this order: yaml_loader (text to data), settings (paths), expand (axes), validate (types), items (hashes),
labels (keys), sweep_file (one sweep), space and search_file (one search), catalogue (all files).
"""

from assets.catalogue import Catalogue, StudyCatalogue, read_catalogue
from assets.rows import Configuration, Row, Sweep
from assets.search_file import load, load_search
from assets.searches import Search
from assets.sweep_file import load_sweep
from assets.yaml_loader import SweepError

__all__ = [
    "Catalogue",
    "Configuration",
    "Row",
    "Search",
    "StudyCatalogue",
    "Sweep",
    "SweepError",
    "load",
    "load_search",
    "load_sweep",
    "read_catalogue",
]
