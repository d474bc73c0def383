"""What the network reads of each point of a curve, and of a prefix as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from trainers.urease.config import ModelConfig
from trainers.urease.curves.clock import NODES, RISE
from trainers.urease.curves.components import EARLIEST, SMALLEST_NOISE
from trainers.urease.curves.curves import Curves

LOG_RISE = torch.from_numpy(np.log(RISE).astype(np.float32))

FARTHEST = 10.0
"""Components are kept within this many standard deviations."""


class Inputs(NamedTuple):
    """The tensors of B curves of L points and K prefixes."""

    x: Tensor
    """(B, C, L)"""
    t: Tensor
    """(B, L) [s]"""
    member: Tensor
    """(B, K, L) whether a point belongs to a prefix."""
    known: Tensor
    """(B, Q) standardised."""
    prefix: Tensor
    """(B, K, R) what is known of each prefix: its length and number of readings, its principal components, and what the
    normal approximation says."""
    centre: Tensor
    """(B, K, P) of the normal approximation, in normal coordinates; empty without it, as is `root`."""
    root: Tensor
    """(B, K, P, P) Cholesky factor of its covariance."""


def tensors_of(curves: Curves) -> Curves:
    """Return the arrays of curves as single-precision tensors."""
    return Curves(*(torch.from_numpy(np.ascontiguousarray(part, dtype=np.float32)) for part in curves))  # type: ignore


def clock_channels(curves: Curves) -> Tensor:
    """Return rise of pH, log time, clock, clock per time, noise of a point and its presence (B, 6, L)."""
    reading, t, count = curves.reading, curves.t, curves.readings
    rise = reading - curves.initial_ph[:, None]  # type: ignore
    log_tau = log_clock(curves.clock, rise)  # type: ignore
    log_t = torch.log(t.clamp(min=EARLIEST))  # type: ignore
    present = (count > 0).float()  # type: ignore
    noise = torch.rsqrt(count.clamp(min=1))  # type: ignore
    channels = (rise - 1.2, log_t / 3 - 1, log_tau / 3, (log_tau - log_t) / 2 + 1.5, noise, present)
    return torch.stack([channel * present for channel in channels], dim=1)


def log_clock(table: Tensor, rise: Tensor) -> Tensor:
    """Return log tau at rises of pH (B, L) from tables (B, NODES), linear in the logarithm of the rise."""
    place = (torch.log(rise.clamp(min=float(RISE[0]), max=float(RISE[-1]))) - LOG_RISE[0]) / (LOG_RISE[1] - LOG_RISE[0])
    left = place.floor().clamp(0, NODES - 2)
    low, high = (torch.gather(table, 1, left.long() + k) for k in (0, 1))
    return low + (high - low) * (place - left)


def curve_views(curves: Curves, noise: float) -> Tensor:
    """Return rise of pH in units of the noise of a point, and log(tau/t), (2, B, L)."""
    rise = curves.reading - curves.initial_ph[:, None]
    log_t = torch.log(curves.t.clamp(min=EARLIEST))  # type: ignore
    scaled = rise * torch.sqrt(curves.readings) / max(noise, SMALLEST_NOISE)  # type: ignore
    return torch.stack([scaled, log_clock(curves.clock, rise) - log_t])  # type: ignore


def components_of(curves: Curves, noise: float, fitted: Mapping[str, np.ndarray]) -> Tensor:
    """Return the principal components of every prefix (B, K, 2 components)."""
    mean, basis = (torch.from_numpy(fitted[name]) for name in ("component_mean", "component_basis"))
    views = curve_views(curves, noise)
    centred = torch.einsum("vbl,vklm->bkvm", views, basis) - torch.einsum("vkl,vklm->kvm", mean, basis)
    return centred.clamp(-FARTHEST, FARTHEST).flatten(2)


def source_channels(curves: Curves, mean: float, std: float) -> Tensor:
    """Return standardised pH, time standardised within the curve, and its differences (B, 3, L)."""
    reading, t = curves.reading, curves.t
    scaled = (t - t.mean(dim=1, keepdim=True)) / t.std(dim=1, keepdim=True, correction=0)  # type: ignore
    difference = torch.diff(scaled, dim=1, prepend=scaled[:, :1])
    return torch.stack([(reading - mean) / std, scaled, difference], dim=1)  # type: ignore


def inputs_of(curves: Curves, config: ModelConfig, noise: float, fitted: Mapping[str, np.ndarray]) -> Inputs:
    """Return what the network reads of curves, given as tensors."""
    last = torch.tensor(config.durations, dtype=torch.float32)
    member = (curves.t[:, None] <= last[:, None] * (1 + 1e-6)) & (curves.readings[:, None] > 0)  # type: ignore
    spread = np.where(fitted["known_std"] > 1e-9 * np.abs(fitted["known_mean"]), fitted["known_std"], np.inf)
    mean, scale = (torch.from_numpy(np.float32(part)) for part in (fitted["known_mean"], spread))
    known = (curves.known - mean) / scale
    if config.channels == "source":
        x = source_channels(curves, float(fitted["reading_mean"]), float(fitted["reading_std"]))
        prefix = torch.zeros(len(x), len(last), 0)
    else:
        x = clock_channels(curves)
        points = (curves.readings[:, None] * member).sum(dim=2)  # type: ignore
        longest = torch.log(last.expand(len(x), -1)) / 2 - 2
        prefix = torch.stack([longest, torch.log(points.clamp(min=1)) / 2 - 2], dim=2)
    if config.components:
        prefix = torch.cat([prefix, components_of(curves, noise, fitted)], dim=2)
    centre, root = curves.laplace, curves.laplace
    if config.base == "laplace":
        centre, root, features = laplace_parts(curves.laplace, len(fitted["truth_mean"]))  # type: ignore
        prefix = torch.cat([prefix, features], dim=2)
    return Inputs(x, curves.t, member, known, prefix, centre, root)  # type: ignore


def laplace_parts(laplace: Tensor, unknowns: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return centre (B, K, P), Cholesky factor (B, K, P, P) and features (B, K, F) of normal approximations.

    The features: centre, logarithms of the factor's diagonal, its other entries in units of their row's diagonal, the
    nuisances, the misfit.
    """
    centre, flat, rest = laplace.split([unknowns, unknowns**2, laplace.shape[2] - unknowns - unknowns**2], dim=2)
    root = flat.unflatten(2, (unknowns, unknowns))
    diagonal = root.diagonal(dim1=2, dim2=3)
    row, column = torch.tril_indices(unknowns, unknowns, -1)
    others = root[:, :, row, column] / diagonal[:, :, row]
    return centre, root, torch.cat([centre, torch.log(diagonal), others.clamp(-FARTHEST, FARTHEST), rest], dim=2)


def laplace_features(unknowns: int, nuisances: int) -> int:
    """Return how many features `laplace_parts` makes."""
    return 2 * unknowns + unknowns * (unknowns - 1) // 2 + nuisances + 1
