# Every task of this repository. `make` alone lists them.

.DEFAULT_GOAL := help
.PHONY: help build test test-core test-control-plane test-browser newcomer e2e e2e-full swift edges chaos mutants lint format crds docs site bench demo image release cluster clean

# Property tests use the same random numbers every time; another seed gives other ones.
export PROPTEST_RNG_SEED ?= 1

# As the tests are built, so that no dependency is built twice.
BUILD = cargo build --quiet --locked --workspace --bins --examples
DEBUG = $(or $(CARGO_TARGET_DIR),target)/debug

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the operator: target/debug/direct-upload-operator
	cargo build --locked

test: ## Run all tests of tiers 1 and 2, and sum up; needs no root if tests/machine finds all packages
	@tests/machine test
	@$(MAKE) --no-print-directory cluster
	@tests/all

test-core: ## Run the tests that need no API server (tier 1), with real parsers as judges
	@tests/machine test
	@tests/all --lib --bins --test api --test core --test check --test operator

test-control-plane: ## Run the tests on a real API server (tier 2)
	@tests/machine build
	@$(MAKE) --no-print-directory cluster
	@tests/all --test control_plane

test-browser: ## Compare each answer to a preflight with real Chromium and Firefox (geckodriver builds once, 7 min)
	tests/browser/run

newcomer: ## Run make demo and make test in a bare Debian with only Rust and Go (root, an hour)
	tests/newcomer/run

e2e: ## Upload with a real browser to a real cloud: a smoke test (tier 3); as root
	tests/e2e/run smoke

e2e-full: ## The same with each layout, release and change that docs/proof.md lists
	tests/e2e/run full

swift: ## Test uploads that outlast their token, and imports through Swift, with real Keystone, Swift and Glance (root)
	tests/swift/run

edges: ## Test preflight with real nginx, HAProxy and httpd in front of a real Glance (root)
	tests/edges/run

chaos: ## Inject faults between the operator and the API server, in short; tests/chaos/run does more
	tests/chaos/run short

mutants: ## Count how many small changes of the decisions tier 1 notices: a random sample, recorded in tests/mutants
	tests/mutants/run sample

lint: ## Check format, lints, rustdoc, the language of texts, and that generated files are up to date
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --lib
	crds/generate --check
	$(BUILD)
	$(DEBUG)/examples/reference --check
	tests/words/run
	deploy/release/vex --check

format: ## Format the Rust code
	cargo fmt --all

crds: ## Generate crds/ from the types
	crds/generate

docs: ## Generate the reference tables in docs/ from the types
	$(BUILD)
	$(DEBUG)/examples/reference

site: ## Build the documentation into dist/site, and check its links and search; index.html opens without a server
	site/build

bench: cluster ## Measure time, memory and writes beside a bare client: PAIRS="1 50 200"; SCALE=1000 Horizons, FOREIGN=10000 objects of others
	PAIRS="$(or $(PAIRS),1 50 200)" cargo test --release --locked --test control_plane footprint:: -- --ignored --nocapture
	SCALE=$(or $(SCALE),1000) FOREIGN=$(or $(FOREIGN),10000) cargo test --release --locked --test control_plane scale:: -- --include-ignored --nocapture --test-threads 1

demo: ## Show the operator at work on a real API server; KEEP=1 leaves it running
	@tests/machine demo
	@demo/run

image: ## Build the container image: dist/image.tar; ENGINE=none without podman, buildah or docker
	deploy/image/build

release: ## Build all files of a release, for amd64 and arm64: dist/release
	deploy/release/build dist/binaries
	deploy/release/pack dist/binaries dist/release

cluster: ## Build the control plane for tests and demo, helm, and the GitOps tools (the first time about 12 minutes)
	@tests/cluster/cluster build
	@tests/helm/helm version --short >/dev/null
	@tests/gitops/build >/dev/null

clean: ## Remove what was built here (not the control plane, see tests/cluster/README.md)
	cargo clean
	rm -rf dist
