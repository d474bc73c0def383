"""Numerics that several studies share: training loops, schedules, splits, statistics, calibration, figures."""
