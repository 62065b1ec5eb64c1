"""Pickled data sets are read without running code in them."""

import pickle
import pickletools
import struct
import time
import tracemalloc
import zipfile

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from poseglass.errors import FormatError
from poseglass.files import pickled as _pickled
from poseglass.files.pickled import read_objects

ARRAY = np.arange(24, dtype=np.float32).reshape(2, 4, 3)


def write_member(path, payload, name="positions_3d"):
    """Write an npz whose member is an object array with the given pickle."""
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (), }"
    header += b" " * (117 - len(header)) + b"\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + payload)
    return path


def names(payload):
    """The functions that a pickle names, according to the disassembler of the standard library."""
    strings, functions = [], set()
    for code, argument, _ in pickletools.genops(payload):
        if code.name == "GLOBAL":
            functions.add(argument.replace(" ", "."))
        elif "UNICODE" in code.name:
            strings.append(argument)
        elif code.name == "STACK_GLOBAL":
            functions.add(".".join(strings[-2:]))
    return functions


def as_numpy(version, payload):
    """The same pickle as another version of numpy writes it, with a module name of another length."""
    old, new = ("numpy._core", "numpy.core") if version == 1 else ("numpy.core", "numpy._core")
    for tail in (".multiarray", ".numeric"):
        a, b = (old + tail).encode(), (new + tail).encode()
        payload = payload.replace(b"\x8c" + bytes([len(a)]) + a, b"\x8c" + bytes([len(b)]) + b)
        payload = payload.replace(b"c" + a + b"\n", b"c" + b + b"\n")
    return payload


def without_frames(payload):
    """The pickle without the frames of protocol 4, because renaming a module makes their lengths wrong."""
    out, codes = b"", [*pickletools.genops(payload)]
    for (code, _, start), (_, _, end) in zip(codes, [*codes[1:], (None, None, len(payload))], strict=True):
        out += b"" if code.name == "FRAME" else payload[start:end]
    return out


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("version", [1, 2])
def test_pickles_of_both_numpy_versions_are_read(tmp_path, version, protocol):
    content = {
        "S1": {
            "Directions 1": ARRAY,
            "fortran": np.asfortranarray(ARRAY),
            "cameras": [ARRAY[0], ARRAY[1].astype(np.float64)],
            "objects": np.array([{"a": ARRAY}, None], object),
            "bytes": b"\x00\xff",
            "big-endian": ARRAY.astype(">f4"),
            "scalar": np.float32(2.5),
            "plain": (1, 2.5, "text", None, True),
        }
    }
    payload = as_numpy(version, without_frames(pickle.dumps(np.array(content, object), protocol)))
    module = "numpy.core" if version == 1 else "numpy._core"
    assert any(name.startswith(module + ".") for name in names(payload))
    read = read_objects(write_member(tmp_path / "data.npz", payload), "positions_3d")["S1"]
    for key in ("Directions 1", "fortran", "big-endian"):
        assert_array_equal(read[key], ARRAY)
    assert read["Directions 1"].dtype == np.float32
    assert read["cameras"][1].dtype == np.float64
    assert_array_equal(read["objects"][0]["a"], ARRAY)
    assert read["objects"][1] is None
    assert read["scalar"] == 2.5
    assert (read["bytes"], read["plain"]) == (b"\x00\xff", (1, 2.5, "text", None, True))


def test_pickles_of_the_installed_numpy_are_read(tmp_path):
    np.savez_compressed(tmp_path / "data.npz", positions_3d=np.array({"S1": {"Walking": ARRAY}}, object))
    assert_array_equal(read_objects(tmp_path / "data.npz", "positions_3d")["S1"]["Walking"], ARRAY)


