"""Inputs of raw pixels, which the file itself normalises before the first operation.

Normalisation is a cast, a product and a sum of its own, and not folded into the first
convolution: its padding is of zeros that are normalised already. All of it is in float32, also in
fp16 and int8 files.
"""

from __future__ import annotations

from nasprof.errors import UsageError
from nasprof.normalisation import Normalisation
from spaces.graph import Network

FLOAT, SCALED, NORMALISED = STAGES = ("input.float", "input.scaled", "input.normalised")
"""Values on the way from pixels to what the network sees, and the operations that make them."""


def check_pixels(normalisation: Normalisation, network: Network) -> None:
    """Look whether a network has one input, of as many channels as are normalised.

    Raises:
        UsageError: it has not.
    """
    if len(network.inputs) != 1:
        raise UsageError(f"{network.name} has {len(network.inputs)} inputs, expected one image")
    normalisation.factors(network.inputs[0][2])
