"""What Dagster loads: the project with the sweep files as they are now."""

from assets.catalogue import read_catalogue
from orchestration.project import definitions

defs = definitions(read_catalogue())
