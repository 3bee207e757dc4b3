"""Spaces by name, and the space of an architecture in any form that is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nasprof.errors import UsageError
from nasprof.json_text import parse_json
from nasprof.reader import Reader, brief
from nasprof.reading import read_text
from nasprof.registry import Registry
from spaces.base import Arch, Space

spaces: Registry[type[Space]] = Registry(
    "space",
    {
        "elastic-resolution": "spaces.elastic_resolution:ElasticResolutionSpace",
        "ofa-mbv3": "spaces.mobilenetv3:MobileNetV3Space",
        "nasbench201": "spaces.nasbench201:NasBench201Space",
    },
)


def get_space(name: str, **settings: Any) -> Space:
    """The space called ``name``.

    Args:
        name: "ofa-mbv3", "nasbench201", "elastic-resolution", one that a plug-in adds, or a file
            (``.json``) with the JSON object of a space.
        settings: of the space, see its class; they win over those of a file.

    Raises:
        UsageError: there is no such space or file, or it has no such settings.

    >>> get_space("nasbench201", classes=100).n_genes
    6
    """
    own = space_settings(name)
    kind = spaces.get(own["space"])
    if Path(name).suffix == ".json" and settings:
        return kind.from_arch(own).with_settings(**settings)
    return kind.from_arch({**own, **settings})


def space_settings(space: Mapping[str, object] | Path | str) -> Arch:
    """A space as its JSON object: from its name, or a file with that object.

    Raises:
        UsageError: the file cannot be read, or holds no object.
    """
    if isinstance(space, Mapping):
        return dict(space)
    path = Path(space)
    if path.suffix != ".json":
        return {"space": str(space)}
    settings = parse_json(read_text(path, "a space as JSON"), path)
    Reader(settings, str(path)).take("space", "a string")
    return dict(settings)


def parse_arch(value: object) -> tuple[Space, Arch]:
    """The space and the canonical JSON object of an arch in any known form.

    Known are this project's JSON objects (with a field ``space``) and the forms that a space
    recognises: OFA's and NAT's dicts, PNAG's and NAS-Bench-201's strings, ...

    Raises:
        UsageError: the form is unknown, or a field is invalid.

    >>> text = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|"
    >>> space, arch = parse_arch(text)
    >>> space.encode([arch]).tolist()
    [[4, 0, 1, 0, 0, 2]]
    """
    if not (isinstance(value, Mapping) and "space" in value):
        candidates = (spaces.get(name).recognise(value) for name in spaces)
        recognised = next((arch for arch in candidates if arch is not None), None)
        if recognised is None:
            raise UsageError(f"this is no architecture: {brief(value)}", _instead(value))
        value = recognised
    if not isinstance(value["space"], str):
        raise UsageError(f"field 'space' is {brief(value['space'])}, expected a name")
    space = spaces.get(value["space"]).from_arch(value)
    return space, space.decode(space.encode([value]))[0]


def _instead(value: object) -> str:
    """What to write in place of what is no architecture."""
    if type(value) is int:
        return 'A number in NAS-Bench-201\'s list is written {"index": ...}.'
    if isinstance(value, Sequence) and value and all(type(item) is int for item in value):
        return (
            f"It has {len(value)} whole numbers; read are NAT's 22 and NSGANetV2's 46. Others mean "
            "different things in different projects: write names and sizes instead."
        )
    return (
        'Expected {"space": ..., ...}, {"ks": ..., "e": ..., "d": ...}, "d:ks:e" '
        "or a NAS-Bench-201 string."
    )
