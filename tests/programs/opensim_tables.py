"""Load a .trc and a .mot file into OpenSim and print what it sees, as JSON. Run by a Python that has OpenSim."""

import json
import sys

import opensim

markers = opensim.TimeSeriesTableVec3(sys.argv[1])
motion = opensim.Storage(sys.argv[2])
table = opensim.TimeSeriesTable(sys.argv[2])
rows = [markers.getRowAtIndex(row) for row in range(markers.getNumRows())]
result = {
    "markers": list(markers.getColumnLabels()),
    "units": markers.getTableMetaDataString("Units"),
    "rate": markers.getTableMetaDataString("DataRate"),
    "times": list(markers.getIndependentColumn()),
    "points": [[[row[column][axis] for axis in range(3)] for column in range(row.size())] for row in rows],
    "coordinates": list(table.getColumnLabels()),
    "degrees": bool(motion.isInDegrees()),
    "angles": [
        [table.getRowAtIndex(row)[column] for column in range(table.getNumColumns())]
        for row in range(table.getNumRows())
    ],
}
print(json.dumps(result))  # noqa: T201
