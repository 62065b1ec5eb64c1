"""Vectors in the last axis of tensors: length, direction, cross product."""

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["cross", "length", "unit"]


def length(vectors: Float[Tensor, "*b _"]) -> Float[Tensor, "*b"]:
    """The length of each vector."""
    norm: Tensor = torch.linalg.vector_norm(vectors, dim=-1)
    return norm


def unit(vectors: Float[Tensor, "*b _"]) -> Float[Tensor, "*b _"]:
    """Vectors scaled to length 1; a vector of length 0 stays 0."""
    return vectors / length(vectors)[..., None].clamp(min=1e-9)


def cross(first: Float[Tensor, "*b 3"], second: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 3"]:
    """The cross product of each pair of vectors.

    Example:
        >>> cross(torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0])).tolist()
        [0.0, 0.0, 1.0]
    """
    product: Tensor = torch.linalg.cross(first, second)
    return product
