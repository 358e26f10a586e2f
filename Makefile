# portside's targets; `make` lists them. What takes more than a few lines is a
# script in .ci.

GOLANGCI_LINT_VERSION := v2.13.2
CONTROLLER_GEN_VERSION := v0.23.0
APPLYCONFIGURATION_GEN_VERSION := v0.37.2

BENCH_TARGETS ?= 2000
FUZZTIME ?= 60s
VERSION ?= $(or $(shell git describe --tags --always --dirty 2>/dev/null),devel)

TOOLS := bin/tools
GOLANGCI_LINT := $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)
CONTROLLER_GEN := $(TOOLS)/controller-gen-$(CONTROLLER_GEN_VERSION)
APPLYCONFIGURATION_GEN := $(TOOLS)/applyconfiguration-gen-$(APPLYCONFIGURATION_GEN_VERSION)

# Tests run in the folder of their package, so a relative path would not lead
# them to the control plane.
ifneq ($(filter-out /%,$(firstword $(KUBEBUILDER_ASSETS))),)
override KUBEBUILDER_ASSETS := $(CURDIR)/$(KUBEBUILDER_ASSETS)
endif
ifneq ($(KUBEBUILDER_ASSETS),)
export KUBEBUILDER_ASSETS
endif

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'KUBEBUILDER_ASSETS=<folder> uses the control plane there instead of building one.'

.PHONY: build
build: ## bin/portside, static, with its version in it
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/portside ./cmd/portside

# Of this machine's platform unless PLATFORMS says otherwise.
.PHONY: image
image: ## bin/portside-image.tar, an OCI archive, the same bytes each time (PLATFORMS=linux/amd64,linux/arm64)
	go -C examples/image run . -source $(CURDIR) -version $(VERSION) -archive $(CURDIR)/bin/portside-image.tar $(if $(PLATFORMS),-platforms $(PLATFORMS))

.PHONY: controlplane
controlplane: ## etcd, kube-apiserver, kube-controller-manager and kubectl in bin/k8s; prints the folder
	@.ci/controlplane

# What needs the control plane, but prints something else.
.PHONY: need-controlplane
need-controlplane:
	@.ci/controlplane >/dev/null

.PHONY: demo
demo: need-controlplane ## play the two acts of examples/demo on a real control plane (DEMO_ARGS=--keep leaves it up)
	@go build -o bin/demo ./examples/demo
	@exec bin/demo $(DEMO_ARGS) # under go run, Ctrl-C would be go run's failure

.PHONY: test
test: need-controlplane ## every test of every module (TEST_ARGS goes to go test)
	@.ci/test $(TEST_ARGS)

.PHONY: soak
soak: need-controlplane ## the histories of the tools beside portside in full: 200 rounds, seeds printed (PORTSIDE_SEED replays one)
	@PORTSIDE_SOAK=1 .ci/peers -count=1 -v -timeout 4h -run 'TestModes|Histor' $(TEST_ARGS)

.PHONY: compat
compat: need-controlplane ## the compatibility table in examples/README.md, from what the tools' own code does (some minutes)
	@.ci/compat write

.PHONY: bench
bench: need-controlplane build ## portside against other ways, on a real control plane, its service with BENCH_TARGETS (2000) workloads (BENCH_ARGS)
	@go run ./testenv/bench --binary bin/portside --targets $(BENCH_TARGETS) $(BENCH_ARGS)

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME (60s), one after the other
	@.ci/fuzz $(FUZZTIME)

.PHONY: generate
generate: $(CONTROLLER_GEN) $(APPLYCONFIGURATION_GEN) ## the generated files
	@CONTROLLER_GEN=$(CONTROLLER_GEN) APPLYCONFIGURATION_GEN=$(APPLYCONFIGURATION_GEN) .ci/generate

.PHONY: fmt
fmt: ## format the Go files
	@.ci/go-files | xargs -0 gofmt -s -w

.PHONY: lint
lint: $(GOLANGCI_LINT) ## golangci-lint alone
	$(GOLANGCI_LINT) run ./...

.PHONY: tidy
tidy: ## go mod tidy in every module
	@for module in $$(.ci/modules); do (set -x; go -C "$$module" mod tidy) || exit; done

.PHONY: verify
verify: $(GOLANGCI_LINT) $(CONTROLLER_GEN) $(APPLYCONFIGURATION_GEN) ## everything that is checked but not by tests; changes nothing
	@.ci/verify

.PHONY: clean
clean: ## remove what was built
	rm -rf bin

# Tools are built from their Go modules, once for each version.

$(GOLANGCI_LINT):
	@.ci/tool $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)

$(CONTROLLER_GEN):
	@.ci/tool $@ sigs.k8s.io/controller-tools/cmd/controller-gen@$(CONTROLLER_GEN_VERSION)

$(APPLYCONFIGURATION_GEN):
	@.ci/tool $@ k8s.io/code-generator/cmd/applyconfiguration-gen@$(APPLYCONFIGURATION_GEN_VERSION)
