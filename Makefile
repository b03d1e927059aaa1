# Two commands do everything, installation included: `make figures` and `make test`.
PYTHON ?= python3.11
VENV := .venv
PRESET ?= tiny
RUNTIME := book/live/node_modules/.package-lock.json

.PHONY: install figures solutions test book live slides browser wheel lab pretrain default clean

# CPU=1 takes a build of torch without CUDA, where pip's configuration offers one; docs/speed.md says what it saves.
install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip
	torch=$$($(if $(CPU),$(VENV)/bin/python .ci/cpu_build.py,:)) \
		&& $(VENV)/bin/python -m pip install --quiet --editable ".[notebooks,elpv,test]" $$torch
	touch $@

figures: install
	$(VENV)/bin/pfl figures --preset $(PRESET)

# The solutions of the exercises; a wrong answer is an error.
solutions: install
	$(VENV)/bin/pfl figures --preset $(PRESET) --solutions

test: install
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal --ignore tests/browser

# The notebooks that `make figures` ran, with solutions, API and docs/: runs/book/index.html, which needs no network.
# After `make live`, with the live page.
book: install $(VENV)/.book
	$(VENV)/bin/python book/make.py --preset $(PRESET)

# The book's live page alone: lint, unit tests, and the page itself in runs/book/live. Node and npm are the system's.
live: install $(RUNTIME)
	cd book/live && npm run --silent lint && npm run --silent test
	$(VENV)/bin/python book/make.py --only live

$(RUNTIME): book/live/package.json book/live/package-lock.json
	cd book/live && npm ci --no-audit --no-fund --ignore-scripts --silent
	touch $@

$(VENV)/.book: pyproject.toml
	$(VENV)/bin/python -m pip install --quiet --editable ".[book]"
	touch $@

# One deck a lesson, from the tagged cells of the same notebooks: runs/slides/lesson1.html and lesson2.html.
slides: install $(VENV)/.book
	$(VENV)/bin/python book/slides.py --preset $(PRESET)

# Opens each page of the book, each slide, and each notebook's widget in JupyterLab, in an installed Chromium; screenshots
# are in runs/screenshots.
browser: install $(VENV)/.book
	$(VENV)/bin/python -m pytest tests/browser --browser-required

# The package as users install it: a wheel in an environment of its own, used outside the checkout. Only the dependencies
# are those of .venv (the path in a .pth file; the checkout's own .pth files do not count there).
wheel: install
	rm -rf build runs/wheel
	$(PYTHON) -m venv runs/wheel/fresh
	$(VENV)/bin/python -m pip wheel --quiet --no-deps --wheel-dir runs/wheel .
	runs/wheel/fresh/bin/python -m pip install --quiet --no-deps runs/wheel/*.whl
	$(VENV)/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" \
		> $$(runs/wheel/fresh/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/dependencies.pth
	cd / && $(CURDIR)/runs/wheel/fresh/bin/pfl --help > /dev/null
	cd / && $(CURDIR)/runs/wheel/fresh/bin/python $(CURDIR)/.ci/use_wheel.py

lab: install
	$(VENV)/bin/jupyter lab notebooks

# What ships, made again: the tiny CLIP (about nine hours of one core), then the default model (a quarter of an hour).
# PHOTOGRAPHS contains unpacked Debian packages; without them both commands say which, and how to get them.
PHOTOGRAPHS ?= runs/packages
pretrain: install
	$(VENV)/bin/python -m pfl.workshop.pretrain --photographs $(PHOTOGRAPHS)

default: install
	rm -rf runs/photoscenes
	$(VENV)/bin/python -m pfl.workshop.photoscenes runs/photographs runs/photoscenes --packages $(PHOTOGRAPHS)
	$(VENV)/bin/pfl train runs/photoscenes --epochs 4 --out runs/default
	mkdir -p pfl/assets/default
	cp runs/default/model.json runs/default/weights.safetensors pfl/assets/default/

clean:
	rm -rf runs build .pytest_cache .ruff_cache .mypy_cache
