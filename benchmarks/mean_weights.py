"""Average two sets of weights of one model: python benchmarks/mean_weights.py START TRAINED OUT [SHARE]

OUT holds (1 - SHARE) times START plus SHARE times TRAINED, by default half of each, as float16, with the description of
TRAINED. If training started from START, the mean keeps much of what each is best at (Wortsman et al., "Robust
fine-tuning of zero-shot models", CVPR 2022).
"""

import sys

import poseglass as pg


def main(start: str, trained: str, out: str, share: float = 0.5) -> None:
    before, model = pg.load(start).state_dict(), pg.load(trained)
    mean = {name: before[name].lerp(value, share) for name, value in model.state_dict().items()}
    model.load_state_dict(mean)
    pg.save(model, out, half=True, about=f"{1 - share:g} of the first stage's weights and {share:g} of the second's")


if __name__ == "__main__":
    main(*sys.argv[1:4], *map(float, sys.argv[4:]))
