"""Weights read from checkpoint files, never by unpickling arbitrary objects."""

from __future__ import annotations

from pathlib import Path

from nasprof.state_dict import read_state
from profiler.lowering.check import check_weights
from profiler.lowering.fold import Array
from spaces import Arch, parse_arch
from spaces.graph import Network
from spaces.mobilenetv3_sharing import plain_names
from spaces.sharing import sharing_of, sharings


def load_weights(path: Path, network: Network, arch: Arch | None = None) -> dict[str, Array]:
    """The weights of ``network`` from a checkpoint of it, or of the supernet it belongs to.

    Args:
        path: ``.npz``, ``.safetensors``, or torch's ``.pth``, ``.pt``, ``.tar`` with a state
            dict, as it is or under ``state_dict``.
        network: what the weights are for.
        arch: the network's JSON object; needed to read a supernet's checkpoint.

    Raises:
        UsageError: the file cannot be read safely, or its arrays do not fit the network.
    """
    state = read_state(path)
    if arch is not None and arch["space"] in sharings:
        space, canonical = parse_arch(dict(arch))
        sharing = sharing_of(space)
        if sharing.is_supernet(state, network):
            return sharing.network_weights(state, space.encode([canonical])[0])
    weights = plain_names(state)
    check_weights(weights, network.arrays(), str(path))
    return weights
