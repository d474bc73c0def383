"""Comparisons of stored models: who is meant, which settings differ, paired tests, the page."""
