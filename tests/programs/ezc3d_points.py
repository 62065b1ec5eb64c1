"""Read a C3D file with ezc3d and print what it sees, as JSON. Run by a Python that has ezc3d."""

import json
import sys

import ezc3d

content = ezc3d.c3d(sys.argv[1])
points = content["parameters"]["POINT"]
result = {
    "names": points["LABELS"]["value"],
    "units": points["UNITS"]["value"],
    "up": points["Y_SCREEN"]["value"],
    "rate": content["header"]["points"]["frame_rate"],
    "points": content["data"]["points"][:3].transpose(2, 1, 0).tolist(),
    "residuals": content["data"]["meta_points"]["residuals"][0].T.tolist(),
}
print(json.dumps(result))  # noqa: T201
