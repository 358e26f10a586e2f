# The targets of portside, which `make` lists. Longer ones are scripts in .ci.

GOLANGCI_LINT_VERSION := v2.13.2
CONTROLLER_GEN_VERSION := v0.23.0
APPLYCONFIGURATION_GEN_VERSION := v0.37.2
GORELEASER_VERSION := v2.16.0
CYCLONEDX_GOMOD_VERSION := v1.10.0

BENCH_TARGETS ?= 2000
LAB_HISTORIES ?= 200
LAB_SEED ?= 0
FUZZTIME ?= 60s
VERSION ?= $(or $(shell git describe --tags --always --dirty 2>/dev/null),devel)

TOOLS := bin/tools
GOLANGCI_LINT := $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)
CONTROLLER_GEN := $(TOOLS)/controller-gen-$(CONTROLLER_GEN_VERSION)
APPLYCONFIGURATION_GEN := $(TOOLS)/applyconfiguration-gen-$(APPLYCONFIGURATION_GEN_VERSION)
export GORELEASER := $(TOOLS)/goreleaser-$(GORELEASER_VERSION)
export CYCLONEDX_GOMOD := $(TOOLS)/cyclonedx-gomod-$(CYCLONEDX_GOMOD_VERSION)

# Tests run in the folder of their package, so the path must be absolute.
ifneq ($(filter-out /%,$(firstword $(KUBEBUILDER_ASSETS))),)
override KUBEBUILDER_ASSETS := $(CURDIR)/$(KUBEBUILDER_ASSETS)
endif
ifneq ($(KUBEBUILDER_ASSETS),)
export KUBEBUILDER_ASSETS
endif

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'KUBEBUILDER_ASSETS=<folder> uses the control plane in a folder instead of building one.'

.PHONY: build
build: ## build bin/portside, static, with its version
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/portside ./cmd/portside

# For this machine's platform unless PLATFORMS is set.
.PHONY: image
image: ## build bin/portside-image.tar, a reproducible OCI archive (PLATFORMS=linux/amd64,linux/arm64)
	go -C examples/image run . -source $(CURDIR) -version $(VERSION) -archive $(CURDIR)/bin/portside-image.tar $(if $(PLATFORMS),-platforms $(PLATFORMS))

# Six platforms take some minutes the first time. RELEASE_ARGS go to goreleaser.
.PHONY: release
release: need-controlplane release-build ## build the release into bin/release and check it: archives, chart, krew manifest (PUBLISH=yes uploads that of the tag as a draft)
	PORTSIDE_RELEASE=$(CURDIR)/bin/release go -C testenv/release test -count=1 .

# Builds without checking, for the test of testenv/release.
.PHONY: release-build
release-build: $(GORELEASER) $(CYCLONEDX_GOMOD)
	@.ci/release $(if $(PUBLISH),publish,snapshot) $(RELEASE_ARGS)

.PHONY: controlplane
controlplane: ## build etcd, kube-apiserver, kube-controller-manager and kubectl in bin/k8s; print the folder
	@.ci/controlplane

# For targets that need the control plane and print something else.
.PHONY: need-controlplane
need-controlplane:
	@.ci/controlplane >/dev/null

.PHONY: demo
demo: need-controlplane ## run examples/demo on a real control plane (DEMO_ARGS=--keep keeps it running)
	@go build -o bin/demo ./examples/demo
	@exec bin/demo $(DEMO_ARGS) # with go run, Ctrl-C would fail

.PHONY: test
test: need-controlplane $(GORELEASER) $(CYCLONEDX_GOMOD) ## run the tests of every module (TEST_ARGS goes to go test)
	@.ci/test $(TEST_ARGS)

.PHONY: skew
skew: ## build control planes of the other supported releases, once, and run on each what depends on the API server (SKEW="1.35 1.36")
	@.ci/skew $(TEST_ARGS)

.PHONY: facts
facts: ## run the facts (testenv/facts) on every supported release, and generate their page (SKEW="1.35 1.36")
	@.ci/facts $(TEST_ARGS)
	go run ./testenv/facts/page markdown testenv/facts/results >testenv/facts/README.md

