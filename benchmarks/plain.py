"""What a plain abTEM script has, for the benchmarks that stand beside one."""

from __future__ import annotations

import abtem

from hrtem_app.microscope.draw import Microscope


def contrast_transfer(microscope: Microscope, defocus: float, energy: float) -> abtem.CTF:
    """The CTF of one frame, abTEM's own: defocus in Å, energy in eV."""
    a = microscope.aberrations
    return abtem.CTF(
        energy=energy,
        defocus=defocus,
        C12=a.c12,
        phi12=a.phi12,
        C21=a.c21,
        phi21=a.phi21,
        C30=a.c30,
        focal_spread=a.focal_spread,
    )
