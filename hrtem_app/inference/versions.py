"""Which versions of the networks run: those that a recipe names, or their versions for fewer frames or wider ranges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from hrtem_app.networks.catalog import NetworkCard, NetworkError

# The version of a network that was trained on wider ranges is called as it is, with this behind.
WIDE = "_wide"
Outside = Callable[[NetworkCard], Sequence[str]]


def _nothing(_: NetworkCard) -> Sequence[str]:
    return ()


@dataclass(frozen=True)
class Versions:
    """The networks that run for a recipe.

    Parameters
    ----------
    cards
        Their cards, in the order of the recipe, each once.
    sentences
        What differs from the recipe, and why.
    """

    cards: tuple[NetworkCard, ...]
    sentences: tuple[str, ...] = ()


def fitting_versions(
    names: Iterable[str], known: Mapping[str, NetworkCard], frames: int, outside: Outside = _nothing
) -> Versions:
    """Choose for each named network the version that a series is right for.

    A network that fits is taken as it is. For one that wants more frames its version for fewer is taken, where there is
    one, and else it is left out. For one that was not trained on a series of this kind its version for wider ranges is
    taken, where there is one that fits no worse. If nothing is left, the cards are those that were named: who chooses
    the frames then says what is missing.

    Parameters
    ----------
    names
        Of the networks in the recipe.
    known
        The catalog's cards by name.
    frames
        How many frames there are.
    outside
        Says in what the series is not what a network was trained on, see `outside_ranges`.

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
    sentences = [f"as {there}, {', '.join(changes)}"] if changes else []
    chosen: dict[str, NetworkCard] = {}
    for card in cards.values():
        wider = wider_version(card, known, outside)
        if wider is not card:
            sentences.append(f"{wider.name} ran in place of {card.name}: {outside(card)[0]}")
        chosen[wider.name] = wider
    return Versions(tuple(chosen.values()), tuple(sentences))


def wider_version(card: NetworkCard, known: Mapping[str, NetworkCard], outside: Outside) -> NetworkCard:
    """The version for wider ranges of a network that a series lies outside of; else the network itself.

    Parameters
    ----------
    card
        Of the network.
    known, outside
        As for `fitting_versions`.
    """
    wider, why = known.get(f"{card.name}{WIDE}"), outside(card)
    if wider is None or not why or len(outside(wider)) > len(why):
        return card
    alike = (wider.architecture, wider.material, wider.frames) == (card.architecture, card.material, card.frames)
    return wider if alike else card


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
