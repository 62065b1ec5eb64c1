# Every target installs what it needs: `make demo` and `make test` work in a fresh clone.
PYTHON ?= python3.11
VIDEO ?= .cache/demo.mp4
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test test-programs web test-web check docs format system

demo: .venv/.installed system $(VIDEO)  ## lift a sample video into out/, or your own with VIDEO=yours.mp4
	$(BIN)/poseglass lift $(VIDEO) --embed-video -o out/demo.npz -o out/demo.mp4 -o out/demo.html -o out/demo.png

test: .venv/.installed  ## run the tests, one process per core, at most 4
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --maxprocesses 4

test-programs: .venv/.installed .programs/.installed  ## load exported files in Blender, OpenSim, ezc3d and a glTF validator
	POSEGLASS_PROGRAMS=$(CURDIR)/.programs $(BIN)/pytest tests/programs

web: .venv/.onnx  ## build the page that lifts in the browser into web/dist; needs npm
	$(BIN)/python web/prepare.py
	npm ci --silent --prefix web
	npm run --silent build --prefix web

test-web: web .cache/demo.mp4  ## test the page: its scripts in Node, all of it in Chromium
	$(BIN)/python web/tests/fixture.py
	npm test --silent --prefix web
	POSEGLASS_WEB=$(CURDIR)/web/dist POSEGLASS_DEMO=$(CURDIR)/.cache/demo.mp4 $(BIN)/pytest tests/programs/test_web_page.py

check: .venv/.installed  ## check format, lint, types and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/.installed  ## build the documentation site in out/docs; broken links fail
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

format: .venv/.installed  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(BIN)/pip install --quiet --editable ".[dev]"
	touch $@

.venv/.onnx: .venv/.installed
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(BIN)/pip install --quiet --editable ".[dev,onnx]"
	touch $@

# Blender and OpenSim need different versions of NumPy, so each has its own environment. Both need Python 3.11.
.programs/.installed:
	$(PYTHON) -m venv .programs/blender
	.programs/blender/bin/pip install --quiet bpy==5.0.1
	$(PYTHON) -m venv .programs/opensim
	.programs/opensim/bin/pip install --quiet opensim==4.6 ezc3d==1.7.2
	.programs/blender/bin/python -c "import bpy"  # they install on systems where they do not start
	.programs/opensim/bin/python -c "import opensim, ezc3d"
	npm install --silent --prefix .programs gltf-validator@2.0.0-dev.3.10
	touch $@

# A sample video (BSD-3-Clause) from the wheel of Sports2D, whose hash is checked.
.cache/demo.mp4: demo-video.txt
	mkdir -p .cache
	$(PYTHON) -m pip download --quiet --no-deps --require-hashes --requirement demo-video.txt --dest .cache
	$(PYTHON) -c "import glob, zipfile; open('$@.part', 'wb').write(zipfile.ZipFile(glob.glob('.cache/sports2d-*.whl')[0]).read('Sports2D/Demo/demo.mp4'))"
	mv $@.part $@

# MediaPipe needs two system libraries that a bare server may lack.
system:
	@ldconfig -p | grep -q libEGL.so.1 && ldconfig -p | grep -q libGLESv2.so.2 || \
	{ command -v apt-get >/dev/null && { apt-get install -y libegl1 libgles2 || { apt-get update && apt-get install -y libegl1 libgles2; }; }; } || \
	echo "MediaPipe needs libEGL.so.1 and libGLESv2.so.2; install them (Debian, Ubuntu: sudo apt-get install libegl1 libgles2)"
