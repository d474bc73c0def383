"""Commands that run something: run, stop, attach, replay."""
