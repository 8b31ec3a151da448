"""What networks found otherwise, as a person reads it."""

import pytest

from hrtem_app.correction.disputes import in_words

TITLES = {"unet": "U-net", "unet_pp": "U-net++"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        ("1S:unet_pp", "U-net++ says 1S"),
        ("1S:unet_pp;1S:unet", "U-net++ and U-net say 1S"),
        ("1S:a;1S:b;1S:c", "a, b and c say 1S"),
        ("2S:1 vote", "1 network says 2S"),
        ("2S:3 votes;1S:msd_net", "3 networks say 2S, msd_net says 1S"),
        ("2S:2 votes;2S:unet", "2 networks and U-net say 2S"),
    ],
)
def test_disputes_in_words(text, words):
    assert in_words(text, TITLES) == words
