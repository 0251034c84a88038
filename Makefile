# Everything that a person or CI runs here; the scripts behind it are in .ci/ and packaging/.
.NOTPARALLEL:
.SILENT:
.PHONY: help demo test lint deb bench fuzz soak campaign clean

PYTHON = .venv/bin/python

help:
	echo 'make demo      watch mailwatch find, cure and report an outage, in ten seconds'
	echo 'make test      run all tests; as root it installs what the end-to-end part needs'
	echo 'make lint      check style, types, the direction of imports, and the manual'
	echo 'make deb       build dist/mailwatch_VERSION_all.deb'
	echo 'make bench     measure mailwatch beside other watchers, and with OLD=PATH an old tree'
	echo 'make fuzz      throw broken conversations at the probes'
	echo 'make soak      look for leaks over many rounds'
	echo 'make campaign  kill mailwatch at every point and check what it lost'
	echo 'make clean     remove all that the other targets made'
	echo 'ARGS="..." is handed on to demo, test, bench, fuzz, soak and campaign.'

demo:
	python=$$(.ci/find-python) && exec "$$python" -m mailwatch demo $(ARGS)

test: .venv/.stamp
	.ci/test $(ARGS)

lint: .venv/.stamp
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy
	.venv/bin/lint-imports
	$(PYTHON) packaging/man/reference.py --check
	$(PYTHON) packaging/completion/generate.py --check

deb:
	packaging/build-deb.sh

bench: .venv/.stamp
	$(PYTHON) tests/bench/bench.py $(OLD:%=--old %) $(ARGS)

fuzz soak campaign: .venv/.stamp
	$(PYTHON) tests/$@/$@.py $(ARGS)

clean:
	# The root file systems of the end-to-end tests are in .cache; what is mounted there is not ours.
	rm -rf --one-file-system .venv build dist *.egg-info .cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find . -xdev -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.stamp: pyproject.toml
	.ci/venv
