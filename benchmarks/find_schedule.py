"""Find pyramids that save as many FLOPs as H2OT: python benchmarks/find_schedule.py [MODEL [SAVED [ROUNDS [BEST]]]]

H2OT (Li et al., TPAMI 2025) reports 57.4% fewer FLOPs on MixSTE, about 118.1 G in the paper convention, but not its
schedule. This script searches for schedules `{layer: frames}` of one to three stages, with uniform pruning
and interpolation, that come within 1% of that saving. For each number of stages, it times the BEST schedules in turns
with the backbone, for ROUNDS rounds on one core; with ROUNDS 0 it only counts. The schedules are ours, not H2OT's.

The best schedule keeps the most frames in its last layers, because the poses between them are interpolated. Among
equals, it is the one that prunes latest.
"""

import sys
from itertools import combinations, pairwise

import poseglass as pg
from poseglass.cost.flops import count_flops
from poseglass.models import PoseTransformer

SHARES = (2 / 3, 1 / 2, 4 / 9, 1 / 3, 1 / 4, 2 / 9, 1 / 6, 1 / 9)  # of the clip's frames, kept by a stage
TOLERANCE = 0.01
Schedule = dict[int, int]


def waist(model: PoseTransformer, schedule: Schedule) -> pg.Hourglass:
    return pg.hourglass(model, keep=schedule, prune="uniform", recover="interpolate")


def paper(model: pg.Hourglass | PoseTransformer) -> int:
    return count_flops(model).paper


def candidates(model: PoseTransformer, target: float) -> dict[int, list[Schedule]]:
    """Schedules that meet the target, by number of stages, the best first.

    Linear layers cost the same for each frame, so the paper FLOPs of every schedule follow from one count per layer:
    the saving of pruning one additional frame before that layer.
    """
    whole, one = paper(model), model.frames - 1
    saves = {layer: whole - paper(waist(model, {layer: one})) for layer in range(1, model.depth)}
    ladder = sorted({round(share * model.frames) for share in SHARES}, reverse=True)
    # With one stage, one count of frames meets the target; with several, the counts come from the ladder.
    single = [{layer: model.frames - round((whole - target) / saved)} for layer, saved in saves.items()]
    schedules = {1: [stage for stage in single if min(stage.values()) >= 1]}
    for stages in (2, 3):
        fitting = []
        for layers in combinations(saves, stages):
            for keeps in combinations(ladder, stages):
                steps = [before - after for before, after in pairwise((model.frames, *keeps))]
                flops = whole - sum(saves[layer] * step for layer, step in zip(layers, steps, strict=True))
                if abs(flops / target - 1) <= TOLERANCE:
                    fitting.append(dict(zip(layers, keeps, strict=True)))
        schedules[stages] = fitting
    return {n: sorted(some, key=lambda s: (min(s.values()), *s), reverse=True) for n, some in schedules.items()}


def main(name: str, saved: float, rounds: int, best: int) -> None:
    model = pg.create_model(name)
    backbone = count_flops(model)
    target = (1 - saved) * backbone.paper
    by_stages = candidates(model, target)
    print(f"{name}: {backbone.paper / 1e9:.2f} paper G, {100 * saved:.1f}% saved are {target / 1e9:.2f}")
    print(
        ", ".join(f"{len(schedules)} of {stages} stages" for stages, schedules in by_stages.items()) + " come within 1%"
    )
    print("| layer: frames | paper G | saved | full G | saved | x as fast | time saved | by FLOPs saved (paper) |")
    print("|---|---|---|---|---|---|---|---|")
    for schedule in (schedule for schedules in by_stages.values() for schedule in schedules[:best]):
        fast = waist(model, schedule)
        flops = count_flops(fast)
        assert abs(flops.paper / target - 1) <= TOLERANCE
        text = ", ".join(f"{layer}: {keep}" for layer, keep in schedule.items())
        line = f"| {text} | {flops.paper / 1e9:.2f} | {100 * (1 - flops.paper / backbone.paper):.1f}% "
        line += f"| {flops.full / 1e9:.2f} | {100 * (1 - flops.full / backbone.full):.1f}% "
        if rounds:
            result = pg.bench(fast, against=model, threads=1, rounds=rounds)
            line += f"| {result.speedup:.2f} | {100 * (result.time_saved or 0):.1f}% | {result.realised('paper'):.2f} |"
        else:
            line += "| | | |"
        print(line, flush=True)


if __name__ == "__main__":
    given = dict(enumerate(sys.argv[1:]))
    main(given.get(0, "mixste"), float(given.get(1, 0.574)), int(given.get(2, 3)), int(given.get(3, 2)))
