"""Import a file into Blender and print the bones' heads in all frames, as JSON. Run by Blender's Python."""

import json
import sys
from pathlib import Path

import bpy

path, fps = Path(sys.argv[1]), float(sys.argv[2])
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
if path.suffix == ".bvh":
    bpy.ops.import_anim.bvh(filepath=str(path), update_scene_fps=True, update_scene_duration=True, global_scale=0.01)
else:
    scene.render.fps = round(fps)  # glTF counts in seconds, and Blender rounds them to frames of the scene
    bpy.ops.import_scene.gltf(filepath=str(path))
armature = next(each for each in scene.objects if each.type == "ARMATURE")
bodies = [each for each in scene.objects if each.type == "MESH" and each.parent == armature]
first, last = map(round, armature.animation_data.action.frame_range)
heads, lowest = [], []
for frame in range(first, last + 1):
    scene.frame_set(frame)
    heads.append([list(armature.matrix_world @ bone.head) for bone in armature.pose.bones])
    graph = bpy.context.evaluated_depsgraph_get()
    for body in bodies:
        posed = body.evaluated_get(graph)
        lowest.append(min((posed.matrix_world @ vertex.co).z for vertex in posed.to_mesh().vertices))
result = {
    "names": [bone.name for bone in armature.pose.bones],
    "heads": heads,
    "lowest": lowest,
    "fps": scene.render.fps / scene.render.fps_base,
    "first": first,
}
print(json.dumps(result))  # noqa: T201
