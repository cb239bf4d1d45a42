# Everything from a bare checkout: `make help`. Each goal does its own set-up, asks nothing, and does nothing twice.
#
#   PYTHON=/path/to/python   use that Python, which must have what pyproject.toml names, instead of a .venv made here
#   LMTX_DATA=/folder        with `make test-long`: holds data folders on which tokens and vectors are compared with those of others
#   CTEST_ARGS="-R nn"       with `make test-address` and `make test-thread`: options for ctest
#   PARTS="c++ address"      with `make test-long`: only these of its parts
#   CMAKE_ARGS=...           further options for CMake, such as -DLMTX_FAISS=OFF; effective when build/ is made
SHELL := /bin/sh
.DELETE_ON_ERROR:
.PHONY: help demo test test-long test-address test-thread coverage notebooks build wheel clean set-up-demo set-up-test build-tests

BUILD := build
ifdef PYTHON
  python := $(PYTHON)
  export PYTHON
else
  python := $(CURDIR)/.venv/bin/python
endif
# Tests and the demo use the package as the build lays it out.
in_checkout := PYTHONPATH=$(CURDIR)/$(BUILD)/python$${PYTHONPATH:+:$$PYTHONPATH} $(python)
# A comma in an argument of $(call).
, := ,
# Warnings are errors where nobody is looking.
werror := $(if $(CI),-DLMTX_WERROR=ON)

help:
	@echo "make demo       a student learns to tag bills of Congress from an LLM's verdicts (minutes)"
	@echo "make test       build everything and run the tests"
	@echo "make test-long  all there is, part by part, with a summary: hours (CONTRIBUTING.md says what each part needs)"
	@echo "make test-address, make test-thread   the C++ tests with sanitizers, in build-address/ and build-thread/"
	@echo "make notebooks  run the notebooks of examples/ again, and write them with what comes out"
	@echo "make coverage   how many lines of the C++ library the tests reach, by folder (half an hour, build-coverage/)"
	@echo "make build      the libraries and the Python module, in $(BUILD)/"
	@echo "make wheel      a wheel in dist/, tried out in a fresh environment"
	@echo "make clean      remove $(BUILD)/, build-*/ and dist/ (.venv stays)"

set-up-demo:
	@scripts/set-up.sh demo
set-up-test:
	@scripts/set-up.sh demo test

# Made once; from then on the build itself sees to it that CMake runs again where needed.
configure = test -f $(BUILD)/build.ninja || cmake -S . -B $(BUILD) -G Ninja -DPython_EXECUTABLE=$(python) $(werror) $(CMAKE_ARGS)
# A failure in C++ does not keep the Python tests from running.
# Two programs at once, each file of tests in one of them. Threads that wait for each other must not spin, then.
pytest_options := -n 2 --dist loadfile
run_tests = status=0; export OMP_WAIT_POLICY=passive; \
  ctest --test-dir $(BUILD) -j 2 --output-on-failure $(1) || status=1; \
  $(in_checkout) -m pytest $(pytest_options) $(2) || status=1; \
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
	@$(in_checkout) scripts/test_long.py $(BUILD) $(PARTS)

# Each in a build tree of its own, without the Python module. What is let pass, and why: tests/sanitizers/. CTEST_ARGS chooses tests.
supp := suppressions=$(CURDIR)/tests/sanitizers
sanitize = test -f build-$(1)/build.ninja || cmake -S . -B build-$(1) -G Ninja -DPython_EXECUTABLE=$(python) -DLMTX_PYTHON=OFF -DLMTX_SANITIZE=$(2) \
    -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 $(CMAKE_ARGS); \
  ninja -C build-$(1) && OMP_NUM_THREADS=2 OMP_WAIT_POLICY=passive OPENBLAS_NUM_THREADS=1 \
    ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:allocator_may_return_null=1 \
    LSAN_OPTIONS=$(supp)/leak.supp:print_suppressions=0 UBSAN_OPTIONS=print_stacktrace=1 \
    TSAN_OPTIONS=$(supp)/thread.supp:print_suppressions=0:ignore_noninstrumented_modules=1:second_deadlock_stack=1 \
    ctest --test-dir build-$(1) --timeout 7200 --output-on-failure $(3) $(CTEST_ARGS)
test-address: set-up-demo
	@$(call sanitize,address,address$(,)undefined)
test-thread: set-up-demo
	@echo "not run with ThreadSanitizer, since nothing there has two threads: fuzz-*, cpp-faults"
	@$(call sanitize,thread,thread,-E '^(fuzz-|cpp-faults)')

notebooks: build
	@scripts/set-up.sh demo test
	@$(in_checkout) scripts/run_notebooks.py

# In a build tree of its own; the Python tests count, too.
coverage: set-up-test
	@scripts/set-up.sh demo test coverage
	@cmake -S . -B build-coverage -G Ninja -DPython_EXECUTABLE=$(python) -DLMTX_COVERAGE=ON
	@ninja -C build-coverage
	@find build-coverage -name '*.gcda' -delete
	@status=0; \
	ctest --test-dir build-coverage --output-on-failure || status=1; \
	PYTHONPATH=$(CURDIR)/build-coverage/python $(python) -m pytest tests/python || status=1; \
	$(python) -m gcovr -r . --object-directory build-coverage --filter lmtx/ --exclude-throw-branches --gcov-ignore-parse-errors=all --json-summary - \
	  | $(python) scripts/coverage_by_folder.py || status=1; \
	exit $$status

wheel: build
	@rm -rf dist
	@$(python) -m pip wheel -q --no-build-isolation --no-deps --wheel-dir dist .
	@$(python) scripts/try_wheel.py dist/*.whl

clean:
	rm -rf $(BUILD) build-* dist
