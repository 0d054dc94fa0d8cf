"""Colours for any number of jobs, told apart by hue and by lightness, so that colour blindness loses little."""

import numpy as np
import numpy.typing as npt

from counterpoint.opt.plots.canvas import PALETTE

SHADES = (0.35, 0.68, 0.05)  # share of white


def job_colours(num_jobs: int) -> npt.NDArray[np.float64]:
    """Return RGB colours in [0, 1], float64 [num_jobs, 3].

    The eight colours of Okabe and Ito 2008 in three shades: 24 different ones, then again from the start (no
    one tells more apart; labels and outlines say the rest).
    """
    from matplotlib.colors import to_rgb

    base = np.array([to_rgb(c) for c in PALETTE])
    shades = np.concatenate([lighten(base, share) for share in SHADES])
    return shades[np.arange(num_jobs) % len(shades)]


def lighten(rgb: npt.NDArray[np.float64], share: float) -> npt.NDArray[np.float64]:
    """Mix colours with white."""
    mixed: npt.NDArray[np.float64] = rgb + (1.0 - rgb) * share
    return mixed


def ink_on(rgb: npt.NDArray[np.float64]) -> str:
    """Return black or white, whichever reads better on a colour (relative luminance, WCAG 2.1)."""
    linear = np.where(rgb <= 0.03928, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return "black" if float(linear @ (0.2126, 0.7152, 0.0722)) > 0.18 else "white"
