"""Comparisons of stored models: finding them, settings that differ, paired tests, the page."""
