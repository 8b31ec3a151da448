"""Which frames the networks see, and what a reader of the result should be told to doubt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise

from hrtem_app.inference.dose import estimate_dose
from hrtem_app.inference.network_run import working_sampling
from hrtem_app.networks.catalog import NetworkCard
from hrtem_app.recipe import Part, Recipe
from hrtem_app.series import FocalSeries, SeriesError

# The contrast changes slowly with the beam's energy: below this it is not worth a warning.
_ENERGY_TOLERANCE = 0.02
# Files round what they say of the defocus, in Å.
_ROUNDING = 0.5
# The dose is estimated to within such a factor.
_DOSE_ERROR = 5


def choose_frames(series: FocalSeries, recipe: Recipe, cards: Sequence[NetworkCard]) -> tuple[int, ...]:
    """The frames that the networks see: the recipe's, else the first ones in defocus order.

    A network that wants fewer than another one takes the first of them.

    Raises
    ------
    SeriesError
        Where there are fewer frames than a network wants, or a chosen one does not exist; names the remedy.
    """
    order = series.defocus_order() if recipe.frames is None else recipe.frames
    series.select(order)
    for card in cards:
        if len(order) < card.frames:
            raise SeriesError(_too_few(series, recipe, card))
    return order[: max(card.frames for card in cards)]


def _too_few(series: FocalSeries, recipe: Recipe, card: NetworkCard) -> str:
    wanted = f"the network '{card.name}' wants {card.frames}"
    if recipe.frames is not None and len(series) >= card.frames:
        chosen = ", ".join(str(i) for i in recipe.frames)
        return f"{_count(len(recipe.frames))} chosen ({chosen}) but {wanted}: choose {card.frames} of the {len(series)}"
    return (
        f"'{series.name}' has {_count(len(series))} but {wanted}: open all frames of the focal series together, "
        "or choose networks that want fewer"
    )


def _count(frames: int) -> str:
    return f"{frames} frame" if frames == 1 else f"{frames} frames"


def doubts(
    series: FocalSeries,
    frames: Sequence[int],
    recipe: Recipe,
    cards: Sequence[NetworkCard],
    angles: Sequence[float],
) -> list[str]:
    """Warnings of an analysis, one sentence each.

    Parameters
    ----------
    series
        The whole series with the recipe's sampling and defocus.
    frames
        Those that were used, in order.
    recipe
        What the analysis was told.
    cards
        Of the networks that ran.
    angles
        Of the lattices that the filter found or was told.
    """
    sentences = [*_about_frames(series, frames, recipe)]
    if recipe.filter.enabled and not angles:
        sentences.append("no lattice of the support was found, so nothing was filtered out")
    dose = estimate_dose(series.frames[list(frames)], series.known_sampling)
    by_text: dict[str, list[str]] = {}
    for card in cards:
        about = (
            _about_sampling(series, card),
            _about_defocus(series, frames, card),
            _about_defocus_step(series, frames, card),
            _about_energy(series, card),
            _about_dose(dose, card),
            _about_settings(recipe, card),
        )
        for text in chain(*about):
            by_text.setdefault(text, []).append(card.name)
    return sentences + [f"{', '.join(names)}: {text}" for text, names in by_text.items()]


def outside_ranges(series: FocalSeries, frames: Sequence[int], card: NetworkCard) -> list[str]:
    """In what a series was taken otherwise than what a network was trained on, one part of a sentence each.

    Parameters
    ----------
    series
        With the recipe's defocus and energy; what is not known is not outside.
    frames
        Those that would be used, in order; a network sees the first of them.
    card
        Of the network.
    """
    frames = [frame for frame in frames if 0 <= frame < len(series)]
    about = (_about_defocus(series, frames, card), _about_defocus_step(series, frames, card))
    return [*chain(*about), *_about_energy(series, card)]


def _about_frames(series: FocalSeries, frames: Sequence[int], recipe: Recipe) -> Iterator[str]:
    if recipe.frames is not None and len(recipe.frames) > len(frames):
        yield f"{_count(len(recipe.frames))} were chosen, only the first {len(frames)} are used"
    if len(set(frames)) < len(frames):
        chosen = ", ".join(str(i) for i in frames)
        yield f"the chosen frames {chosen} name one more than once; the networks expect different defoci"
    if len(frames) < 2:
        return
    if series.defocus is None:
        yield (
            f"the defocus of frames {', '.join(map(str, frames))} is unknown; "
            "the networks expect them in ascending order"
        )
        return
    used = [series.defocus[i] for i in frames]
    if any(later < earlier for earlier, later in pairwise(used)):
        yield f"the chosen frames are not in ascending order of defocus ({_list(used)} Å), as the networks expect them"


def _about_sampling(series: FocalSeries, card: NetworkCard) -> Iterator[str]:
    sampling = series.known_sampling
    target = working_sampling(sampling, card)
    if target != sampling:
        lowest, highest = card.sampling_range
        yield (
            f"the series has {sampling:.4g} Å/px, outside the trained {lowest:g} to {highest:g} Å/px, "
            f"and was resampled to {target:g} Å/px"
        )


def _about_defocus(series: FocalSeries, frames: Sequence[int], card: NetworkCard) -> Iterator[str]:
    if series.defocus is None:
        return
    lowest, highest = card.defocus_range
    outside = [series.defocus[i] for i in frames[: card.frames] if not lowest <= series.defocus[i] <= highest]
    if outside:
        yield f"a defocus of {_list(outside)} Å lies outside the trained {lowest:g} to {highest:g} Å"


def _about_defocus_step(series: FocalSeries, frames: Sequence[int], card: NetworkCard) -> Iterator[str]:
    if series.defocus is None:
        return
    lowest, highest = card.defocus_step_range
    used = [series.defocus[i] for i in frames[: card.frames]]
    steps = [later - earlier for earlier, later in pairwise(used)]
    # Frames that are repeated or not in order are told as that.
    outside = [step for step in steps if step > 0 and not lowest - _ROUNDING <= step <= highest + _ROUNDING]
    if outside:
        yield f"a step of {_list(outside)} Å between defoci lies outside the trained {lowest:g} to {highest:g} Å"


def _about_energy(series: FocalSeries, card: NetworkCard) -> Iterator[str]:
    if series.energy is None:
        return
    lowest, highest = card.energy_range or (card.energy, card.energy)
    if lowest * (1 - _ENERGY_TOLERANCE) <= series.energy <= highest * (1 + _ENERGY_TOLERANCE):
        return
    trained = f"{lowest / 1000:g}" if lowest == highest else f"{lowest / 1000:g} to {highest / 1000:g}"
    yield f"the series was taken at {series.energy / 1000:g} keV, the training was at {trained} keV"


def _about_dose(dose: float | None, card: NetworkCard) -> Iterator[str]:
    lowest, highest = card.dose_range
    # A high dose is not told: frames that were smoothed look like it, and it does no harm.
    if dose is not None and dose * _DOSE_ERROR < lowest:
        about = f"{float(f'{dose:.1g}'):g} e/Å² per frame"
        yield f"the noise is that of about {about}, below the trained {lowest:.4g} to {highest:.4g} e/Å²"


def _about_settings(recipe: Recipe, card: NetworkCard) -> Iterator[str]:
    differences = [
        *_differences("lattice filter", recipe.filter, card.filter, ignored="angles"),
        *_differences("standardisation", recipe.standardisation, card.standardisation),
    ]
    if differences:
        yield f"trained with other settings: {'; '.join(differences)}"


def _differences(name: str, told: Part, trained: Part, ignored: str = "") -> Iterator[str]:
    mine, theirs = told.model_dump(), trained.model_dump()
    for field in mine:
        if field != ignored and mine[field] != theirs[field]:
            yield f"{name} {field.replace('_', ' ')} {mine[field]} instead of {theirs[field]}"


def _list(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
