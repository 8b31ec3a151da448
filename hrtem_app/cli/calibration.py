"""`calibrate` and `align`: the sampling from a lattice, and the drift between frames."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hrtem_app.cli.progress import ProgressLine
from hrtem_app.cli.values import real

if TYPE_CHECKING:
    from hrtem_app.imaging.alignment import Drift
    from hrtem_app.imaging.calibration import Calibration
    from hrtem_app.imaging.scale_check import ScaleCheck

NOT_ACCEPTED = 1

Files = Annotated[list[Path], typer.Argument(metavar="FILE", help="The series: one stack, or its frames in order.")]


def calibrate(
    files: Files,
    lattice: Annotated[
        str, typer.Option(metavar="graphene|mos2|A", help="The lattice in the image, or its constant in Å.")
    ] = "graphene",
    sampling: Annotated[
        float | None, typer.Option(parser=real, metavar="A", help="Rough Å per pixel, in place of the file's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All of it as JSON, for scripts.")] = False,
) -> int:
    """Measure the sampling by a lattice; exit code 1 where the result is not good enough."""
    with ProgressLine() as progress:
        progress.wait("reading")
        from hrtem_app.imaging.calibration import calibrate as run
        from hrtem_app.imaging.scale_check import compare_sampling, describe_ambiguity
        from hrtem_app.io import load_series

        series = load_series(files, sampling=sampling)
        progress.wait("calibration")
        found = run(series.frames, series.sampling, lattice)
        check, ambiguity = compare_sampling(series.sampling, found), describe_ambiguity(found)
    if as_json:
        typer.echo(json.dumps(_record(found, check, ambiguity), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        typer.echo("\n".join(_lines(found, check, ambiguity)))
    return 0 if found.accepted else NOT_ACCEPTED


def align(
    files: Files,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.tif", help="Write the aligned frames, cut to what all of them show.")
    ] = None,
    sampling: Annotated[
        float | None, typer.Option(parser=real, metavar="A", help="Å per pixel, in place of the file's.")
    ] = None,
    largest: Annotated[
        float, typer.Option(parser=real, metavar="A", help="Drift in Å within which a frame is sought.")
    ] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="All of it as JSON, for scripts.")] = False,
) -> None:
    """Measure the drift between the frames of a series, against its first frame."""
    if out is not None:
        _check_target(out, files)
    with ProgressLine() as progress:
        progress.wait("reading")
        from hrtem_app.imaging.alignment import measure_drift
        from hrtem_app.imaging.shifting import common_area, shift_back
        from hrtem_app.io import load_series, save_series

        series = load_series(files, sampling=sampling)
        progress.wait("alignment")
        drift = measure_drift(series.frames, series.known_sampling, largest=largest)
        area = common_area(series.shape, drift.shifts)
        if out is not None:
            out.parent.mkdir(parents=True, exist_ok=True)
            save_series(series.with_frames(area.crop(shift_back(series.frames, drift.shifts))), out)
    if drift.warning:
        typer.echo(f"warning: {drift.warning}", err=True)
    if as_json:
        typer.echo(json.dumps(_drift_record(drift) | {"area_px": asdict(area)}, indent=2))
    else:
        typer.echo("\n".join(_drift_lines(drift, series.known_sampling)))
    if out is not None:
        typer.echo(str(out), err=as_json)


def _check_target(out: Path, files: list[Path]) -> None:
    if out.suffix.lower() not in {".tif", ".tiff"}:
        raise ValueError(f"--out {out}: the aligned frames are written as TIFF, so give a name that ends in .tif")
    if out.resolve() in {file.resolve() for file in files}:
        raise ValueError(f"--out {out} is one of the files that are read: give another name")


def _lines(found: Calibration, check: ScaleCheck, ambiguity: str) -> Iterator[str]:
    from hrtem_app.imaging.scale_check import with_error

    if found.accepted:
        measured, share = with_error(found.sampling, found.error), found.error / found.sampling
        yield f"sampling     {measured} Å/px ({share:.2%}), by {found.ruler.title}"
        direction = math.degrees(found.direction)
        yield (
            f"anisotropy   {found.anisotropy:.2%} ± {found.anisotropy_error:.2%}, "
            f"coarsest {direction:.0f}° from x towards y"
        )
        yield f"strength     {found.strength:.1f} times the ring's median"
        yield "spots        ky, kx in 1/Å, residual in 1/Å, power over the background"
        for (ky, kx), residual, signal in zip(found.spots, found.residuals, found.signals, strict=True):
            yield f"             {ky:8.4f} {kx:8.4f}   {math.hypot(*residual):.5f}   {signal:.0f}"
    yield check.text
    yield ambiguity


def _record(found: Calibration, check: ScaleCheck, ambiguity: str) -> dict[str, Any]:
    """Plain values; lengths in Å, frequencies in 1/Å, angles in rad; what is unknown is None."""
    return {
        "accepted": found.accepted,
        "reason": found.reason,
        "lattice": asdict(found.ruler),
        "stated_A": found.rough,
        "searched_A": list(found.searched),
        "sampling_A": _known(found.sampling),
        "error_A": _known(found.error),
        "angle_rad": _known(found.angle),
        "spots": found.spots.tolist(),
        "residuals": found.residuals.tolist(),
        "signals": found.signals.tolist(),
        "strength": found.strength,
        "anisotropy": _known(found.anisotropy),
        "anisotropy_error": _known(found.anisotropy_error),
        "direction_rad": _known(found.direction),
        "other_sampling_A": found.other,
        "difference": check.difference,
        "trust": check.trust,
        "text": check.text,
        "ambiguity": ambiguity,
    }


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _drift_lines(drift: Drift, sampling: float) -> Iterator[str]:
    yield "frame   dy px     dx px     length Å   quality"
    for number, ((dy, dx), quality) in enumerate(zip(drift.shifts, drift.quality, strict=True)):
        yield f"{number:5d} {dy:9.3f} {dx:9.3f} {math.hypot(dy, dx) * sampling:10.3f} {quality:9.2f}"


def _drift_record(drift: Drift) -> dict[str, Any]:
    return {
        "reference": drift.reference,
        "shifts_px": drift.shifts.tolist(),
        "quality": drift.quality.tolist(),
        "disagreement_px": drift.disagreement.tolist(),
        "warning": drift.warning,
    }
