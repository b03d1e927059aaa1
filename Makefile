# Two commands do everything, installation included: `make figures` and `make test`.
PYTHON ?= python3.11
VENV := .venv
PRESET ?= tiny

.PHONY: install figures test lint lab clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/bin/python -m pip install --quiet --editable ".[notebooks,elpv,test]"
	$(VENV)/bin/python -m ipykernel install --sys-prefix --name python3 --display-name "Python 3"
	touch $@

figures: install
	$(VENV)/bin/pfl figures --preset $(PRESET)

test: install
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/python -m pytest

lab: install
	$(VENV)/bin/jupyter lab notebooks

clean:
	rm -rf runs build .pytest_cache .ruff_cache
