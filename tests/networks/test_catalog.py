"""Saving, finding and loading networks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hrtem_app.networks.catalog import (
    NetworkCard,
    NetworkError,
    available,
    build_network,
    load_network,
    load_network_file,
    read_card,
    save_network,
)
from hrtem_app.networks.layers import parameter_count


def _saved(folder: Path, name: str = "mine") -> Path:
    module = build_network("msd_net", {"channels": 2, "layers": 3})
    card = NetworkCard(
        name=name,
        title="Mine",
        architecture="msd_net",
        settings={"channels": 2, "layers": 3},
        parameters=parameter_count(module),
        dose_range=(100, 1e5),
        defocus_range=(-150, 150),
        energy=50e3,
        label_radius=0.65,
    )
    return save_network(module, card, folder)


def test_a_network_of_the_users_is_found_and_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _saved(tmp_path)
    monkeypatch.setenv("HRTEM_APP_NETWORKS", str(tmp_path))
    assert available()["mine"].title == "Mine"
    module, card = load_network("mine")
    assert card.sha256
    assert not module.training
    assert module(torch.zeros(1, 3, 16, 16)).shape == (1, 4, 16, 16)


def test_an_unknown_name_names_the_known_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _saved(tmp_path)
    monkeypatch.setenv("HRTEM_APP_NETWORKS", str(tmp_path))
    with pytest.raises(NetworkError, match=r"'vgg'.*mine"):
        load_network("vgg")


def test_weights_that_are_not_those_of_the_card_are_refused(tmp_path: Path) -> None:
    path = _saved(tmp_path)
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(NetworkError, match="not those"):
        load_network_file(path)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    path = _saved(tmp_path)
    path.unlink()
    with pytest.raises(NetworkError, match=path.name):
        load_network_file(path)


def test_a_broken_card_names_its_field(tmp_path: Path) -> None:
    path = _saved(tmp_path).with_suffix(".json")
    path.write_text(path.read_text().replace('"frames": 3', '"frames": 0'))
    with pytest.raises(NetworkError, match="frames"):
        read_card(path)


def test_the_shipped_networks_are_what_their_cards_say() -> None:
    shipped = {name: card for name, card in available().items() if name in ("unet", "unet_pp", "msd_net")}
    assert list(shipped) == ["unet", "unet_pp", "msd_net"]
    for name, card in shipped.items():
        module, _ = load_network(name)
        assert parameter_count(module) == card.parameters
        assert card.metrics, f"{name} states no metrics"
