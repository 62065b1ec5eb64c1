"""Pickles written by hand that try to run code, to change the reader, or to exhaust memory or time."""

import pickle
import struct
import time
import tracemalloc
from contextlib import suppress
from io import BytesIO

import pytest

from poseglass.files.unpickler import Inert
from poseglass.weights.tensor_unpickler import KNOWN, TensorUnpickler
from samples.bomb import Bomb

PAIRS = b"N" + b"2\x86" * 100  # a pair of pairs of pairs of ...: to hash or print it takes 2 ** 100 steps
EVIL = b"}X\x04\x00\x00\x00evilK\x01s"  # {"evil": 1}


def load(code: bytes) -> object:
    return TensorUnpickler(BytesIO(b"\x80\x04" + code)).load()


def test_plain_values_are_read():
    content = {"a": [1, 2.5, None, True, "text", (1, (2,)), 10**30]}
    for protocol in range(2, 6):
        assert TensorUnpickler(BytesIO(pickle.dumps(content, protocol))).load() == content
    content["b"] = [b"x", {3, "c"}]
    assert TensorUnpickler(BytesIO(pickle.dumps(content, 4))).load() == content


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("os", "mkdir"),
        ("os", "system"),
        ("torch", "load"),
        ("torch._utils", "os.mkdir"),
        ("collections", "OrderedDict.fromkeys"),
        ("poseglass.weights.torch_file", "TorchFile"),
    ],
)
@pytest.mark.parametrize("call", ["reduce", "newobj", "newobj_ex", "inst", "obj", "stack global"])
def test_every_way_to_call_a_function_calls_the_stand_in(tmp_path, module, name, call):
    path = str(tmp_path / "ran")
    argument = b"X" + struct.pack("<I", len(path)) + path.encode()
    function = f"c{module}\n{name}\n".encode()
    short = b"".join(b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name))
    code = {
        "reduce": function + argument + b"\x85R",
        "newobj": function + argument + b"\x85\x81",
        "newobj_ex": function + argument + b"\x85" + EVIL + b"\x92",
        "inst": b"(" + argument + f"i{module}\n{name}\n".encode(),
        "obj": b"(" + function + argument + b"o",
        "stack global": short + b"\x93" + argument + b"\x85R",
    }[call]
    assert isinstance(load(code + b"."), Inert)
    assert not (tmp_path / "ran").exists()


def test_stand_ins_take_all_that_a_pickle_does_to_an_object():
    create = b"cposix\nuname\n)R"
    for change in (EVIL + b"b", b"N" + EVIL + b"\x86b", b"Na", b"(NNe", b"NNs", b"(NNu", b"(N\x90", b")R", b")\x81"):
        assert isinstance(load(create + change + b"."), Inert), change
    assert vars(load(create + EVIL + b"b.")) == {}


@pytest.mark.parametrize(("module", "name"), KNOWN)
def test_what_the_reader_knows_cannot_be_changed(module, name):
    for state in (EVIL + b"b", b"N" + EVIL + b"\x86b"):  # as attributes, and as slots
        assert load(f"c{module}\n{name}\n".encode() + state + b".") is KNOWN[module, name]
        assert not hasattr(KNOWN[module, name], "evil")


def test_the_stand_in_cannot_be_changed():
    assert load(b"cos\nsystem\n" + EVIL + b"b.") is Inert
    assert load(b"cos\nsystem\nN" + EVIL + b"\x86b.") is Inert
    assert not hasattr(Inert, "evil")


@pytest.mark.parametrize(
    "code",
    [
        b"\x96" + struct.pack("<Q", 1 << 40),  # a bytearray
        b"\x8e" + struct.pack("<Q", 1 << 40),  # bytes
        b"\x8d" + struct.pack("<Q", 1 << 40),  # text
        b"\x8b" + struct.pack("<i", 1 << 30),  # a number
        b"\x95" + struct.pack("<Q", 1 << 40),  # a frame
        b"]r" + struct.pack("<I", (1 << 32) - 1) + b".",  # a place in the memo
        b"\x82\x01.",  # an object of copyreg's table
        b"\x97.",  # data outside the pickle
    ],
)
def test_memory_that_is_only_claimed_is_not_allocated(code):
    tracemalloc.start()
    with suppress(Exception):
        load(code)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


