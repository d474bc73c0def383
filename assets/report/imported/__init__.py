"""Runs of other programmes, imported from their trackers: shown beside ours, never trained, never ranked."""
