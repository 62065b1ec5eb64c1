"""Named sizes: what `create_model` refuses."""

import pytest

from poseglass.errors import ModelError
from poseglass.models import BACKBONES, create_model, list_models


@pytest.mark.parametrize("name", list_models())
@pytest.mark.parametrize("frames", [0, -3])
def test_a_clip_has_at_least_one_frame(name, frames):
    with pytest.raises(ModelError, match=f"frames must be 1 or more, got {frames}"):
        create_model(name, frames=frames)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ModelError, match="no model is called 'mixst'; choose one of mixste, "):
        create_model("mixst")


@pytest.mark.parametrize("kind", BACKBONES.values())
@pytest.mark.parametrize("sizes", [{"dim": -1}, {"depth": 0}, {"frames": -1}, {"inputs": 1 << 40}])
def test_impossible_sizes_are_refused_before_anything_is_built(kind, sizes):
    with pytest.raises(ModelError):
        kind(**{"frames": 9, "heads": 1} | sizes)