class Calls:
    """An object that is pickled as a function call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_malicious_pickle_is_refused_by_name_and_does_not_run(tmp_path, protocol):
    mark = tmp_path / "ran"
    trap = Calls(open, str(mark), "w")
    for content in (trap, {"S1": {"Walking": [ARRAY, trap]}}, np.array([trap], object)):
        path = write_member(tmp_path / "evil.npz", pickle.dumps(content, protocol))
        with pytest.raises(FormatError, match=r"positions_3d: the pickle asks for \S*io\.open, which is refused"):
            read_objects(path, "positions_3d")
        assert not mark.exists()
    pickle.loads(pickle.dumps(trap)).close()
    assert mark.exists()  # proves that the trap works


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        (b"cos\nsystem\n(S'true'\ntR.", "os.system"),
        (b"cbuiltins\neval\n(S'1'\ntR.", "builtins.eval"),
        (b"cnumpy\nload\n(S'x'\ntR.", "numpy.load"),
        (b"cnumpy\nndarray.tofile\n.", "numpy.ndarray.tofile"),
        (b"cnumpy.core.multiarray\nfromfile\n.", "numpy.core.multiarray.fromfile"),
        (b"\x80\x04\x8c\x06_codecs\x8c\x04open\x93.".replace(b"\x06", b"\x07"), "_codecs.open"),
        (b"ccopyreg\n_reconstructor\n.", "copyreg._reconstructor"),
        (b"\x80\x02\x82\x01.", ""),
    ],
)
def test_other_functions_are_refused(tmp_path, payload, name):
    with pytest.raises(FormatError, match=name.replace(".", r"\.") or "cannot be read"):
        read_objects(write_member(tmp_path / "evil.npz", payload), "positions_3d")


@pytest.mark.parametrize("known", [*_pickled._KNOWN])
def test_stand_ins_cannot_be_changed(tmp_path, known):
    """The opcode BUILD sets attributes of any object; stand-ins must not keep the change."""
    stand_in = _pickled._KNOWN[known]
    before = stand_in.name
    module, name = known
    for state in (b"}S'__doc__'\nS'x'\ns", b"N}S'__doc__'\nS'x'\ns\x86", b"N}S'evil'\nI1\ns\x86"):
        path = write_member(tmp_path / "evil.npz", f"c{module}\n{name}\n".encode() + state + b"b.")
        with pytest.raises(FormatError):
            read_objects(path, "positions_3d")
    assert stand_in.name == before
    assert not hasattr(stand_in, "evil")


def test_inconsistent_arrays_are_refused(tmp_path):
    for state in (
        (1, (10**9,), np.dtype("f4"), False, b"\x00" * 8),
        (1, (2,), np.dtype("O"), False, b"\x00" * 16),
        (1, (2,), np.dtype("O"), False, [1]),
    ):

        class Array(Calls):
            def __reduce__(self, state=state):
                return np._core.multiarray._reconstruct, (np.ndarray, (0,), b"b"), state

        path = write_member(tmp_path / "evil.npz", pickle.dumps(Array(None)))
        with pytest.raises(FormatError):
            read_objects(path, "positions_3d")


def test_damaged_and_wrong_files_are_refused(tmp_path):
    path = tmp_path / "data.npz"
    np.savez_compressed(path, positions_3d=np.array({"S1": np.random.default_rng(0).normal(size=10000)}, object))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(FormatError, match="cannot be read"):
        read_objects(path, "positions_3d")
    path.write_bytes(content)
    with pytest.raises(FormatError, match="positions_2d cannot be read"):
        read_objects(path, "positions_2d")
    np.savez(path, positions_3d=ARRAY)
    with pytest.raises(FormatError, match="expected a pickled object, got an array of float32"):
        read_objects(path, "positions_3d")
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 255
    path.write_bytes(flipped)
    with pytest.raises(FormatError, match="cannot be read"):
        read_objects(path, "positions_3d")


def test_a_list_that_contains_itself_is_refused(tmp_path):
    nested: list = []
    nested.append(nested)
    with pytest.raises(FormatError, match="more than 30 deep"):
        read_objects(write_member(tmp_path / "evil.npz", pickle.dumps(nested)), "positions_3d")


def doubled(times):
    """A pickled list of two lists of two lists ..., each of them one object."""
    return b"\x80\x02]" + b"".join(b"q%c](h%ch%ce" % (i, i, i) for i in range(times)) + b"."


SCALAR = b"cnumpy.core.multiarray\nscalar\n"
ENCODE = b"c_codecs\nencode\n(X" + struct.pack("<I", 1 << 16) + b"x" * (1 << 16) + b"X\x06\x00\x00\x00latin1tq\x01"


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"\x80\x04}" + b")" + b"\x85" * 100_000 + b"K\x01s.", "a key that is neither text nor a number"),
        (b"\x80\x04" + b")" + b"\x85" * 100_000 + b".", "more than 30 deep"),
        (b"\x80\x04r" + struct.pack("<I", (1 << 32) - 1) + b".", "cannot be read"),
        (b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b".", "cannot be read"),
        (b"\x80\x05\x96" + struct.pack("<Q", 1 << 40) + b".", "cannot be read"),
        (b"\x80\x04" + b"N0" * 600_000 + b"N.", "more than 1000000 instructions"),
        (doubled(25), "would fill the memory"),
        (b"\x80\x02](" + ENCODE + b"R" + b"c_codecs\nencode\nh\x01R" * 50 + b"e.", "would fill the memory"),
        (b"cnumpy\ndtype\n(S'f4,f4'\ntR.", "'f4,f4'"),
        (b"cnumpy\ndtype\n(]tR.", "got the type"),
        (b"c_codecs\nencode\n)R.", "cannot be read"),
        (SCALAR + b"(NX\x01\x00\x00\x00xtR.", "the type of an array's numbers"),
        (b"cnumpy\nndarray\n.", "unknown class"),
        (b"NNR.", "calls something that is no function"),
        (b"N)b.", "changes the state"),
    ],
    ids=["key", "nesting", "memo", "bytes", "bytearray", "instructions", "laughs", "texts", "record", "dtype", "encode",
         "scalar", "class", "call", "state"],
)  # fmt: skip
def test_a_pickle_cannot_ask_for_much_time_or_memory(tmp_path, payload, words):
    path = write_member(tmp_path / "evil.npz", payload)
    start = time.process_time()
    if len(payload) < 100_000:  # tracing makes many small objects slow
        tracemalloc.start()
    with pytest.raises(FormatError, match=words):
        read_objects(path, "positions_3d")
    if tracemalloc.is_tracing():
        assert tracemalloc.get_traced_memory()[1] < 10e6
        tracemalloc.stop()
    assert time.process_time() - start < 2


def test_the_same_object_in_two_places_is_built_once(tmp_path):
    content = {"a": ARRAY, "b": [ARRAY, ARRAY]}
    read = read_objects(write_member(tmp_path / "data.npz", pickle.dumps(content)), "positions_3d")
    assert read["a"] is read["b"][1]


def test_an_archive_that_unpacks_to_far_more_than_its_size_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("poseglass.files.archives.UNSUSPICIOUS", 1 << 16)
    path = write_member(tmp_path / "bomb.npz", pickle.dumps(bytes(1 << 20)))
    with pytest.raises(FormatError, match=r"of 0\.0 MB would unpack to 1 MB"):
        read_objects(path, "positions_3d")
