# `make help` lists every target. CI runs lint, verify and test: nothing else is needed to know that a change is good.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Where programs, images and clusters are kept; checkouts can share one.
CACHE := $(or $(ECQX_CACHE),.cache)

DENY_VERSION := 0.20.2
DENY := $(CACHE)/tools/cargo-deny-$(DENY_VERSION)/bin/cargo-deny
CARGO_FUZZ_VERSION := 0.13.2
CARGO_FUZZ := $(CACHE)/tools/cargo-fuzz-$(CARGO_FUZZ_VERSION)/bin/cargo-fuzz
# What `make fuzz` runs, and for how long each.
FUZZ ?= edited_answers answers transfers kept
FUZZ_SECONDS ?= 600
FUZZ_TEXTS ?= 10000000
# How often `make limits` repeats each race.
RACES ?= 100
# How many queries `make compare-dns` compares.
QUERIES ?= 100000
FUZZ_ASTERISK ?= 300000
OUTAGE_SECONDS ?= 600
FLOOD_SECONDS ?= 60
# What `make generate` makes.
GENERATED := crds/manifests charts/ecqx-crds/generated pbx/contract/schema docs/events.md
CLUSTER = cargo run --quiet -p ecqx-tests --bin ecqx-cluster --
DEMO := $(CACHE)/run/demo
BINARIES = $$(tests/cluster/build.sh)

##@ To use

.PHONY: demo
demo: setup ## Start a cluster (or take KUBECONFIG's), install the charts, run an order through, leave it running
	@if [ -n "$${KUBECONFIG:-}" ]; then \
	  cargo run --quiet -p ecqx-tests --bin ecqx-demo; \
	else \
	  $(CLUSTER) up && cargo run --quiet -p ecqx-tests --bin ecqx-demo -- --ready $(DEMO)/ready.json; \
	fi

.PHONY: down
down: ## Stop the demo's cluster and leave nothing behind
	@$(CLUSTER) down

.PHONY: kubectl
kubectl: ## Print the folder of kubectl, helm and the cluster's other programs
	@echo $(BINARIES)

##@ To develop

.PHONY: setup
setup: packages cluster-binaries ## Install Debian packages that are missing, build the cluster's programs

.PHONY: packages
packages:
	@tests/cluster/packages.sh

.PHONY: cluster-binaries
cluster-binaries:
	@tests/cluster/build.sh > /dev/null

.PHONY: build
build: ## Build everything
	@cargo build --workspace --all-targets

.PHONY: images
images: packages ## Build the images into .cache/images; prints name, reference and archive of each
	@images/build.sh all

.PHONY: test
test: setup build ## Pass all tests: units, parts against a real API server, the whole path on a real cluster
	@images/build.sh all > /dev/null
	@cargo test --workspace
	@cargo test --package ecqx-tests --test pbx
	@cargo test --workspace --test e2e

.PHONY: e2e
e2e: setup ## The whole path on a real cluster only; FILTER=words chooses tests
	@cargo test --workspace --test e2e -- $(FILTER)

.PHONY: test-pbx
test-pbx: setup images ## Real PBXs and calls without a cluster only; FILTER=words chooses tests
	@cargo test --package ecqx-tests --test pbx -- $(FILTER)

.PHONY: scale-pbx
scale-pbx: setup images ## The same limits at 152, 300 and 3000; prints what this machine allows
	@cargo test --package ecqx-tests --test pbx -- --ignored --nocapture --test-threads=1 $(FILTER)

.PHONY: limits
limits: setup images ## Every race for the last place RACES=100 times, without a cluster and in one, and a kubelet that is away for a minute
	@ECQX_RACES=$(RACES) cargo test --package ecqx-tests --test pbx -- each_time --nocapture
	@ECQX_RACES=$(RACES) cargo test --package ecqx-tests --test e2e -- each_time
	@ECQX_KUBELET_AWAY=60 cargo test --package ecqx-tests --test e2e -- kubelet_was_away

.PHONY: pbx
pbx: setup images ## Start one PBX without a cluster, to be looked at by hand; Ctrl-C ends it
	@cargo run --quiet -p ecqx-tests --bin ecqx-pbx

.PHONY: bench
bench: setup images ## Benchmarks, printed as ratios within one run
	@cargo run --quiet -p ecqx-tests --bin ecqx-bench

.PHONY: bench-pbx
bench-pbx: setup images ## Our PBX beside the same Asterisk with a configuration written by hand, as ratios within one run
	@cargo run --quiet -p ecqx-tests --bin ecqx-bench-pbx

.PHONY: bench-dns
bench-dns: setup ## The name server beside NSD and Knot: queries a second and memory, as ratios within one run; and how soon a change is served; ECQX_BENCH_ROUNDS=3 for a shorter one
	@cargo bench --quiet -p ecqx-dns --bench peers
	@cargo bench --quiet -p ecqx-dns --bench propagation

