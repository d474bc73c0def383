"""Latent ODEs: an encoder reads observations backwards in time into a latent state, which has an ODE of its own.

Read in this order: model (encoder, dynamics, decoder), train (the evidence lower bound), apply (samples).
What is observed of the data is set by `model.observation`, see `general/observation.py`.

Source: Rubanova, Chen & Duvenaud 2019, Latent ODEs for Irregularly-Sampled Time Series; Chen et al. 2018.
"""
