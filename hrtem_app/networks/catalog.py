"""The catalog: from a network's name to its architecture, weights and card."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from platformdirs import user_data_path
from pydantic import Field, ValidationError

from hrtem_app.extensions import NETWORKS, added_by_plug_ins
from hrtem_app.materials import MOS2_ON_GRAPHITE
from hrtem_app.recipe import ColumnFinding, LatticeFilter, Part, Standardisation, explain

if TYPE_CHECKING:
    import torch

Range = tuple[float, float]


class NetworkCard(Part):
    """What a network is, what it was trained on, and how well it does."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$", description="Name in recipes, file names and CSV columns.")]
    title: Annotated[str, Field(description="Name for people.")]
    architecture: Annotated[str, Field(description="unet, unet_pp or msd_net.")]
    settings: Annotated[dict[str, int], Field(description="Arguments of the architecture.")]
    parameters: Annotated[int, Field(ge=1, description="Trainable parameters.")]
    material: str = MOS2_ON_GRAPHITE.title
    classes: tuple[str, ...] = MOS2_ON_GRAPHITE.class_names
    frames: Annotated[int, Field(ge=1, description="Frames that it wants, in the order of their defocus.")] = 3
    sampling: Annotated[float, Field(gt=0, description="Å/px that a series outside of the range is resampled to.")] = (
        0.225
    )
    sampling_range: Annotated[Range, Field(description="Å/px that it takes as they are.")] = (0.215, 0.235)
    filter: LatticeFilter = LatticeFilter()
    standardisation: Standardisation = Standardisation()
    columns: ColumnFinding = ColumnFinding()
    dose_range: Annotated[Range, Field(description="Dose per frame of the training, e/Å².")]
    defocus_range: Annotated[Range, Field(description="Defocus of any frame in the training, Å.")]
    defocus_step_range: Annotated[Range, Field(description="Defocus between frames in the training, Å.")] = (49, 51)
    energy: Annotated[float, Field(gt=0, description="Beam energy of the training, the middle of its range, eV.")]
    energy_range: Annotated[Range | None, Field(description="Beam energies of the training, eV.")] = None
    label_radius: Annotated[float, Field(gt=0, description="Radius of the label disks, Å.")]
    temperature: Annotated[
        float, Field(gt=0, le=1000, description="Logits are divided by it, so that probabilities mean what they say.")
    ] = 1.0
    metrics: Annotated[dict[str, Any], Field(description="Scores on series not trained on.")] = Field(
        default_factory=dict
    )
    training: Annotated[dict[str, Any], Field(description="How it was trained.")] = Field(default_factory=dict)
    sha256: Annotated[str, Field(description="Of the weights file.")] = ""


class NetworkError(ValueError):
    """A network is unknown or its files are damaged; the message names it and the remedy."""


def build_network(architecture: str, settings: Mapping[str, int]) -> torch.nn.Module:
    """A network with fresh weights.

    Parameters
    ----------
    architecture
        `unet`, `unet_pp`, `msd_net` or one that a plug-in adds.
    settings
        Its arguments: `channels`, `frames`, and for `msd_net` also `layers`, `kernel`.

    Raises
    ------
    NetworkError
        For an unknown architecture or wrong arguments.
    """
    builders = architectures()
    if architecture not in builders:
        raise NetworkError(f"there is no network architecture '{architecture}': choose {', '.join(builders)}")
    try:
        return builders[architecture](**settings)
    except TypeError as error:
        raise NetworkError(f"{architecture} cannot be built with {dict(settings)}: {error}") from error


def architectures() -> dict[str, Callable[..., torch.nn.Module]]:
    """Every architecture by name: the built-in ones, and those of the entry points `hrtem_app.networks`.

    A plug-in that cannot be loaded, or that takes a name that is there already, is left out with a warning.
    """
    from hrtem_app.networks.msd_net import MSDNet
    from hrtem_app.networks.unet import UNet
    from hrtem_app.networks.unet_pp import UNetPlusPlus

    known: dict[str, Callable[..., torch.nn.Module]] = {"unet": UNet, "unet_pp": UNetPlusPlus, "msd_net": MSDNet}
    return known | _plugged_in()


