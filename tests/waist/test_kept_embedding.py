"""The embedding of kept frames is interpolated to other numbers of frames."""

import numpy as np
import pytest
import torch

from poseglass.waist.kept_embedding import stretched


@pytest.mark.parametrize(("rows", "keep"), [(9, 4), (9, 9), (9, 27), (2, 81), (81, 8), (27, 26), (1, 5)])
def test_every_channel_is_interpolated_between_its_ends(rows, keep):
    embedding = torch.randn(1, rows, 1, 4, generator=torch.Generator().manual_seed(rows))
    expected = np.stack(
        [np.interp(np.linspace(0, rows - 1, keep), range(rows), channel) for channel in embedding[0, :, 0].mT], 1
    )
    np.testing.assert_allclose(stretched(embedding, keep)[0, :, 0], expected, atol=1e-5)


def test_one_frame_gets_the_middle():
    assert stretched(torch.tensor([1.0, 2.0, 6.0])[None, :, None], 1).flatten().tolist() == [2.0]
    assert stretched(torch.tensor([1.0, 2.0])[None, :, None], 1).flatten().tolist() == [1.5]


def test_an_embedding_that_fits_is_the_same_object():
    embedding = torch.randn(1, 9, 1, 4)
    assert stretched(embedding, 9) is embedding


def test_the_dtype_stays_and_places_are_exact_in_bfloat16():
    embedding = torch.arange(200.0).bfloat16()[None, :, None, None]  # rows 0 to 199, exact up to 256
    rows = stretched(embedding, 399)
    assert rows.dtype == torch.bfloat16
    assert rows.flatten()[::2].equal(embedding.flatten())


def test_the_gradient_reaches_every_row():
    embedding = torch.randn(1, 9, 1, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda rows: stretched(rows, 14), embedding)
