"""Dynamics of any state, `dy/dt = f(y, u)`: systems from equations or from data of one's own, and models of them.

Read in this order: expressions and equations (a system in a few lines), systems/ (those that ship), simulate, settings,
segment, field (the network) and polynomial (baselines), train, apply, evaluate.
"""
