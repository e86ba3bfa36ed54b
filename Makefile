# Thin over Meson: every target is one script of scripts/, which see. `make demo` and `make check` work alone on a fresh
# Debian 12: they install what is missing and say what. QUERN_CACHE (~/.cache/quern) keeps test servers and peers.
.PHONY: help build test check fuzz bench format lint demo coverage install-deps clean

help:
	@echo 'make demo          documents in a folder to an answer, in a few minutes'
	@echo 'make build         the release build: build/src/cli/quern'
	@echo 'make test          unit tests, replayed fuzz corpora and integration tests'
	@echo 'make check         all that a reviewer runs: both compilers, sanitizers, tests, format, lint'
	@echo 'make lint | format | coverage | fuzz | bench | install-deps | clean'

install-deps:
	@scripts/install-deps build test lint bench

build:
	@scripts/install-deps build
	@scripts/build release

demo:
	@scripts/install-deps build
	@scripts/build release src/cli/quern src/parse/quern-parse
	@scripts/demo

test:
	@scripts/install-deps build test
	@scripts/check unit fuzz integration

check:
	@scripts/install-deps build test lint
	@scripts/check

lint:
	@scripts/install-deps build lint
	@scripts/lint

format:
	@scripts/install-deps lint
	@scripts/format

coverage:
	@scripts/install-deps build test lint
	@scripts/coverage

fuzz:
	@scripts/install-deps build lint
	@scripts/fuzz $(FUZZ_TARGETS)

bench: build
	@scripts/install-deps bench
	@scripts/install-bench
	@bench/run $(BENCH_ARGS)

clean:
	rm -rf build build-check build-coverage build-fuzz
