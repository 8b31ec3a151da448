"""The record that lies beside the tables: what was analysed, with what, and what to doubt."""

from __future__ import annotations

import platform
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import hrtem_app
from hrtem_app.analysis import Analysis
from hrtem_app.correction import Corrections
from hrtem_app.export import by_hand

SIDECAR = "analysis.json"
_LIBRARIES = ("numpy", "scipy", "torch", "pydantic", "rosettasciio", "tifffile", "matplotlib")


def sidecar(analysis: Analysis, files: list[str], corrections: Corrections | None = None) -> dict[str, Any]:
    """The record of an analysis as plain values for JSON.

    Parameters
    ----------
    analysis
        What `hrtem_app.analyse` gave.
    files
        Names of the result files that lie beside the record.
    corrections
        The history of the table; None: unknown, or nobody corrected it.

    Returns
    -------
    Lengths in Å, energies in eV, times in seconds; what is unknown is None.
    """
    series = analysis.series
    return {
        "files": files,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "series": {
            "name": series.name,
            "sources": [{"path": str(source.path), "sha256": source.sha256} for source in series.sources],
            "frames": len(series),
            "size_px": {"x": series.shape[1], "y": series.shape[0]},
            "sampling_A": series.sampling,
            "energy_eV": series.energy,
            "defocus_A": series.defocus,
        },
        "frames_used": list(analysis.frames),
        "defocus_used_A": analysis.filtered.defocus,
        "alignment": _alignment(analysis),
        "lattice_angles_rad": list(analysis.angles),
        "recipe": analysis.recipe.model_dump(mode="json"),
        "counts": {
            "sites": analysis.table.counts(),
            **{name: result.columns.counts() for name, result in analysis.networks.items()},
        },
        "corrections": None if corrections is None else by_hand.record(corrections),
        "disputed": sum(bool(text) for text in analysis.table.disputed),
        "warnings": list(analysis.warnings),
        "networks": {
            name: {"map_sampling_A": result.sampling, "card": result.card.model_dump(mode="json")}
            for name, result in analysis.networks.items()
        },
        "device": analysis.device,
        "seconds": {step: round(seconds, 3) for step, seconds in analysis.seconds.items()},
        "versions": versions(),
    }


def _alignment(analysis: Analysis) -> dict[str, Any] | None:
    """What was shifted: (dy, dx) of each used frame, as `alignment.shifts` of a recipe takes them to repeat it."""
    if analysis.area is None:
        return None
    return {"shifts_px": [list(shift) for shift in analysis.shifts], "area_px": asdict(analysis.area)}


def versions() -> dict[str, str]:
    """The versions of this program, of Python and of the libraries that a result depends on."""
    return {"hrtem_app": hrtem_app.__version__, "python": platform.python_version()} | {
        name: _version(name) for name in _LIBRARIES
    }


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "unknown"
