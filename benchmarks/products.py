"""Time each kernel of poseglass.models.kernels against its plain form: python benchmarks/products.py [THREADS]

Times are in milliseconds, the fastest of 20 in turns, on two threads by default. Without AVX-512, the column
"poseglass" also measures torch.
"""

import sys
from collections.abc import Callable
from time import perf_counter

import torch
from torch import Tensor

from poseglass.models import kernels
from poseglass.models.layers import Linear
from poseglass.waist import prune


def fastest(*runs: Callable[[], object]) -> list[float]:
    """The fastest time of each run in milliseconds, measured in turns."""
    best = [float("inf")] * len(runs)
    for _ in range(20):
        for number, run in enumerate(runs):
            start = perf_counter()
            run()
            best[number] = min(best[number], 1000 * (perf_counter() - start))
    return best


def row(*cells: object) -> None:
    print("|", " | ".join(f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in cells), "|", flush=True)


def heading(*cells: str) -> None:
    print()
    row(*cells)
    row(*("---" for _ in cells))


def products() -> None:
    heading("dtype", "tokens, in, out", "torch", "poseglass", "poseglass, in three")
    for dtype in (torch.float32, torch.bfloat16):
        for rows, wide, out in (
            (243 * 17, 512, 1536),
            (81 * 17, 512, 1536),
            (243 * 17, 256, 768),
            (81 * 17, 256, 768),
            (243 * 17, 128, 384),
            (81 * 17, 128, 384),
            (351, 512, 1536),
            (117, 512, 1536),
            (34, 351, 1053),
        ):
            linear, x = Linear(wide, out).to(dtype), torch.randn(rows, wide).to(dtype)
            forms = (
                lambda x=x, linear=linear: kernels.plain_linear(x, linear.weight, linear.bias, "none"),
                lambda x=x, linear=linear: linear(x),
                lambda x=x, linear=linear: linear.parts(x, 3),
            )
            row(str(dtype)[6:], f"{rows}, {wide}, {out}", *fastest(*forms))


def attention() -> None:
    heading("attention over", "dtype", "torch", "by maps, of 2^16 numbers", "2^18", "2^20", "2^22")
    for dtype in (torch.float32, torch.bfloat16):
        for frames, axis in ((243, "joints"), (243, "frames"), (81, "joints"), (81, "frames")):
            shape = (frames, 8, 17, 64) if axis == "joints" else (17, 8, frames, 64)
            heads = [x.to(dtype) for x in torch.randn(3, *shape)]

            def by_maps(size: int, heads: list[Tensor] = heads) -> Tensor:
                kernels.MAPS = size
                return kernels.attention_by_maps(*heads)

            forms = [lambda size=size: by_maps(1 << size) for size in (16, 18, 20, 22)]
            row(
                f"{frames} frames, {axis}",
                str(dtype)[6:],
                *fastest(lambda heads=heads: kernels.plain_attention(*heads), *forms),
            )


def choices() -> None:
    heading("n-th largest of each column of 17 x 243 x 243", "torch.topk", "by merging")
    x = torch.randn(17, 243, 243)
    for count in (1, 2, 4, 8):
        forms = (kernels.plain_nth_largest, kernels.nth_largest_by_merging)
        row(f"n = {count}", *fastest(*(lambda form=form, count=count: form(x, count) for form in forms)))
    heading("distances of frames, channels", "by differences", "by products")
    for frames, channels in ((243, 128), (243, 512), (351, 1536)):
        x = torch.randn(frames, channels, dtype=torch.float64)
        forms = (prune.distances_by_differences, prune.distances_by_products)
        row(f"{frames}, {channels}", *fastest(*(lambda form=form, x=x: form(x) for form in forms)))
    heading("fusion of 243 x 17 tokens, channels", "by concatenation", "by difference")
    for channels in (128, 256):
        streams, weight = torch.randn(2, 243, 17, channels), torch.randn(2, 2 * channels)
        forms = (kernels.plain_fuse, kernels.fuse_by_difference)
        arguments = (*streams, weight, torch.zeros(2))
        row(channels, *fastest(*(lambda form=form, arguments=arguments: form(*arguments) for form in forms)))


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
    with torch.inference_mode():
        products()
        attention()
        choices()
