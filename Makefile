# Everything from a bare checkout: `make help`. Each goal does its own set-up, asks nothing, and does nothing twice.
#
#   PYTHON=/path/to/python   use that Python, which must have what pyproject.toml names, instead of a .venv made here
#   CMAKE_ARGS=...           further options for CMake, such as -DLMTX_FAISS=OFF; effective when build/ is made
SHELL := /bin/sh
.DELETE_ON_ERROR:
.PHONY: help demo test test-long coverage build wheel clean set-up-demo set-up-test build-tests

BUILD := build
ifdef PYTHON
  python := $(PYTHON)
  export PYTHON
else
  python := $(CURDIR)/.venv/bin/python
endif
# Tests and the demo use the package as the build lays it out.
in_checkout := PYTHONPATH=$(CURDIR)/$(BUILD)/python$${PYTHONPATH:+:$$PYTHONPATH} $(python)
# Warnings are errors where nobody is looking.
werror := $(if $(CI),-DLMTX_WERROR=ON)

help:
	@echo "make demo       a student learns to tag bills of Congress from an LLM's verdicts (minutes)"
	@echo "make test       build everything and run the tests"
	@echo "make test-long  the same with the tests that take long"
	@echo "make coverage   how many lines of the C++ library the tests reach, by folder (half an hour, build-coverage/)"
	@echo "make build      the libraries and the Python module, in $(BUILD)/"
	@echo "make wheel      a wheel in dist/, tried out in a fresh environment"
	@echo "make clean      remove $(BUILD)/ and dist/ (.venv stays)"

set-up-demo:
	@scripts/set-up.sh demo
set-up-test:
	@scripts/set-up.sh demo test

# Made once; from then on the build itself sees to it that CMake runs again where needed.
configure = test -f $(BUILD)/build.ninja || cmake -S . -B $(BUILD) -G Ninja -DPython_EXECUTABLE=$(python) $(werror) $(CMAKE_ARGS)
# A failure in C++ does not keep the Python tests from running.
run_tests = status=0; \
  ctest --test-dir $(BUILD) --output-on-failure $(1) || status=1; \
  $(in_checkout) -m pytest $(2) || status=1; \
  exit $$status

build: set-up-demo
	@$(configure)
	@ninja -C $(BUILD) lmtx_core

demo: build
	@$(in_checkout) -m lmtx demo --out $(BUILD)/demo

build-tests: set-up-test
	@$(configure)
	@ninja -C $(BUILD) all all_verify_interface_header_sets

test: build-tests
	@$(call run_tests)

test-long: build-tests
	@$(call run_tests,-C long,-m "long or not long")

# In a build tree of its own; the Python tests count, too.
coverage: set-up-test
	@scripts/set-up.sh demo test coverage
	@cmake -S . -B build-coverage -G Ninja -DPython_EXECUTABLE=$(python) -DLMTX_COVERAGE=ON
	@ninja -C build-coverage
	@find build-coverage -name '*.gcda' -delete
	@ctest --test-dir build-coverage --output-on-failure
	@PYTHONPATH=$(CURDIR)/build-coverage/python $(python) -m pytest tests/python
	@$(python) -m gcovr -r . --object-directory build-coverage --filter lmtx/ --exclude-throw-branches --gcov-ignore-parse-errors=all --json-summary - \
	  | $(python) scripts/coverage_by_folder.py

wheel: build
	@rm -rf dist
	@$(python) -m pip wheel -q --no-build-isolation --no-deps --wheel-dir dist .
	@$(python) scripts/try_wheel.py dist/*.whl

clean:
	rm -rf $(BUILD) build-* dist
