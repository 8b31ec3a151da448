"""Which versions of the networks run: those that a recipe names, or their versions for fewer frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hrtem_app.networks.catalog import NetworkCard, NetworkError


@dataclass(frozen=True)
class Versions:
    """The networks that run for a recipe.

    Parameters
    ----------
    cards
        Their cards, in the order of the recipe, each once.
    sentences
        What differs from the recipe, and why; at most one sentence.
    """

    cards: tuple[NetworkCard, ...]
    sentences: tuple[str, ...] = ()


def fitting_versions(names: Iterable[str], known: Mapping[str, NetworkCard], frames: int) -> Versions:
    """Choose for each named network the version that a number of frames is enough for.

    A network that fits is taken as it is. For one that wants more frames its version for fewer is taken, where there is
    one, and else it is left out. If nothing is left, the cards are those that were named: who chooses the frames then
    says what is missing.

    Parameters
    ----------
    names
        Of the networks in the recipe.
    known
        The catalog's cards by name.
    frames
        How many frames there are.

    Raises
    ------
    NetworkError
        For a name that is not in the catalog.
    """
    named = {name: _known_card(name, known) for name in names}
    found = {name: _version_of(card, known, frames) for name, card in named.items()}
    cards = {card.name: card for card in found.values() if card is not None}
    if not cards:
        return Versions(tuple(named.values()))
    changes = [
        *(f"{card.name} ran in place of {name}" for name, card in found.items() if card and card.name != name),
        *(f"{name}, which wants {named[name].frames} frames, was left out" for name, card in found.items() if not card),
    ]
    there = "there is only 1 frame" if frames == 1 else f"there are only {frames} frames"
    return Versions(tuple(cards.values()), (f"as {there}, {', '.join(changes)}",) if changes else ())


def _known_card(name: str, known: Mapping[str, NetworkCard]) -> NetworkCard:
    if name not in known:
        choices = ", ".join(known) or "none, no weights are installed"
        raise NetworkError(f"there is no network '{name}': choose from {choices}")
    return known[name]


def _version_of(card: NetworkCard, known: Mapping[str, NetworkCard], frames: int) -> NetworkCard | None:
    """The network itself if it fits, else its version that uses most of the frames; None where there is none."""
    if card.frames <= frames:
        return card
    # `unet_pp_single` begins like `unet` too, but is another architecture.
    versions = [
        other
        for other in known.values()
        if other.name.startswith(f"{card.name}_")
        and (other.architecture, other.material) == (card.architecture, card.material)
        and other.frames <= frames
    ]
    return max(versions, key=lambda other: (other.frames, other.name == f"{card.name}_single"), default=None)
