"""A stack over time as tables and as plain values for JSON."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from hrtem_app.columns import CLASSES
from hrtem_app.measure.vacancies import Fraction
from hrtem_app.timelapse.events import EVENT_KINDS, count_events
from hrtem_app.timelapse.timelapse import Timelapse

if TYPE_CHECKING:
    import pandas as pd


def counts_frame(timelapse: Timelapse) -> pd.DataFrame:
    """One row for each time point: counts by class, vacancies with intervals, densities, drift and events."""
    import pandas as pd

    events = count_events(timelapse.events, len(timelapse.observations))
    rows = []
    for number, (observation, counts) in enumerate(zip(timelapse.observations, timelapse.counts, strict=True)):
        vacancies, density = counts.vacancies, counts.density
        dy, dx = timelapse.tracks.drift[number]
        rows.append(
            {"time_point": observation.number, "time_s": observation.time, "name": observation.name}
            | counts.columns
            | {
                "S_columns": vacancies.single.total,
                "1S_fraction": vacancies.single.value,
                "1S_fraction_low": vacancies.single.low,
                "1S_fraction_high": vacancies.single.high,
                "missing_Mo": vacancies.missing_mo.count,
                "missing_2S": vacancies.missing_2s.count,
                "area_nm2": density.area,
                "columns_per_nm2": density.columns,
                "1S_per_nm2": density.single,
                "drift_x_px": dx,
                "drift_y_px": dy,
            }
            | {kind.replace(" ", "_"): int(events[kind][number]) for kind in EVENT_KINDS}
        )
    return pd.DataFrame(rows)


def tracks_frame(timelapse: Timelapse) -> pd.DataFrame:
    """One row for each column at each time point, and for each column that is lost there, whose site is then given.

    x to the right and y downwards. "At rest" is with the drift taken out, in the first time point's image.
    """
    import pandas as pd

    tracks, observations = timelapse.tracks, timelapse.observations
    happened: dict[tuple[int, int], list[str]] = {}
    for event in timelapse.events:
        happened.setdefault((event.track, event.number), []).append(event.kind)
    wanted = tracks.seen.copy()
    for where in happened:
        wanted[where] = True
    number, track = np.nonzero(wanted.T)
    row, classes = tracks.rows[track, number], tracks.classes[track, number]
    seen = row >= 0
    rest = np.where(seen[:, np.newaxis], tracks.places[track, number], tracks.sites[track])
    position = rest + tracks.drift[number]
    ids = np.array([observations[n].table.ids[r] if r >= 0 else -1 for n, r in zip(number, row, strict=True)], np.int64)
    times = [observations[n].time for n in number]
    return pd.DataFrame(
        {
            "time_point": [observations[n].number for n in number],
            "time_s": np.array([math.nan if time is None else time for time in times]),
            "track": track,
            "id": pd.arrays.IntegerArray(ids, ~seen),
            "class": np.array([*CLASSES, ""])[classes],
            "x_px": position[:, 1],
            "y_px": position[:, 0],
            "x_at_rest_px": rest[:, 1],
            "y_at_rest_px": rest[:, 0],
            "x_at_rest_A": rest[:, 1] * tracks.sampling,
            "y_at_rest_A": rest[:, 0] * tracks.sampling,
            "event": [";".join(happened.get(key, ())) for key in zip(track.tolist(), number.tolist(), strict=True)],
        }
    )


def content(timelapse: Timelapse) -> dict[str, Any]:
    """Everything but the tracks' columns as plain values for JSON; units in the names, what is unknown is None."""
    tracks = timelapse.tracks
    events = count_events(timelapse.events, len(timelapse.observations))
    whole = {
        "time_points": [_time_point(timelapse, number) for number in range(len(timelapse.observations))],
        "linking": {
            "reach_A": tracks.reach,
            "memory": tracks.memory,
            "smoothed_over": tracks.window,
            "tracks": len(tracks),
            "seen_throughout": int(tracks.seen.all(axis=1).sum()),
        },
        "events": {kind: int(numbers.sum()) for kind, numbers in events.items()},
        "rates": {name: asdict(rate) for name, rate in timelapse.rates.items()},
        "recipe": timelapse.observations[0].recipe.model_dump(mode="json"),
        "warnings": list(tracks.warnings),
    }
    cleaned: dict[str, Any] = _without_nan(whole)
    return cleaned


def content_json(timelapse: Timelapse) -> str:
    """`content` as JSON."""
    return json.dumps(content(timelapse), indent=2, ensure_ascii=False, allow_nan=False)


def summary(timelapse: Timelapse) -> str:
    """The main numbers as lines of text."""
    lines = [
        f"{number:>4}  {time:>8g}{' s' if timelapse.has_times else ''}  "
        + ", ".join(f"{n} {name}" for name, n in counts.columns.items())
        + f"; 1S {_told(counts.vacancies.single)}"
        for number, (time, counts) in enumerate(zip(timelapse.times, timelapse.counts, strict=True))
    ]
    tracks = timelapse.tracks
    events = count_events(timelapse.events, len(timelapse.observations))
    happened = ", ".join(f"{int(n.sum())} {kind}" for kind, n in events.items() if n.any())
    lines += [f"{len(tracks)} sites, {int(tracks.seen.all(axis=1).sum())} of them seen throughout"]
    lines += [f"events: {happened or 'none'}"]
    if tracks.window > 1:
        lines += [f"classes are those of most of {tracks.window} time points"]
    lines += [f"{name}: {rate.slope:.4g} ± {rate.error:.2g} per {rate.per}" for name, rate in timelapse.rates.items()]
    return "\n".join(lines)


def _time_point(timelapse: Timelapse, number: int) -> dict[str, Any]:
    observation, counts = timelapse.observations[number], timelapse.counts[number]
    dy, dx = timelapse.tracks.drift[number].tolist()
    return {
        "number": observation.number,
        "time_s": observation.time,
        "name": observation.name,
        "counts": counts.columns,
        "vacancies": {
            "1S": _fraction(counts.vacancies.single),
            "missing_Mo": _fraction(counts.vacancies.missing_mo),
            "missing_2S": _fraction(counts.vacancies.missing_2s),
        },
        "density": _densities(timelapse, number),
        "drift_px": {"x": dx, "y": dy},
        "drift_told_by": _teller(timelapse, number),
        "warnings": list(observation.warnings),
    }


def _densities(timelapse: Timelapse, number: int) -> dict[str, float]:
    density = timelapse.counts[number].density
    return {"area_nm2": density.area, "columns_per_nm2": density.columns, "1S_per_nm2": density.single}


def _teller(timelapse: Timelapse, number: int) -> str | None:
    if number == 0:
        return None
    drift = timelapse.observations[number].drift
    return "images" if drift is not None and drift.clear else "columns"


def _fraction(part: Fraction) -> dict[str, Any]:
    return {
        "count": part.count,
        "of": part.total,
        "fraction": part.value,
        "low": part.low,
        "high": part.high,
    }


def _without_nan(value: Any) -> Any:
    """JSON has no NaN: what could not be measured is null there."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _told(part: Fraction) -> str:
    if not part.total:
        return "of no sulphur columns"
    return f"{part.value:.2%} ({part.low:.2%} to {part.high:.2%})"
