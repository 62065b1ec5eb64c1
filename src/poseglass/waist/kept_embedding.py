"""The learned embedding of kept frames, for any number of them."""

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["stretched"]


def stretched(embedding: Float[Tensor, "1 k *b c"], keep: int) -> Float[Tensor, "1 _ *b c"]:
    """Interpolate an embedding of kept frames linearly between its ends, so that it has `keep` rows.

    One frame gets the middle of the embedding. An embedding that already fits is returned as it is. The result is a
    weighted sum, because the gradient of `torch.nn.functional.interpolate` is not reproducible on a GPU.

    Args:
        embedding: One row per kept frame (1 k ... c).
        keep: The number of rows wanted, at least 1.

    Returns:
        The embedding (1 keep ... c).

    Example:
        >>> stretched(torch.tensor([0.0, 1.0, 4.0])[None, :, None], 5).flatten().tolist()
        [0.0, 0.5, 1.0, 2.5, 4.0]
    """
    rows = embedding.shape[1]
    if rows == keep:
        return embedding
    steps = torch.arange(keep, device=embedding.device, dtype=torch.float32)
    places = steps * (rows - 1) / (keep - 1) if keep > 1 else steps + (rows - 1) / 2
    shares = (1 - (places[:, None] - torch.arange(rows, device=embedding.device)).abs()).clamp(min=0)
    shares = shares.to(embedding.dtype).unflatten(1, (rows, *[1] * (embedding.ndim - 2)))
    fitted: Tensor = (shares * embedding).sum(1)
    return fitted[None]
