# A thin door to CMake: CMakeLists.txt says what to build, CMakePresets.json how, and
# tools/bootstrap brings the tools that are missing.
#
#   make            the library, the examples and the benchmark, in build/
#   make demo       the examples on real input
#   make test       the whole suite: plain, under the sanitizers, part under valgrind;
#                   ARGS="-R mutex" goes to ctest
#   make stress     the stress tests for SECONDS each, as PRESET=release, asan or tsan
#   make bench      bine beside its peers
#   make install    to PREFIX, below DESTDIR if set
#   make format     the sources, by clang-format
#   make clean      everything that was built

PRESET  ?= release
PREFIX  ?= /usr/local
SECONDS ?= 60
JOBS    ?= $(shell nproc)

build = build$(patsubst %,-%,$(filter-out release,$(PRESET)))

# The make that cmake may run shares no jobs with this one, and its folders are of no interest.
cmake_build = unset MAKEFLAGS MAKELEVEL; cmake --build $(build) -j$(JOBS)

.PHONY: all demo test stress bench install format clean

all: $(build)/Makefile
	@$(cmake_build)

$(build)/Makefile:
	@tools/bootstrap cc cmake $(filter asan tsan,$(PRESET))
	@cmake --preset $(PRESET)

# Examples that need a library which was missing when the build was configured.
$(build)/examples/treesum: | all
	@tools/bootstrap crypto png
	@cmake --preset $(PRESET)
	@$(cmake_build)

# Where an example exits with 1, some files could not be read.
demo: $(build)/examples/treesum
	@$(build)/examples/pool
	@echo
	@$(build)/examples/treesum >$(build)/treesum.sums || test $$? = 1
	@sha256sum -c --quiet $(build)/treesum.sums
	@echo "sha256sum agrees with all $$(wc -l <$(build)/treesum.sums) sums."
	@echo
	@$(build)/examples/wordcount --mutex || test $$? = 1
	@echo
	@$(build)/examples/mandelbrot --workers-view --output $(build)/mandelbrot.png
	@find /usr/include -name '*.h' -exec cat {} + >$(build)/headers.txt
	@$(build)/examples/psort --compare --output $(build)/sorted.txt $(build)/headers.txt
	@LC_ALL=C sort $(build)/headers.txt | cmp - $(build)/sorted.txt && echo "sort agrees."
	@echo
	@echo "What to try next:"
	@echo "  $(build)/examples/pool --tasks 40 --workers 8 --svg pool.svg"
	@echo "  $(build)/examples/treesum --compare ~"
	@echo "  $(build)/examples/httpd --port 8080 docs, and a browser"
	@echo "  $(build)/examples/chat --port 7070, and telnet localhost 7070"
	@echo "  make test, make bench, and the program in README.md"

test:
	@JOBS=$(JOBS) tests/run $(ARGS)

stress: $(build)/Makefile
	@$(cmake_build) --target tests
	@TEST_SECONDS=$(SECONDS) ctest --test-dir $(build) -L stress -j$(JOBS) \
		--timeout $$(($(SECONDS) + 400)) --no-tests=error --output-on-failure

bench: all
	@bench/run

install: all
	@cmake --install $(build) --prefix $(PREFIX)

format:
	@tools/bootstrap clang-format
	@find src tests examples bench -path bench/peers -prune -o -name '*.[ch]' -print | \
		xargs clang-format -i

clean:
	rm -rf build build-*
