"""The cores that a command lifts on."""

import pytest
import torch

from poseglass.commands.device import cores_left_to_detection


@pytest.mark.parametrize(("before", "during"), [(1, 1), (2, 1), (3, 1), (4, 2), (16, 14)])
def test_lifting_leaves_two_cores_and_restores_the_threads(
    monkeypatch: pytest.MonkeyPatch, before: int, during: int
) -> None:
    threads = [before]
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads[-1])
    monkeypatch.setattr(torch, "set_num_threads", threads.append)

    def interrupted() -> None:
        with cores_left_to_detection():
            assert threads[-1] == during
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert threads[-1] == before
