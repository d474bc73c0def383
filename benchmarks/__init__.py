"""Benchmarks: every figure is a ratio of two things measured in the same run, or stands beside one.

`python -m benchmarks [NAME ...]` (or `make bench`) runs them and writes `results/benchmarks/` as Markdown and JSON.
"""
