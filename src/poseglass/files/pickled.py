"""Read pickled arrays from published files without running their code.

The reader knows only the functions that build numpy's arrays, dtypes and scalars, and refuses all others. While it
reads the pickle it only notes what these functions are called with. Afterwards it builds the arrays, and stops if they
become larger than a file of that size can hold.
"""

import re
import zipfile
from io import BufferedReader
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, NamedTuple, cast

import numpy as np
from numpy import ndarray

from poseglass.errors import FormatError
from poseglass.files.archives import check_archive
from poseglass.files.unpickler import BoundedUnpickler, Inert

__all__ = ["read_objects"]

DEEPEST = 30
"""Containers within containers. Data sets have five: subjects, actions, cameras, the array, its objects."""
MOST_VALUES = 1_000_000
"""Values, those of a container that appears in several places counted in each."""
MOST_COPIES = 4
"""Bytes of arrays per byte of the pickle, those of an array that appears in several places counted in each."""
DTYPES = re.compile(r"[|<>=]?([biufc]\d{1,2}|[SU]\d{1,6}|O\d?)")
"""Numbers, text and objects."""


def read_objects(path: Path, member: str) -> Any:
    """Read the object that ``np.savez`` pickled into a member of an npz file.

    Args:
        path: The npz file.
        member: The name of the array in it.

    Raises:
        FormatError: The member is missing, damaged or far larger than the file, or its pickle has anything but arrays
            and plain containers.

    Example:
        >>> np.savez("poses.npz", positions=np.array({"S1": [1.0, 2.0]}, dtype=object))
        >>> read_objects(Path("poses.npz"), "positions")
        {'S1': [1.0, 2.0]}
    """
    try:
        with zipfile.ZipFile(path) as archive:
            check_archive(archive, path)
            size = archive.getinfo(f"{member}.npy").file_size
            with archive.open(f"{member}.npy") as file:
                version = np.lib.format.read_magic(file)
                header = (
                    np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                )
                _, _, dtype = header(file)
                if dtype.kind != "O":
                    raise FormatError(f"expected a pickled object, got an array of {dtype}")
                stream = BufferedReader(cast(Any, file))
                content = _Builder(size).build(_ArrayUnpickler(stream).load()).value
                while stream.read(1 << 20):  # zipfile checks the checksum at the end of the member
                    pass
    except FormatError as problem:
        raise FormatError(f"{member}: {problem}") from None
    except Exception as problem:  # a damaged pickle can raise anything
        raise FormatError(f"{member} cannot be read: {problem}") from None
    return content.item() if isinstance(content, ndarray) and content.ndim == 0 else content


