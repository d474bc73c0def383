"""Numerics shared by studies: schedules, fit loops, splits, statistics."""
