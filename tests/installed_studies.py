"""Where the toy study and the plain study are installed: on the PYTHONPATH of a process, it registers them there."""

from pathlib import Path

INSTALLED = Path(__file__).parent / "installed"