.PHONY: compare-dns
compare-dns: setup ## The name server's answers beside NSD's and Knot's, for QUERIES=100000 queries, unsigned and signed
	@ECQX_DNS_QUERIES=$(QUERIES) cargo test --quiet -p ecqx-dns --test peers --test signed -- every_answer --nocapture

.PHONY: outage
outage: setup ## The name server while Kubernetes is away, stopped and silent, for 10 minutes each; OUTAGE_SECONDS=n for another time
	@ECQX_OUTAGE_SECONDS=$(OUTAGE_SECONDS) cargo test --quiet -p ecqx-dns --test outage -- --nocapture

.PHONY: external-dns
external-dns: setup ## Names handed over to external-dns itself, with PowerDNS as the provider (not part of `make test`)
	@tests/cluster/packages.sh pdns-server pdns-backend-lmdb
	@ECQX_EXTERNAL_DNS=$$(tests/external-dns/build.sh) cargo test --package ecqx-operator --test reconcile -- --ignored external_dns --nocapture

.PHONY: flood
flood: packages ## A minute of malformed and forged packets in a network namespace; FLOOD_SECONDS=n for another time
	@ECQX_FLOOD_SECONDS=$(FLOOD_SECONDS) cargo test --quiet -p ecqx-dns --test flood -- --nocapture

.PHONY: fuzz
fuzz: fuzz-dns fuzz-pbx ## Both of these

.PHONY: fuzz-dns
fuzz-dns: $(CARGO_FUZZ) ## Fuzz the name server, 10 minutes a target; FUZZ_SECONDS=n for another time, FUZZ="names" for some
	@cd dns/fuzz && for target in $(FUZZ); do \
	  mkdir -p corpus/$$target; echo "$$target: $(FUZZ_SECONDS) s" >&2; \
	  RUSTC_BOOTSTRAP=1 ../../$(CARGO_FUZZ) run --fuzz-dir . --sanitizer none $$target -- -max_len=700 -timeout=5 -rss_limit_mb=2048 \
	    -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 || exit 1; \
	done

.PHONY: fuzz-pbx
fuzz-pbx: setup images ## Hostile texts through the PBX's renderer: 10 million judged by a model of Asterisk's parser, then 300,000 by Asterisk
	@ECQX_FUZZ_TEXTS=$(FUZZ_TEXTS) cargo test --quiet --release --package pbx-agent --test fuzz -- --nocapture
	@ECQX_FUZZ_TEXTS=$(FUZZ_ASTERISK) cargo test --quiet --package ecqx-tests --test pbx -- fuzz:: --nocapture

##@ To keep it good

.PHONY: lint
lint: $(DENY) ## Format, clippy, dependencies, charts, scripts
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets --quiet -- -D warnings
	@cargo clippy --package ecqx-tests --test pbx --test e2e --quiet -- -D warnings  # not among all targets, since they need images
	@$(DENY) --log-level error check bans licenses sources
	@for chart in charts/*; do $(BINARIES)/helm lint --quiet $$chart; done
	@for script in .ci/run tests/cluster/*.sh images/*.sh; do bash -n $$script; done

.PHONY: advisories
advisories: $(DENY) ## Ask the advisory database about the dependencies (needs a network)
	@$(DENY) check advisories

.PHONY: generate
generate: ## Make the generated files: the kinds' manifests, their copies in the chart, the schemas of the PBX's files
	@cargo run --quiet -p ecqx-crds --bin crdgen crds/manifests > /dev/null
	@rm -rf charts/ecqx-crds/generated && cp -r crds/manifests charts/ecqx-crds/generated
	@ECQX_GENERATE=1 cargo test --quiet --package pbx-contract --test schema > /dev/null

.PHONY: verify
verify: ## Check that the generated files are current, and that a real API server takes the charts as they are
	@before=.cache/generated-before; trap 'rm -rf .cache/generated-before' EXIT; \
	rm -rf $$before && mkdir -p $$before && cp -r --parents $(GENERATED) $$before; \
	$(MAKE) --no-print-directory generate; \
	stale=; for made in $(GENERATED); do diff -ru $$before/$$made $$made || stale=$$made; done; \
	[ -z "$$stale" ] || { echo "generated files were not current; they are now: commit them" >&2; exit 1; }
	@cargo test --quiet --workspace --test charts

$(CARGO_FUZZ):
	@echo "building cargo-fuzz $(CARGO_FUZZ_VERSION): a minute, once" >&2
	@cargo install cargo-fuzz --quiet --locked --version $(CARGO_FUZZ_VERSION) --root $(CACHE)/tools/cargo-fuzz-$(CARGO_FUZZ_VERSION)

$(DENY):
	@echo "building cargo-deny $(DENY_VERSION): some minutes, once" >&2
	@cargo install cargo-deny --quiet --locked --version $(DENY_VERSION) --root $(CACHE)/tools/cargo-deny-$(DENY_VERSION)

.PHONY: clean
clean: down ## Remove what was built
	@cargo clean --quiet
	@rm -rf .cache dist  # but not what ECQX_CACHE names: other checkouts may use it

.PHONY: help
help: ## List all targets
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
