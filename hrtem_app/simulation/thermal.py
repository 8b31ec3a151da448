"""Thermal motion: the mean square displacement of atoms (thesis equation 2.1.25)."""

from __future__ import annotations

import numpy as np
from ase.data import atomic_masses, atomic_numbers
from scipy.constants import atomic_mass, hbar, k

DEBYE_TEMPERATURE = 580.0


def known_species(symbol: str) -> float:
    """Mass of an atom in u; ValueError names a symbol that stands for none."""
    if symbol not in atomic_numbers or symbol == "X":
        raise ValueError(f"'{symbol}' is no chemical symbol: give one like C, S or Mo")
    return float(atomic_masses[atomic_numbers[symbol]])


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

    Raises
    ------
    ValueError
        For an unknown species, a negative temperature, or a Debye temperature that is not positive.
    """
    mass = known_species(symbol) * atomic_mass
    if temperature < 0 or debye_temperature <= 0:
        raise ValueError(
            f"a temperature of {temperature} K and a Debye temperature of {debye_temperature} K must not be negative"
        )
    square = 3 * hbar**2 / (2 * mass * k * debye_temperature) * (0.25 + temperature / debye_temperature)
    return float(np.sqrt(square) * 1e10)
