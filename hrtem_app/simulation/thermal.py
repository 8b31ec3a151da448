"""Thermal motion: the mean square displacement of atoms (thesis equation 2.1.25)."""

from __future__ import annotations

import numpy as np
from ase.data import atomic_masses, atomic_numbers
from scipy.constants import atomic_mass, hbar, k

DEBYE_TEMPERATURE = 580.0


def displacement(symbol: str, temperature: float, debye_temperature: float = DEBYE_TEMPERATURE) -> float:
    """Root mean square displacement along one axis, √⟨x²⟩ with ⟨x²⟩ = 3ħ²/(2 m k_B θ)·(1/4 + T/θ).

    Parameters
    ----------
    symbol
        Chemical symbol.
    temperature
        In K.
    debye_temperature
        θ in K.

    Returns
    -------
    Å per axis, which is what abTEM's `sigmas` are.
    """
    if temperature < 0 or debye_temperature <= 0:
        raise ValueError(
            f"a temperature of {temperature} K and a Debye temperature of {debye_temperature} K must not be negative"
        )
    mass = float(atomic_masses[atomic_numbers[symbol]]) * atomic_mass
    square = 3 * hbar**2 / (2 * mass * k * debye_temperature) * (0.25 + temperature / debye_temperature)
    return float(np.sqrt(square) * 1e10)
