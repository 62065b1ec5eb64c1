"""Programs that run ONNX files: onnxruntime and OpenVINO."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, final

from numpy import ndarray

from poseglass.errors import ModelError
from poseglass.files.extras import require

__all__ = ["RUNTIMES", "OnnxRuntime", "OpenVino", "Runtime"]

EXTRA = "fast"


class Runtime(ABC):
    """An ONNX file that a program has loaded. Several threads may use it at once.

    Attributes:
        package: The Python package of the program.
    """

    package: ClassVar[str]

    @abstractmethod
    def __init__(self, path: Path, *, threads: int) -> None: ...

    @abstractmethod
    def run(self, inputs: Mapping[str, ndarray]) -> list[ndarray]:
        """Compute the outputs, in the order of the file, from the inputs by name."""


@final
class OpenVino(Runtime):
    """OpenVINO on the CPU, in 32-bit floats.

    On processors with bfloat16, OpenVINO's default precision moves poses by 10 mm in the mean; so it is not used.

    Args:
        path: An ONNX file.
        threads: Threads to compute with.

    Raises:
        ModelError: OpenVINO is not installed, or cannot run the file in 32-bit floats.
    """

    package: ClassVar[str] = "openvino"

    def __init__(self, path: Path, *, threads: int) -> None:
        openvino = require("openvino", EXTRA, ModelError)
        settings = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        self._compiled = openvino.Core().compile_model(str(path), "CPU", settings)
        precision = self._compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        if precision not in ("f32", "float"):
            raise ModelError(f"OpenVINO computes in {precision}, which is not exact enough: use --engine torch")
        self._request = self._compiled.create_infer_request()
        self._lock = threading.Lock()

    def run(self, inputs: Mapping[str, ndarray]) -> list[ndarray]:
        """See :class:`Runtime`."""
        with self._lock:  # a request holds the buffers of one run
            results = self._request.infer(dict(inputs))
            return [results[output].copy() for output in self._compiled.outputs]


@final
class OnnxRuntime(Runtime):
    """Microsoft's onnxruntime on the CPU.

    Args:
        path: An ONNX file.
        threads: Threads to compute with.

    Raises:
        ModelError: onnxruntime is not installed.
    """

    package: ClassVar[str] = "onnxruntime"

    def __init__(self, path: Path, *, threads: int) -> None:
        onnxruntime = require("onnxruntime", EXTRA, ModelError)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run(self, inputs: Mapping[str, ndarray]) -> list[ndarray]:
        """See :class:`Runtime`."""
        outputs: list[Any] = self._session.run(None, dict(inputs))
        return outputs


RUNTIMES: dict[str, type[Runtime]] = {"openvino": OpenVino, "onnxruntime": OnnxRuntime}
"""The programs by the names that ``--engine`` takes, the fastest first."""
