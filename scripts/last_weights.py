"""The weights that a finished training ended with, in place of those of its best validation.

Run from the repository root: `python scripts/last_weights.py RUN NAME OUT`: the folder of the training, the name of its
network, and the folder for weights and card. It is for validations that scatter more than the network changes, as where
single grains of held-out series are read the wrong way round.
"""

from __future__ import annotations

import sys
from pathlib import Path

from safetensors import safe_open

from hrtem_app.networks.catalog import load_network_file, save_network
from hrtem_app.training.batches import RARE
from hrtem_app.training.checkpoint import NAME
from hrtem_app.training.events import read_events
from hrtem_app.training.settings import TrainingSettings
from hrtem_app.training.validation import CHOSEN_BY
from hrtem_app.training.weights import correct_prior

_PART = "average."


def main() -> None:
    """Take the averaged weights from the checkpoint as a validation does, and say so in the card."""
    run, name, out = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    module, card = load_network_file(run / f"{name}.safetensors")
    with safe_open(run / NAME, "pt") as file:
        names = [key for key in file.keys() if key.startswith(_PART)]  # noqa: SIM118 - not a dict, it has no iterator
        module.load_state_dict({key.removeprefix(_PART): file.get_tensor(key) for key in names})
    settings = TrainingSettings.model_validate(card.training["settings"])
    correct_prior(module, RARE, settings.rare_weight * settings.rare_excess)
    last = [event for event in read_events(run / "events.jsonl") if "validation" in event][-1]
    scores = {name: last["validation"][name] for name in ("atomic_f1", CHOSEN_BY) if name in last["validation"]}
    validation = scores | {"step": last["step"]}
    out.mkdir(parents=True, exist_ok=True)
    save_network(module, card.model_copy(update={"training": card.training | {"validation": validation}}), out)


if __name__ == "__main__":
    main()