@pytest.mark.parametrize(
    "code",
    [
        b"}" + PAIRS + b"K\x01s",
        b"}(" + PAIRS + b"K\x01u",
        b"\x8f(" + PAIRS + b"\x90",
        b"(" + PAIRS + b"\x91",
        b"ccollections\nOrderedDict\n](" + PAIRS + b"K\x01\x86e\x85R",
    ],
)
def test_keys_that_take_for_ever_to_hash_are_replaced(code):
    assert [type(key) for key in load(code + b".")] == [Inert]


DICT = b"ccollections\nOrderedDict\n"


def test_a_dictionary_takes_no_state():
    """Otherwise an attribute named `items` would replace the method, and the checkpoint could not be searched."""
    for state in (EVIL + b"b", b"N" + EVIL + b"\x86b"):
        assert not hasattr(load(DICT + b")R" + state + b"."), "evil")


@pytest.mark.parametrize("call", [b"R", b"\x81", b"}\x92", b"b"], ids=["reduce", "newobj", "newobj_ex", "build"])
def test_many_calls_with_the_same_long_arguments_take_no_time(call):
    arguments = b"(" + b"N" * 200_000 + b"tq\x01" if call != b"b" else numbered(200_000) + b"q\x01"
    function = DICT + b")R" if call == b"b" else b"cos\nsystem\n"
    start = time.process_time()
    load(arguments + (function + b"h\x01" + call) * 10_000 + b".")
    assert time.process_time() - start < 2.5


def test_known_functions_take_few_arguments():
    with pytest.raises(pickle.UnpicklingError, match="in an unknown way"):
        load(b"ctorch._utils\n_rebuild_parameter\n(" + b"N" * 17 + b"tR.")
    with pytest.raises(pickle.UnpicklingError, match="in an unknown way"):
        load(b"(X\x07\x00\x00\x00storage" + b"N" * 6 + b"tQ.")


def numbered(items: int) -> bytes:
    """A dictionary of so many texts."""
    keys = b"".join(b"\x8c\x06" + str(100_000 + number).encode() + b"N" for number in range(items))
    return b"}(" + keys + b"u"


def test_the_same_pairs_make_one_dictionary_only():
    pairs = b"](" + b"".join(b"M" + struct.pack("<H", number) + b"N\x86" for number in range(1000)) + b"e\x85q\x02"
    code = b"](" + DICT + pairs + b"R" + (DICT + b"h\x02R") * 1000 + b"e."
    tracemalloc.start()
    tables = load(code)
    assert tracemalloc.get_traced_memory()[1] < 5 << 20
    tracemalloc.stop()
    assert [len(table) for table in tables] == [1000, *[0] * 1000]


def test_few_and_short_names_of_skipped_classes_are_kept():
    texts = b"".join(
        b"X" + struct.pack("<I", 5000) + f"{number:5000}".encode() + b"q" + bytes([number]) for number in range(50)
    )
    calls = b"".join(b"h" + bytes([one]) + b"h" + bytes([other]) + b"\x93" for one in range(50) for other in range(50))
    tracemalloc.start()
    unpickler = TensorUnpickler(BytesIO(b"\x80\x04" + texts + calls + b"."))
    unpickler.load()
    assert tracemalloc.get_traced_memory()[1] < 5 << 20
    tracemalloc.stop()
    assert len(unpickler.skipped) <= 16
    assert max(map(len, unpickler.skipped)) <= 201


def test_integers_of_the_same_hash_are_replaced_as_keys():
    numbers = [number * ((1 << 61) - 1) for number in (1, 2, 3)]
    assert {*map(type, TensorUnpickler(BytesIO(pickle.dumps(dict.fromkeys(numbers)))).load())} == {Inert}
    assert TensorUnpickler(BytesIO(pickle.dumps({-1 << 60: 1}))).load() == {-1 << 60: 1}


def test_a_storage_has_a_plain_key():
    start, end = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\n", b"X\x03\x00\x00\x00cpuK\x02tQ."
    assert load(start + b"X\x01\x00\x00\x007" + end).key == "7"
    assert isinstance(load(start + PAIRS + end), Inert)


def test_nesting_is_no_problem():
    load(b"]" * 100_000 + b"a" * 99_999 + b".")


def test_the_names_of_skipped_classes_are_kept(tmp_path):
    unpickler = TensorUnpickler(BytesIO(pickle.dumps([Bomb(tmp_path / "ran"), complex(1, 2)])))
    assert [type(value) for value in unpickler.load()] == [Inert, Inert]
    assert [*unpickler.skipped] == ["posix.mkdir", "builtins.complex"]
    assert not (tmp_path / "ran").exists()
