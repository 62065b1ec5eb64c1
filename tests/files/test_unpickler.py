"""The base of the readers of pickles: nothing runs, keys are safe to hash, and instructions are counted."""

import io
import pickle
from pickle import UnpicklingError

import pytest

from poseglass.files.unpickler import BoundedUnpickler, Inert


class Plain(BoundedUnpickler):
    """Reads plain values only."""

    def find_class(self, module, name):
        return Inert

    def call(self, function, arguments):
        return Inert()


def load(code: bytes, **limits: int) -> object:
    return Plain(io.BytesIO(code), **limits).load()


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_are_read_as_pickle_reads_them(protocol):
    content = {"a": [1, 2.5, None, True, "ü", (1, (2,)), 10**30], 3: {"x"} if protocol > 3 else (), b"k": []}
    content = content if protocol > 2 else {key: value for key, value in content.items() if key != b"k"}
    assert load(pickle.dumps(content, protocol)) == content


def test_one_pickle_after_the_other_is_read():
    stream = io.BytesIO(pickle.dumps(1) + pickle.dumps("two"))
    assert [Plain(stream).load() for _ in range(2)] == [1, "two"]


def test_instructions_are_counted():
    code = b"\x80\x02" + b"N0" * 10 + b"N."
    assert load(code, most=23) is None
    with pytest.raises(UnpicklingError, match="more than 22 instructions"):
        load(code, most=22)


def test_a_pickle_without_end_is_refused():
    with pytest.raises(EOFError, match="no end"):
        load(b"\x80\x02N")


@pytest.mark.parametrize("key", [(1, 2), 1 << 61, (("a",) * 3,) * 3])
def test_keys_that_may_take_long_to_hash_are_replaced(key):
    assert [type(other) for other in load(pickle.dumps({key: 1}, 4))] == [Inert]


def test_bytes_that_are_only_claimed_are_not_allocated():
    assert load(pickle.dumps(bytearray(b"abc"), 5)) == b"abc"
    with pytest.raises(EOFError):
        load(b"\x80\x05\x96" + b"\xff" * 8 + b"abc")


@pytest.mark.parametrize("code", [b"\x97.", b"\x82\x01.", b"\x83\x01\x01.", b"\x84\x01\x00\x00\x00."])
def test_rare_instructions_are_refused(code):
    with pytest.raises(UnpicklingError, match="never write"):
        load(b"\x80\x05" + code)
