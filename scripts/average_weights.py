"""The mean of two networks of one architecture, the second of which was fine-tuned from the first.

Run from the repository root: `python scripts/average_weights.py FIRST SECOND OUT [SHARE]`, weights files with their
cards beside them. SHARE is that of the second (0.5 if not given). Such a mean keeps what the first could and most of
what the second learnt (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022).
"""

from __future__ import annotations

import sys
from pathlib import Path

from hrtem_app.networks.catalog import load_network_file, save_network
from hrtem_app.training.weights import update_average


def main() -> None:
    """Average, and write weights and card; the card is the second's, with the record of the first in it."""
    first, second, out = map(Path, sys.argv[1:4])
    share = float(sys.argv[4]) if len(sys.argv) > 4 else 0.5
    average, before = load_network_file(first)
    module, card = load_network_file(second)
    if (before.architecture, before.settings) != (card.architecture, card.settings):
        raise SystemExit(f"{first} and {second} are different networks: give a network and what was fine-tuned from it")
    update_average(average, module, 1 - share)
    record = card.training | {"averaged_with": before.training, "share": share}
    named = card.model_copy(update={"name": out.stem, "training": record})
    save_network(average, named, out.parent)


if __name__ == "__main__":
    main()