@lru_cache(maxsize=1)
def _plugged_in() -> dict[str, Callable[..., torch.nn.Module]]:
    return added_by_plug_ins(NETWORKS, "network", _checked, ("unet", "unet_pp", "msd_net"))


def _checked(name: str, value: object) -> tuple[str, Callable[..., torch.nn.Module]] | None:
    """An architecture is whatever gives a module when called; its name becomes part of file names."""
    return (name, value) if callable(value) and re.fullmatch("[a-z0-9_]+", name) else None


def folders() -> tuple[Path, ...]:
    """Where networks are looked for: the shipped ones, then the user's own (`HRTEM_APP_NETWORKS` moves that folder)."""
    own = os.environ.get("HRTEM_APP_NETWORKS")
    shipped = Path(str(files("hrtem_app.resources") / "weights"))
    return shipped, Path(own) if own else user_data_path("hrtem-app", appauthor=False) / "networks"


def available() -> dict[str, NetworkCard]:
    """The cards of all networks that can be loaded, by name; the user's own replace shipped ones of the same name."""
    return {card.name: card for card, _ in _found().values()}


def load_network(name: str, device: torch.device | str = "cpu") -> tuple[torch.nn.Module, NetworkCard]:
    """A trained network, ready to predict.

    Parameters
    ----------
    name
        As in `available`.
    device
        Where its weights go.

    Returns
    -------
    The module, in evaluation mode, from (b, frames, y, x) to logits (b, 4, y, x), and its card.

    Raises
    ------
    NetworkError
        For a name that nobody knows, or weights that are missing, damaged or not those of the card.
    """
    found = _found()
    if name not in found:
        raise NetworkError(
            f"there is no network '{name}': choose from {', '.join(found) or 'none, no weights are installed'}"
        )
    return load_network_file(found[name][1], device)


def load_network_file(path: str | Path, device: torch.device | str = "cpu") -> tuple[torch.nn.Module, NetworkCard]:
    """Like `load_network`, from a card (`.json`) or its weights (`.safetensors`) beside it."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    card_path = Path(path).with_suffix(".json")
    card = read_card(card_path)
    weights = card_path.with_suffix(".safetensors")
    try:
        content = weights.read_bytes()
    except OSError as error:
        raise NetworkError(f"the weights {weights} cannot be read: {error}") from error
    if card.sha256 and hashlib.sha256(content).hexdigest() != card.sha256:
        raise NetworkError(
            f"the weights {weights} are not those that their card describes: install or train them again"
        )
    module = build_network(card.architecture, card.settings)
    try:
        module.load_state_dict(load(content))
    except (SafetensorError, RuntimeError) as error:
        raise NetworkError(f"the weights {weights} do not fit their card: {str(error).splitlines()[0]}") from error
    return module.to(device).eval(), card


def save_network(module: torch.nn.Module, card: NetworkCard, folder: str | Path) -> Path:
    """Write weights and card as `<name>.safetensors` and `<name>.json`; returns the weights' path."""
    from safetensors.torch import save

    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    content = save({name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()})
    path = target / f"{card.name}.safetensors"
    card = card.model_copy(update={"sha256": hashlib.sha256(content).hexdigest()})
    for part, data in ((path, content), (path.with_suffix(".json"), (card.model_dump_json(indent=2) + "\n").encode())):
        temporary = part.with_suffix(part.suffix + ".partial")
        temporary.write_bytes(data)
        temporary.replace(part)
    return path


def read_card(path: Path) -> NetworkCard:
    """Read a card; raises NetworkError with the field that is wrong."""
    try:
        return NetworkCard.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NetworkError(f"the network card {path} cannot be read: {error}") from error
    except ValidationError as error:
        raise NetworkError(f"the network card {path} is not valid: {explain(error)}") from error


def _found() -> dict[str, tuple[NetworkCard, Path]]:
    """Cards and their paths by name, the stock networks first and in their order."""
    found: dict[str, tuple[NetworkCard, Path]] = {}
    for folder in folders():
        for path in sorted(folder.glob("*.json")):
            card = read_card(path)
            found[card.name] = (card, path)
    stock = ("unet", "unet_pp", "msd_net")
    order = [name for name in stock if name in found] + [name for name in found if name not in stock]
    return {name: found[name] for name in order}
