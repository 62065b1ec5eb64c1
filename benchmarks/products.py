"""What poseglass computes otherwise than torch would, in MixSTE's shapes: python benchmarks/products.py

Two threads, the fastest of 20 for each; whole models in turns, medians of 9. Without AVX-512 both sides are the same.
"""

import copy
from collections.abc import Callable
from statistics import median
from time import perf_counter

import torch
import torch.nn.functional as F  # noqa: N812

import poseglass as pg
from poseglass.models.layers import Linear, attend


def fastest(run: Callable[[], object]) -> float:
    times = []
    for _ in range(20):
        begin = perf_counter()
        run()
        times.append(perf_counter() - begin)
    return min(times)


def products() -> None:
    print("| tokens, in, out | torch, GFLOPs/s | here |")
    print("|---|---|---|")
    for frames in (243, 81):
        for wide, out in ((512, 512), (512, 1024), (1024, 512)):
            linear, x = Linear(wide, out), torch.randn(frames * 17, wide)
            flops = 2 * frames * 17 * wide * out / 1e9
            theirs = flops / fastest(lambda x=x, linear=linear: F.linear(x, linear.weight, linear.bias))
            ours = flops / fastest(lambda x=x, linear=linear: linear(x))
            print(f"| {frames * 17}, {wide}, {out} | {theirs:.0f} | {ours:.0f} |")


def attention() -> None:
    print("\n| attention in bfloat16 over | torch's kernel, ms | here |")
    print("|---|---|---|")
    for frames in (243, 81):
        for axis, name in ((2, "joints"), (1, "frames")):
            tokens = torch.randn(3, 1, frames, 17, 512).bfloat16()
            rows = (frames, 17, 8, 64) if axis == 2 else (1, frames, 17 * 8, 64)
            heads = [x.view(rows).transpose(1, 2) for x in tokens]
            theirs = fastest(lambda heads=heads: F.scaled_dot_product_attention(*heads).transpose(1, 2).contiguous())
            ours = fastest(lambda tokens=tokens, axis=axis: attend(*tokens, 8, axis=axis))
            print(f"| {name}, {frames} frames | {1000 * theirs:.1f} | {1000 * ours:.1f} |")


def packing() -> None:
    packed = pg.to_bfloat16(pg.hourglass("mixste", keep=81, at=3), exact=0)
    models, clip = {"packed": packed, "not packed": copy.deepcopy(packed)}, torch.randn(1, 243, 17, 2)
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(10):
        for name, model in models.items():
            begin = perf_counter()
            model(clip)
            times[name].append(perf_counter() - begin)
    print("\nHoT w. MixSTE in bfloat16:", *(f"{name} {median(taken[1:]):.3f} s" for name, taken in times.items()))


if __name__ == "__main__":
    torch.set_num_threads(2)
    with torch.inference_mode():
        products()
        attention()
        packing()
