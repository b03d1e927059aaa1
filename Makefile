# Two commands do everything, installation included: `make figures` and `make test`.
PYTHON ?= python3.11
VENV := .venv
PRESET ?= tiny

.PHONY: install figures test lab pretrain default clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/bin/python -m pip install --quiet --editable ".[notebooks,elpv,test]"
	touch $@

figures: install
	$(VENV)/bin/pfl figures --preset $(PRESET)

test: install
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/python -m pytest

lab: install
	$(VENV)/bin/jupyter lab notebooks

# What ships, made again: the tiny CLIP (nine hours on 2 cores), then the default model (minutes).
pretrain: install
	$(VENV)/bin/python -m pfl.pretrain

default: install
	$(VENV)/bin/pfl train workshop --out runs/default
	mkdir -p pfl/assets/default
	cp runs/default/model.json runs/default/weights.safetensors pfl/assets/default/

clean:
	rm -rf runs build .pytest_cache .ruff_cache
