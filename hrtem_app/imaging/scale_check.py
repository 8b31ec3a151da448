"""The sampling that a file states against the one that a lattice says, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from hrtem_app.imaging.calibration import Calibration
from hrtem_app.imaging.rulers import Ruler, nearest_mistake, other_rulers

Trust = Literal["either", "lattice", "file", "nothing"]

# A scale that is off by less makes no difference to the filter or the networks.
_SAME = 0.01
# What a mistaken lattice does to the scale is known to within the spread of lattice constants.
_LIKE = 0.02


@dataclass(frozen=True)
class ScaleCheck:
    """A stated sampling compared with a lattice's.

    Parameters
    ----------
    stated, measured
        Å per pixel; None where nobody states one, or the lattice gives none that is good enough.
    difference
        Stated over measured, less one; None where one is missing.
    trust
        Which to use: `either` where they agree, the `lattice`, the `file`, or `nothing` before a person has looked.
    text
        The comparison and the advice, for the user.
    """

    stated: float | None
    measured: float | None
    difference: float | None
    trust: Trust
    text: str

    @property
    def agrees(self) -> bool:
        """Whether both are known and alike."""
        return self.trust == "either"


def compare_sampling(stated: float | None, calibration: Calibration) -> ScaleCheck:
    """Compare what a file states with what a lattice says, and advise.

    Parameters
    ----------
    stated
        Å per pixel of the file; None where it states none.
    calibration
        Of `calibrate`, from whatever rough sampling.
    """
    name = calibration.ruler.title
    if not calibration.accepted:
        return _unchecked(stated, calibration)
    measured = calibration.sampling
    said = f"{with_error(measured, calibration.error)} Å/px"
    if stated is None:
        return ScaleCheck(None, measured, None, "lattice", f"The file states no sampling; {name} says {said}.")
    difference = stated / measured - 1
    if abs(difference) <= max(_SAME, 3 * calibration.error / measured):
        text = f"The file's {stated:.4g} Å/px and {name}'s {said} agree to {_percent(difference)}."
        return ScaleCheck(stated, measured, difference, "either", text)
    apart = f"The file says {stated:.4g} Å/px and {name} {said}, {_percent(difference)} apart."
    mistaken = _mistaken_for(difference, calibration.ruler)
    if mistaken is not None:
        text = (
            f"{apart} That is the ratio of {name}'s lattice constant and {mistaken.title}'s, so the spots may be "
            f"{mistaken.title}'s and the file right: look at the rings in the power spectrum before you choose."
        )
        return ScaleCheck(stated, measured, difference, "nothing", text)
    text = (
        f"{apart} Trust the lattice: its six spots fit a hexagon, and files are often off by some percent. "
        f"Trust the file only if the lattice is not {name}."
    )
    return ScaleCheck(stated, measured, difference, "lattice", text)


def with_error(value: float, error: float) -> str:
    """A value and its standard error, to the error's first digit."""
    digits = min(max(0, -int(np.floor(np.log10(error)))), 9) if error > 0 else 9
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def describe_ambiguity(calibration: Calibration) -> str:
    """One sentence on the nearest mistake that the search could make, and whether it reaches as far."""
    other, factor = nearest_mistake(calibration.ruler)
    effect = f"{abs(factor - 1):.0%} too {'small' if factor < 1 else 'large'}"
    said = f"If {other.title} is taken for {calibration.ruler.title} the sampling comes out {effect}"
    if calibration.rough is None:
        return f"{said}; nothing was stated, so that cannot be ruled out by the scale alone."
    search = calibration.searched[1] / calibration.rough - 1
    # The true sampling lies at one end of the search, and the mistaken one would have to lie at the other.
    safe = abs(1 - factor) / (1 + factor)
    if search <= safe + 1e-9:
        return f"{said}; a stated sampling that is right within {search:.0%} rules that out."
    return f"{said}; a search of ±{search:.0%} does not rule that out, one of ±{safe:.1%} does."


def _unchecked(stated: float | None, calibration: Calibration) -> ScaleCheck:
    reason = calibration.reason
    if stated is None:
        text = f"The file states no sampling and no lattice gives one: {reason}."
        return ScaleCheck(None, None, None, "nothing", text)
    text = f"Nothing in the image confirms the file's {stated:.4g} Å/px: {reason}."
    return ScaleCheck(stated, None, None, "file" if calibration.other is None else "nothing", text)


def _mistaken_for(difference: float, ruler: Ruler) -> Ruler | None:
    """The lattice whose first ring, taken for the ruler's, would explain the difference."""
    for other in other_rulers(ruler):
        if abs(np.log((1 + difference) * ruler.constant / other.constant)) < _LIKE:
            return other
    return None


def _percent(difference: float) -> str:
    digits = 0 if abs(difference) >= 0.1 else 1 if abs(difference) >= 0.01 else 2
    return f"{abs(difference):.{digits}%}"
