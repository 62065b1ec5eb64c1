"""The folder of motion files that most tests of this room use."""

import pytest

from samples.studio import write_studio


@pytest.fixture
def studio(tmp_path):
    return write_studio(tmp_path / "studio")
