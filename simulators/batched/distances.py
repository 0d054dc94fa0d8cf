"""Distances between places as tensors: what `opt.problems.places.distance` says of arrays, in float64."""

import math

import torch
from torch import Tensor

from counterpoint.opt.problems.places import EARTH_KM, PI


def distance(metric: str, a: Tensor, b: Tensor) -> Tensor:
    """Return distances between points, float64 [...], whole where the metric's are.

    Parameters
    ----------
    metric : str
        One of `opt.problems.places.METRICS` but ``explicit``.
    a, b : float64 tensor [..., 2]
    """
    if metric == "geo":
        return _geographical(a, b)
    x, y = (a - b).unbind(-1)
    if metric == "man-2d":
        return _nearest(x.abs() + y.abs())
    if metric == "max-2d":
        return torch.maximum(_nearest(x.abs()), _nearest(y.abs()))
    square = x * x + y * y
    if metric == "att":
        return (square / 10.0).sqrt().ceil()  # the nearest whole number, and one more if that is less
    straight = square.sqrt()
    if metric == "ceil-2d":
        return straight.ceil()
    return straight if metric == "euclidean" else _nearest(straight)  # or euc-2d


def in_the_plane(metric: str, points: Tensor) -> Tensor:
    """Return where places lie in units of length, float64 [B, N, 2]; a flat map of each globe."""
    if metric == "att":
        return points / math.sqrt(10.0)
    if metric != "geo":
        return points
    latitude, longitude = _radians(points).unbind(-1)
    flat = longitude * latitude.mean(1, keepdim=True).cos()
    return EARTH_KM * torch.stack((flat, latitude), dim=2)


def _nearest(x: Tensor) -> Tensor:
    return (x + 0.5).floor()


def _geographical(a: Tensor, b: Tensor) -> Tensor:
    (lat_a, lon_a), (lat_b, lon_b) = _radians(a).unbind(-1), _radians(b).unbind(-1)
    q1, q2, q3 = (lon_a - lon_b).cos(), (lat_a - lat_b).cos(), (lat_a + lat_b).cos()
    angle = (0.5 * ((1.0 + q1) * q2 - (1.0 - q1) * q3)).clamp(-1.0, 1.0).acos()
    return (EARTH_KM * angle + 1.0).floor()


def _radians(points: Tensor) -> Tensor:
    degrees = points.trunc()
    return PI * (degrees + 5.0 * (points - degrees) / 3.0) / 180.0
