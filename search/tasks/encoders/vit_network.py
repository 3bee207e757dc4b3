"""The vision transformer's layers on tensors by name."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

_EPS = 1e-6
Tensors = Mapping[str, Tensor]


def class_tokens(tensors: Tensors, images: Tensor, layers: int, heads: int) -> Tensor:
    """Class tokens ``(n, width)`` after the last layer, of images ``(n, 3, h, w)``.

    Args:
        tensors: by torchvision's names.
        images: normalised as ImageNet's.
        layers: how many there are.
        heads: of each layer's attention.
    """
    kernel = tensors["conv_proj.weight"]
    patches = functional.conv2d(images, kernel, tensors["conv_proj.bias"], kernel.shape[2])
    tokens = patches.flatten(2).transpose(1, 2)
    first = tensors["class_token"].expand(len(images), -1, -1)
    tokens = torch.cat([first, tokens], 1) + tensors["encoder.pos_embedding"]
    for number in range(layers):
        tokens = _layer(tensors, f"encoder.layers.encoder_layer_{number}.", tokens, heads)
    result: Tensor = _norm(tensors, "encoder.ln", tokens)[:, 0]
    return result


def _layer(tensors: Tensors, prefix: str, tokens: Tensor, heads: int) -> Tensor:
    tokens = tokens + _attention(tensors, prefix, _norm(tensors, f"{prefix}ln_1", tokens), heads)
    hidden = _linear(tensors, f"{prefix}mlp.0", _norm(tensors, f"{prefix}ln_2", tokens))
    return tokens + _linear(tensors, f"{prefix}mlp.3", functional.gelu(hidden))


def _attention(tensors: Tensors, prefix: str, tokens: Tensor, heads: int) -> Tensor:
    name = f"{prefix}self_attention."
    n, length, width = tokens.shape
    weight, bias = tensors[f"{name}in_proj_weight"], tensors[f"{name}in_proj_bias"]
    every = functional.linear(tokens, weight, bias).view(n, length, 3, heads, width // heads)
    query, key, value = every.permute(2, 0, 3, 1, 4)
    mixed = functional.scaled_dot_product_attention(query, key, value)
    return _linear(tensors, f"{name}out_proj", mixed.transpose(1, 2).reshape(n, length, width))


def _norm(tensors: Tensors, name: str, tokens: Tensor) -> Tensor:
    weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
    return functional.layer_norm(tokens, weight.shape, weight, bias, _EPS)


def _linear(tensors: Tensors, name: str, values: Tensor) -> Tensor:
    return functional.linear(values, tensors[f"{name}.weight"], tensors[f"{name}.bias"])
