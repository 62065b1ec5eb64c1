"""Profile the time of a forward pass: python benchmarks/where_time_goes.py [float32|bfloat16] [MODEL KEEP AT]

It prints shares of the CPU time for one clip on one thread, over two passes after two warm-up passes. "Choosing frames"
is the pruner.
"""

import sys

import torch
from torch.profiler import ProfilerActivity, profile, record_function

import poseglass as pg

KINDS = {
    "matrix products of layers": ("aten::addmm", "aten::mm", "mkldnn::_linear_pointwise"),
    "attention, graphs, fusion": (
        "aten::_scaled_dot_product_flash_attention_for_cpu",
        "aten::baddbmm",
        "aten::bmm",
        "aten::_softmax",
        "aten::exp_",
        "aten::sum",
        "aten::aminmax",
        "aten::div",
        "aten::topk",
        "aten::maximum",
        "aten::minimum",
        "aten::addmv_",
        "aten::lerp",
    ),
    "GELU": ("aten::gelu",),
    "norms": ("aten::native_layer_norm",),
    "copies (biases, reordered axes)": ("aten::copy_", "aten::cat"),
    "sums and scales": ("aten::add", "aten::mul", "aten::addcmul"),
}
CHOOSING = "choosing frames"


def main(dtype: str, name: str, keep: int, at: int) -> None:
    torch.set_num_threads(1)
    model = pg.hourglass(name, keep=keep, at=at).eval()
    if dtype == "bfloat16":
        model = pg.to_bfloat16(model, exact=0)
    pose2d = torch.randn(1, model.frames, 17, model.inputs, generator=torch.Generator().manual_seed(0))
    pruner = model.pruner.forward

    def watched(*args: object, **kwargs: object) -> torch.Tensor:
        with record_function(CHOOSING):
            return pruner(*args, **kwargs)

    model.pruner.forward = watched
    with torch.inference_mode():
        model(pose2d)
        model(pose2d)
        with profile(activities=[ProfilerActivity.CPU]) as record:
            model(pose2d)
            model(pose2d)
    events = record.key_averages()
    whole = sum(event.self_cpu_time_total for event in events)
    shares = {
        kind: sum(event.self_cpu_time_total for event in events if event.key in keys) for kind, keys in KINDS.items()
    }
    shares[CHOOSING] = sum(event.cpu_time_total for event in events if event.key == CHOOSING)
    print(f"{name}, {keep} frames at {at}, {dtype}: {whole / 2e6:.2f} s a pass")
    for kind, microseconds in shares.items():
        print(f"  {kind:36s}{100 * microseconds / whole:5.1f}%")


if __name__ == "__main__":
    dtypes = [word for word in sys.argv[1:] if word in ("float32", "bfloat16")] or ["float32", "bfloat16"]
    given = [word for word in sys.argv[1:] if word not in dtypes]
    given = given or ["mixste", "81", "3", "motionbert-lite", "81", "1", "motionagformer-hot", "81", "7"]
    for dtype in dtypes:
        for model, frames, layer in zip(given[::3], given[1::3], given[2::3], strict=True):
            main(dtype, model, int(frames), int(layer))
