"""Flows of a branch as linear functions of products of voltages, for the polar equations and for their relaxations.

Source: Coffrin, Bent, Sundar, Ng and Lubin 2018 (PSCC), model ACPPowerModel: branches as pi circuits with a transformer
of ratio `tap` and angle `shift` at the from end, line charging at both ends.
"""

from dataclasses import dataclass

import numpy as np

from counterpoint.opt.problems.hydrothermal_parts import FloatArray, Network


@dataclass(frozen=True, slots=True, eq=False)
class Flows:
    """``flow = own * v_own^2 + cosine * v_from v_to cos(d) + sine * v_from v_to sin(d)``, d = angle from - angle to.

    Parameters
    ----------
    own, cosine, sine : float64 array [4, E]
        Rows: active and reactive at the from end, active and reactive at the to end.
    """

    own: FloatArray
    cosine: FloatArray
    sine: FloatArray


def flows_of(network: Network) -> Flows:
    """Return the coefficients of all branches."""
    r, x, tap = network.resistance, network.reactance, network.tap
    g, b = r / (r**2 + x**2), -x / (r**2 + x**2)
    real, imaginary = np.cos(network.shift) / tap, np.sin(network.shift) / tap
    a_from, b_from = -g * real + b * imaginary, -b * real - g * imaginary
    a_to, b_to = -g * real - b * imaginary, -b * real + g * imaginary
    own = np.array([
        (g + network.from_conductance) / tap**2, -(b + network.from_susceptance) / tap**2,
        g + network.to_conductance, -(b + network.to_susceptance),
    ])  # fmt: skip
    # seen from the to end the angle has the other sign, and so have the sines
    return Flows(own, np.array([a_from, -b_from, a_to, -b_to]), np.array([b_from, a_from, -b_to, -a_to]))


def most_apparent(network: Network, flows: Flows) -> FloatArray:
    """Return what the apparent power at the from and the to end cannot exceed whatever the angles, float64 [2, E]."""
    v_from, v_to = network.max_voltage[network.from_bus], network.max_voltage[network.to_bus]
    own = np.hypot(flows.own[[0, 2]], flows.own[[1, 3]]) * np.array([v_from, v_to]) ** 2
    # at a fixed angle the mutual term has the modulus of the admittance, which the cosine coefficients hold
    mutual = np.hypot(flows.cosine[[0, 2]], flows.cosine[[1, 3]])
    return own + mutual * v_from * v_to
