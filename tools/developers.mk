# What only developers type: the Makefile includes it, and lists these targets with its own.

##@ For developers

IN := cd $(HOUSE) &&

READY_DEV := $(VENV)/.ready-dev
$(READY_DEV): $(HOUSE)/requirements-dev.txt $(READY)
	@$(INSTALL)
	@touch $@

test: $(READY_DEV) ## the tests, about five minutes
	@$(IN) $(PYTHON) -m pytest

demo-platform: $(READY_DEV) ## a month of the demo through a platform on this machine
	@$(IN) PYTHONPATH=scripts:tests $(PYTHON) tests/demo_platform.py

faults: $(READY_DEV) ## a month stopped at every call; power cuts; many runs at once (needs gcc; minutes)
	@command -v gcc >/dev/null || { \
	  echo "gcc is missing: install it (Debian, Ubuntu: apt install gcc libc6-dev)" >&2; exit 4; }
	@$(IN) $(PYTHON) tests/faults/simulate.py && $(PYTHON) tests/faults/simulate.py --no-link --every 5
	@$(IN) $(PYTHON) -m pytest tests/faults/runs_at_once.py tests/faults/times.py tests/faults/cluster.py
	@$(IN) EVERY=1 $(PYTHON) -m pytest -n 0 tests/test_platform_kills.py

fuzz: $(READY_DEV) ## thousands of broken files through every reader; whole years of random houses (minutes)
	@$(IN) $(PYTHON) tests/fuzz/run.py
	@$(IN) YEARS=4 MONTHS=12 $(PYTHON) -m pytest -n 2 tests/test_whole_year.py

remedies: $(READY_DEV) ## every remedy followed literally, over thousands of broken values and files (minutes)
	@$(IN) $(PYTHON) -m pytest -n 0 --hypothesis-profile deep tests/test_json_slips.py tests/test_remedies.py

platform-years: $(READY_DEV) ## 18 months of random studios through a platform: what leaves is what the input comes to (minutes)
	@$(IN) YEARS=2 MONTHS=18 $(PYTHON) -m pytest -n 2 tests/test_platform_year.py

lint: $(READY_DEV) ## style, format and types
	@$(IN) $(PYTHON) -m ruff check . && $(PYTHON) -m ruff format --check . && $(PYTHON) -m mypy

audit: $(READY) ## known vulnerabilities of what requirements.txt pins, as far as the index knows
	@$(PYTHON) $(HOUSE)/tools/audit_requirements.py $(HOUSE)/requirements.txt

conformance: $(READY_DEV) ## outside judges over a wide corpus [APPROVE=yes: its pages look right]
	@$(IN) PYTHONPATH=scripts:tests $(PYTHON) -m conformance $(if $(filter yes,$(APPROVE)),--approve)
	@$(IN) $(PYTHON) -m pytest -m conformance

bench: $(READY_DEV) ## speed, beside peers [SIZE=small: that nothing was lost, in minutes|large] [PUBLISH=yes: docs/performance.md]
	@$(IN) PYTHONPATH=scripts:tests $(PYTHON) -m bench $(if $(SIZE),--size "$$SIZE") \
	  $(if $(filter yes,$(PUBLISH)),--publish)

pin: ## requirements*.txt again from requirements*.in, with hashes (needs uv)
	@cd $(HOUSE) && for name in requirements requirements-cluster requirements-dev requirements-bench; do \
	  uv pip compile --quiet --generate-hashes --no-header --no-emit-index-url \
	    --python-version 3.11 --output-file $$name.txt $$name.in; done
