"""Muon against the singular value decomposition and torch's own implementation."""

import pytest
import torch
from torch import nn

from poseglass.training.muon import Muon, orthogonal

SHAPES = [(12, 5), (4, 9), (6, 6), (12, 5)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
def test_orthogonalisation_keeps_singular_vectors_and_moves_values_to_1(shape, size):
    matrices = size * torch.randn(3, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    result = orthogonal(matrices)
    u, _, vt = torch.linalg.svd(matrices, full_matrices=False)
    inner = u.mT @ result @ vt.mT
    values = inner.diagonal(dim1=1, dim2=2)
    assert ((values > 0.5) & (values < 1.3)).all()
    torch.testing.assert_close(inner, torch.diag_embed(values), atol=1e-6, rtol=0)


def test_a_zero_matrix_stays_zero():
    assert not orthogonal(torch.zeros(2, 3, 4)).any()


def pair(weight_decay: float) -> tuple[list[nn.Parameter], list[nn.Parameter], list[torch.optim.Optimizer]]:
    torch.manual_seed(0)
    ours = [nn.Parameter(0.1 * torch.randn(shape)) for shape in SHAPES]
    theirs = [nn.Parameter(p.detach().clone()) for p in ours]
    return (
        ours,
        theirs,
        [
            Muon(ours, lr=0.01, weight_decay=weight_decay),
            torch.optim.Muon(theirs, lr=0.01, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"),
        ],
    )


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_steps_match_those_of_torch_up_to_its_bfloat16(weight_decay):
    ours, theirs, optimisers = pair(weight_decay)
    before = [p.detach().clone() for p in ours]
    for _ in range(5):
        for p, q in zip(ours, theirs, strict=True):
            p.grad = torch.randn_like(p)
            q.grad = p.grad.clone()
        for optimiser in optimisers:
            optimiser.step()
    for p, q, start in zip(ours, theirs, before, strict=True):
        assert (p - q).norm() < 0.02 * (p - start).norm()


def test_parameters_without_a_gradient_do_not_change():
    ours, _, (muon, _) = pair(0.1)
    before = [p.detach().clone() for p in ours]
    ours[0].grad = torch.ones_like(ours[0])
    muon.step()
    assert not torch.equal(ours[0], before[0])
    assert all(torch.equal(p, b) for p, b in zip(ours[1:], before[1:], strict=True))
    assert len(muon.state_dict()["state"]) == 1


def test_a_convolution_is_updated_like_the_matrix_of_its_rows():
    start, gradient = torch.randn(2, 8, 4, 3, generator=torch.Generator().manual_seed(0))
    kernel, matrix = nn.Parameter(start.clone()), nn.Parameter(start.flatten(1).clone())
    kernel.grad, matrix.grad = gradient, gradient.flatten(1)
    for parameter in (kernel, matrix):
        Muon([parameter], lr=0.1, weight_decay=0.1).step()
    assert torch.equal(kernel.flatten(1), matrix)
    assert not torch.equal(kernel, start)