class _Known:
    """A function or class that the reader knows."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class _Noted:
    """What a known function was called with, and the state that its result was given."""

    __slots__ = ("arguments", "name", "state")

    def __init__(self, name: str, arguments: tuple[Any, ...]) -> None:
        self.name, self.arguments = name, arguments
        self.state: Any = None


# numpy 2 renamed `numpy.core` to `numpy._core`. Files of both versions are in use.
_KNOWN = {
    ("numpy", "dtype"): _Known("dtype"),
    ("numpy", "ndarray"): _Known("class"),
    ("numpy.core.multiarray", "_reconstruct"): _Known("array"),
    ("numpy._core.multiarray", "_reconstruct"): _Known("array"),
    ("numpy.core.multiarray", "scalar"): _Known("scalar"),
    ("numpy._core.multiarray", "scalar"): _Known("scalar"),
    ("numpy.core.numeric", "_frombuffer"): _Known("buffer"),
    ("numpy._core.numeric", "_frombuffer"): _Known("buffer"),
    ("_codecs", "encode"): _Known("bytes"),
}


class _ArrayUnpickler(BoundedUnpickler):
    """Notes what a pickle calls, and refuses all but the known functions."""

    def find_class(self, module: str, name: str) -> Any:
        """The known function of that name."""
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise FormatError(
                f"the pickle asks for {module[:100]}.{name[:100]}, which is refused: only arrays and plain containers "
                "are allowed"
            ) from None

    def call(self, function: Any, arguments: Any) -> Any:
        """A note of the call."""
        if not isinstance(function, _Known) or not isinstance(arguments, tuple):
            raise UnpicklingError("the pickle calls something that is no function")
        return _Noted(function.name, arguments)

    def take_state(self, value: Any, state: Any) -> None:
        """Note the state of an array or dtype."""
        if not isinstance(value, _Noted) or value.name not in ("dtype", "array"):
            raise FormatError("the pickle changes the state of an object that has none, which is refused")
        value.state = state


class _Built(NamedTuple):
    """A built value, and what it holds if what appears several times is counted each time."""

    value: Any
    values: int = 1
    size: int = 0


class _Builder:
    """Builds plain values from what was noted, each object once.

    Args:
        size: The size of the pickle in bytes.
    """

    def __init__(self, size: int) -> None:
        self._most = MOST_COPIES * size
        self._encoded = 0
        self._done: dict[int, tuple[Any, _Built]] = {}  # by id; the object itself, so that no other takes its id

    def build(self, content: Any, depth: int = 0) -> _Built:
        """Build a value.

        Raises:
            FormatError: It is too deep, too large, or holds anything but arrays and plain values.
        """
        if isinstance(content, Inert | _Known):  # an inert object is what remains of a key that cannot be hashed safely
            raise FormatError("it has a key that is neither text nor a number, or an object of an unknown class")
        if not isinstance(content, dict | list | tuple | set | frozenset | _Noted):
            return _Built(content)
        if id(content) in self._done:
            return self._done[id(content)][1]
        if depth > DEEPEST:
            raise FormatError(f"it has containers within containers more than {DEEPEST} deep")
        built = self._called(content, depth) if isinstance(content, _Noted) else self._container(content, depth)
        if built.values > MOST_VALUES or built.size > self._most:
            raise FormatError("it has the same containers or arrays in so many places that they would fill the memory")
        self._done[id(content)] = content, built
        return built

    def _container(self, content: Any, depth: int) -> _Built:
        items = [self.build(item, depth + 1) for item in (content.values() if isinstance(content, dict) else content)]
        values, size = 1 + sum(item.values for item in items), sum(item.size for item in items)
        plain = [item.value for item in items]
        if isinstance(content, dict):
            keys = [self.build(key, depth + 1).value for key in content]
            return _Built(dict(zip(keys, plain, strict=True)), values, size)
        return _Built(type(content)(plain), values, size)

    def _called(self, noted: _Noted, depth: int) -> _Built:
        """The dtype, array, scalar or bytes that a known function returns."""
        if noted.name == "dtype":
            return _Built(self._dtype(noted))
        if noted.name == "bytes":
            text, encoding = noted.arguments
            if encoding != "latin1" or not isinstance(text, str):
                raise FormatError(f"the pickle asks for the encoding {str(encoding)[:40]!r}, which is refused")
            return _Built(self._bytes(text))
        if noted.name == "scalar":
            dtype, data = noted.arguments
            return _Built(np.frombuffer(self._bytes(data), self._dtype(dtype))[0])
        if noted.name == "buffer":
            data, dtype, shape, order = noted.arguments
        else:
            _, shape, dtype, fortran, data = noted.state
            order = "F" if fortran else "C"
        if isinstance(data, list):
            items = [self.build(item, depth + 1) for item in data]
            array = np.empty(len(items), object)
            array[:] = [item.value for item in items]
            values, size = 1 + sum(item.values for item in items), sum(item.size for item in items)
        else:
            array = np.frombuffer(self._bytes(data), self._dtype(dtype))
            values, size = 1, array.nbytes
        return _Built(array.reshape(shape, order="F" if order == "F" else "C"), values, size)

    def _dtype(self, noted: Any) -> np.dtype[Any]:
        """A plain type of number, text or object, and its byte order."""
        if not isinstance(noted, _Noted) or noted.name != "dtype":
            raise FormatError("expected the type of an array's numbers")
        name, *_ = noted.arguments
        if not isinstance(name, str) or not DTYPES.fullmatch(name):
            raise FormatError(f"expected arrays of numbers, text or objects, got the type {str(name)[:40]!r}")
        dtype = np.dtype(name)
        if noted.state is None:
            return dtype
        _, order, _, _, fields, *_ = noted.state
        if fields is not None:
            raise FormatError("expected arrays of numbers, text or objects, got an array of records")
        return dtype.newbyteorder(order)

    def _bytes(self, data: Any) -> bytes:
        """Bytes, which Python 2 wrote as text."""
        data = self.build(data).value
        if isinstance(data, bytes):
            return data
        if not isinstance(data, str):
            raise FormatError(f"expected the bytes of an array, got {type(data).__name__}")
        self._encoded += len(data)
        if self._encoded > self._most:
            raise FormatError("it uses the same text for so many arrays that they would fill the memory")
        return data.encode("latin1")