.PHONY: test-rabbitmq
test-rabbitmq: need-controlplane ## run the tests with a real RabbitMQ (apt-get install rabbitmq-server)
	go test -tags rabbitmq -count=1 -timeout 20m ./testenv/rabbitmq $(TEST_ARGS)

.PHONY: test-html
test-html: need-controlplane ## check the page of owners -o html in a headless browser, with pictures in bin/page (apt-get install chromium)
	go -C testenv/page test -tags chromium -count=1 -timeout 20m . $(TEST_ARGS)

.PHONY: mutants
mutants: need-controlplane ## break each rule by one changed line and check that a test fails (MUTANTS='case|gate' for the rules that match)
	@go run ./testenv/mutants -rules '$(MUTANTS)'

.PHONY: soak
soak: need-controlplane ## run the histories of portside with other tools for 200 rounds, printing seeds (PORTSIDE_SEED replays one)
	@PORTSIDE_SOAK=1 .ci/peers -count=1 -v -timeout 4h -run 'TestModes|Histor' $(TEST_ARGS)

.PHONY: lab
lab: need-controlplane build ## play LAB_HISTORIES (200) random histories of the service, with killed processes and failing requests (LAB_SEED replays; LAB_ARGS)
	@go run ./testenv/lab --binary bin/portside --histories $(LAB_HISTORIES) --seed $(LAB_SEED) $(LAB_ARGS)

.PHONY: compat
compat: need-controlplane ## generate the compatibility table in examples/README.md with the tools' own code (some minutes)
	@.ci/compat write

.PHONY: bench
bench: need-controlplane build ## compare portside with other ways on a real control plane, its service with BENCH_TARGETS (2000; 100,1000) workloads (BENCH_ARGS)
	@go -C testenv/bench run . --binary bin/portside --targets $(BENCH_TARGETS) $(BENCH_ARGS)

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (60s), one after the other
	@.ci/fuzz $(FUZZTIME)

.PHONY: generate
generate: $(CONTROLLER_GEN) $(APPLYCONFIGURATION_GEN) ## generate the generated files
	@CONTROLLER_GEN=$(CONTROLLER_GEN) APPLYCONFIGURATION_GEN=$(APPLYCONFIGURATION_GEN) .ci/generate

.PHONY: fmt
fmt: ## format the Go files
	@.ci/go-files | xargs -0 gofmt -s -w

.PHONY: lint
lint: $(GOLANGCI_LINT) ## run golangci-lint
	$(GOLANGCI_LINT) run ./...

.PHONY: tidy
tidy: ## run go mod tidy in every module
	@for module in $$(.ci/modules); do (set -x; go -C "$$module" mod tidy) || exit; done
	@cd testenv/controlplane && for file in 1.*.mod; do (set -x; go mod tidy -modfile="$$file") || exit; done

.PHONY: verify
verify: $(GOLANGCI_LINT) $(CONTROLLER_GEN) $(APPLYCONFIGURATION_GEN) $(GORELEASER) $(CYCLONEDX_GOMOD) ## check what tests do not; change nothing
	@.ci/verify

.PHONY: clean
clean: ## remove built files
	rm -rf bin

# Tools are built from Go modules, once for each version.

$(GOLANGCI_LINT):
	@.ci/tool $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)

$(CONTROLLER_GEN):
	@.ci/tool $@ sigs.k8s.io/controller-tools/cmd/controller-gen@$(CONTROLLER_GEN_VERSION)

$(APPLYCONFIGURATION_GEN):
	@.ci/tool $@ k8s.io/code-generator/cmd/applyconfiguration-gen@$(APPLYCONFIGURATION_GEN_VERSION)

$(GORELEASER):
	@.ci/tool $@ github.com/goreleaser/goreleaser/v2@$(GORELEASER_VERSION)

$(CYCLONEDX_GOMOD):
	@.ci/tool $@ github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX_GOMOD_VERSION)
