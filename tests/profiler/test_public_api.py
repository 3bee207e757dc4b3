"""What package roots export: a change of these lists is a change of what people may rely on."""

import importlib

import pytest

PUBLIC = {}


def members(package):
    module = importlib.import_module(package)
    return {name: getattr(module, name) for name in module.__all__}


@pytest.mark.parametrize("package", sorted(PUBLIC))
def test_public_names_change_on_purpose(package):
    assert sorted(importlib.import_module(package).__all__) == sorted(PUBLIC[package])
