"""Import a motion into Blender twice, the bones from a BVH file and the body from a GLB file, and draw some frames.

.programs/blender/bin/python docs/blender_picture.py out/demo.bvh out/demo.glb docs/blender.png
"""

import sys
from pathlib import Path

import bpy
from mathutils import Matrix, Vector

FIGURES = 6
APART, BESIDE = 1.7, 0.75  # metres from one frame to the next, and from the bones to the body
WIDTH = 0.09  # of a bone, over its length
COLOURS = {"Left": (0.95, 0.45, 0.05, 1), "Right": (0.1, 0.3, 0.8, 1), "": (0.6, 0.6, 0.65, 1)}


def imported(path):
    """The armature of a file."""
    before = {*bpy.data.objects}
    if path.suffix == ".bvh":
        bpy.ops.import_anim.bvh(
            filepath=str(path), update_scene_fps=True, update_scene_duration=True, global_scale=0.01
        )
    else:
        bpy.ops.import_scene.gltf(filepath=str(path))
    return next(each for each in bpy.data.objects if each.type == "ARMATURE" and each not in before)


def octahedron(head, tail):
    """A bone as Blender draws it: thickest a tenth of the way from its head."""
    turn = (tail - head).to_track_quat("Y", "Z").to_matrix().to_4x4()
    size = (tail - head).length
    ring = [(x * WIDTH * size, 0.1 * size, z * WIDTH * size) for x, z in ((1, 1), (-1, 1), (-1, -1), (1, -1))]
    faces = [(0, 1 + side, 1 + (side + 1) % 4) for side in range(4)]
    faces += [(5, 1 + (side + 1) % 4, 1 + side) for side in range(4)]
    mesh = bpy.data.meshes.new("bone")
    mesh.from_pydata([(0, 0, 0), *ring, (0, size, 0)], [], faces)
    mesh.transform(Matrix.Translation(head) @ turn)
    return mesh


def place(mesh, offset, surface=None):
    if surface is not None:
        mesh.materials.append(surface)
    figure = bpy.data.objects.new("figure", mesh)
    figure.location = offset
    bpy.context.scene.collection.objects.link(figure)


def surface_of(colour):
    surface = bpy.data.materials.new("surface")
    surface.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = colour
    return surface


def stage(centre, floor):
    """A chequered floor with squares of a metre, a lamp and a sky."""
    bpy.ops.mesh.primitive_plane_add(size=60, location=(centre.x, centre.y, floor))
    surface = surface_of((0.5, 0.5, 0.5, 1))
    checks = surface.node_tree.nodes.new("ShaderNodeTexChecker")
    for name, shade in (("Color1", 0.32), ("Color2", 0.24)):
        checks.inputs[name].default_value = (shade, shade, shade * 1.05, 1)
    checks.inputs["Scale"].default_value = 60
    surface.node_tree.links.new(
        checks.outputs["Color"], surface.node_tree.nodes["Principled BSDF"].inputs["Base Color"]
    )
    bpy.context.object.data.materials.append(surface)
    bpy.ops.object.light_add(type="SUN", rotation=(0.7, 0.35, 0.2))
    bpy.context.object.data.energy = 2.5
    sky = bpy.data.worlds.new("sky")
    sky.color = (0.8, 0.85, 0.95)
    sky.node_tree.nodes["Background"].inputs[0].default_value = (0.8, 0.85, 0.95, 1)
    bpy.context.scene.world = sky


def look_at(centre, width):
    data = bpy.data.cameras.new("camera")
    data.lens = 50
    camera = bpy.data.objects.new("camera", data)
    bpy.context.scene.collection.objects.link(camera)
    camera.location = centre + Vector((0, -1, 0.16)).normalized() * width * 1.42
    camera.rotation_euler = (centre - camera.location).to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.camera = camera


def main(bvh, glb, picture):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    skeleton = imported(bvh)
    puppet = imported(glb)
    body = next(each for each in puppet.children if each.type == "MESH")
    surfaces = {side: surface_of(colour) for side, colour in COLOURS.items()}
    first, last = skeleton.animation_data.action.frame_range
    heights = []
    for number in range(FIGURES):
        frame = round(first + (last - first) * number / (FIGURES - 1))
        scene.frame_set(frame)
        hips = skeleton.matrix_world @ skeleton.pose.bones["Hips"].head
        offset = Vector((APART * number - hips.x, -hips.y, 0))
        for bone in skeleton.pose.bones:
            side = next((side for side in ("Left", "Right") if bone.name.startswith(side)), "")
            head, tail = skeleton.matrix_world @ bone.head, skeleton.matrix_world @ bone.tail
            place(octahedron(head, tail), offset, surfaces[side])
            heights += [head.z, tail.z]
        scene.frame_set(frame - 1)  # glTF's animations start at frame 0, BVH's at 1
        posed = bpy.data.meshes.new_from_object(body.evaluated_get(bpy.context.evaluated_depsgraph_get()))
        posed.transform(body.matrix_world)
        place(posed, offset + Vector((BESIDE, 0, 0)))
    for original in (body, puppet, skeleton):
        original.hide_render = True
    width = APART * FIGURES
    centre = Vector(((width - APART + BESIDE) / 2, 0, (min(heights) + max(heights)) / 2))
    stage(centre, min(heights))
    look_at(centre, width)
    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples, scene.cycles.use_denoising = "CPU", 16, False
    scene.render.resolution_x, scene.render.resolution_y = 1400, 560
    scene.render.filepath = str(picture.resolve())
    bpy.ops.render.render(write_still=True)


main(*map(Path, sys.argv[1:]))
