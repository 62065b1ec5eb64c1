"""Muon: orthogonalised momentum for the matrices of a network (Jordan et al. 2024; Liu et al. 2025).

torch's own Muon works only in bfloat16, which processors without bfloat16 units emulate. Its step takes twice as long
there as the network's forward and backward pass. This one works in float32 and processes all matrices of a shape at
once.
"""

from collections.abc import Iterable
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["Muon", "orthogonal"]

# Five steps of a quintic Newton-Schulz iteration with the steepest possible slope at 0. It brings singular values
# between about 0.7 and 1.2, which is as good as 1 here (Jordan et al. 2024).
STEPS, COEFFICIENTS = 5, (3.4445, -4.7750, 2.0315)


def orthogonal(matrices: Float[Tensor, "b n m"]) -> Float[Tensor, "b n m"]:
    """Return nearly orthogonal matrices (b n m) with the singular vectors of the given matrices.

    Example:
        >>> values = torch.linalg.svdvals(orthogonal(torch.diag(torch.tensor([3.0, 1.0]))[None]))
        >>> bool(((0.6 < values) & (values < 1.3)).all())
        True
    """
    wide = matrices.shape[1] <= matrices.shape[2]
    x: Tensor = matrices if wide else matrices.mT
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(STEPS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x if wide else x.mT


@final
class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised, and scaled so that learning rates for AdamW suit it, too.

    Args:
        params: Matrices (n m), and convolution kernels (n m ...), which are treated as matrices of n rows.
        lr: Learning rate.
        weight_decay: Decoupled, as in AdamW.
        momentum: Decay of the running mean of the gradients.

    Example:
        >>> Muon([torch.nn.Parameter(torch.eye(3))], lr=1e-3).step()
    """

    def __init__(
        self, params: Iterable[Tensor], *, lr: float, weight_decay: float = 0.0, momentum: float = 0.95
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take one step. Parameters without a gradient do not change."""
        for group in self.param_groups:
            same_shape: dict[torch.Size, list[tuple[Tensor, Tensor]]] = {}
            for p in group["params"]:
                if p.grad is not None:
                    if "momentum_buffer" not in self.state[p]:
                        self.state[p]["momentum_buffer"] = torch.zeros_like(p)
                    mean = self.state[p]["momentum_buffer"]
                    mean.lerp_(p.grad, 1 - group["momentum"])
                    update = p.grad.lerp(mean, group["momentum"]).flatten(1)  # n m
                    same_shape.setdefault(update.shape, []).append((p, update))
            for (rows, columns), pairs in same_shape.items():
                matrices, updates = zip(*pairs, strict=True)
                # An orthogonal matrix's root mean square is 1 / sqrt(longer side); an AdamW update's is about 0.2.
                rate = group["lr"] * 0.2 * max(rows, columns) ** 0.5
                for p, update in zip(matrices, orthogonal(torch.stack(updates)), strict=True):
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    p.add_(update.view_as(p), alpha=-rate)
