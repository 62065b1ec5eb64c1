"""Import a GLB file into Blender and export it again, as GLB or BVH. Run by Blender's Python."""

import json
import sys
from pathlib import Path

import bpy

source, target, fps = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.fps = round(fps)
bpy.ops.import_scene.gltf(filepath=str(source))
armature = next(each for each in scene.objects if each.type == "ARMATURE")
scene.frame_start, scene.frame_end = map(round, armature.animation_data.action.frame_range)
if target.suffix == ".glb":
    bpy.ops.export_scene.gltf(filepath=str(target))
else:
    bpy.context.view_layer.objects.active = armature
    bpy.ops.export_anim.bvh(filepath=str(target), frame_start=scene.frame_start, frame_end=scene.frame_end)
print(json.dumps([scene.frame_start, scene.frame_end]))  # noqa: T201
