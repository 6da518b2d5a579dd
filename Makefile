# zos-ort: make search, make test; make help lists the rest.

GO      ?= go
CC      ?= cc
BIN     := bin/zos-ort
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
export CGO_ENABLED = 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-cuda kernels-cuda tools build sbom image-root test-cluster test-reproducible govulncheck search demo test race test-deploy bench bench-memory bench-passes bench-retrain bench-scaling bench-go bench-gpu test-gpu gpu-kit test-report test-tensorboard test-mlflow table1-small quality ratios test-slurm test-mpi test-neon lint generate fuzz fuzz-ci torture soak clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

tools:
	@command -v $(GO) >/dev/null 2>&1 || { echo "make: Go is missing: install Go 1.26 or later (package 'golang' or go.dev)" >&2; exit 1; }
	@command -v $(CC) >/dev/null 2>&1 || { echo "make: a C compiler is missing: install the package 'gcc'" >&2; exit 1; }

setup: tools ## fetch ONNX Runtime into the cache (nothing to do the second time)
	@GO="$(GO)" sh ort/runtime/setup.sh

setup-cuda: tools ## fetch the build of ONNX Runtime for CUDA too (165 MB)
	@GO="$(GO)" sh ort/runtime/setup.sh cuda

kernels-cuda: tools ## compile our CUDA kernels for all GPUs (fetches NVRTC, 58 MB), to be committed
	@sh ort/kernels/device/nvrtc.sh
	$(GO) run ./ort/kernels/device/compile ort/kernels/device/kernels.cu ort/kernels/device/images.tar.gz

# No path, date or state of this folder is in the program: the same source, Go and C compiler give the same bytes anywhere.
BUILD := build -trimpath -buildvcs=false -ldflags "-X zos-ort/cmd/internal/settings.Program=$(VERSION)"
build: tools ## build bin/zos-ort
	@$(GO) $(BUILD) -o $(BIN) ./cmd/zos-ort

sbom: build ## list what the program is made of: modules with their sums, settings of the build, ONNX Runtime with its SHA-256
	@$(GO) version -m $(BIN)
	@sed 's/^/runtime /' ort/runtime/SHA256SUMS

test-reproducible: tools ## build twice, in other folders and without a cache in common, and compare the bytes (10 minutes)
	@GO="$(GO)" sh cmd/zos-ort/reproducible.sh $(BUILD)

# ROOT is a folder that does not exist yet. The Dockerfile makes its image of it.
ROOT ?= bin/image
image-root: setup build ## fill ROOT with the files of a container image
	@sh cmd/zos-ort/image.sh ./$(BIN) "$(ROOT)"

# GOVULNDB is another copy of the database: a folder of it as file:///DIR.
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
GOVULNDB    ?=
govulncheck: tools ## list known vulnerabilities in the code that the program calls (needs Go's database of them)
	@GOBIN="$(abspath bin)" $(GO) install $(GOVULNCHECK) || { echo "make: govulncheck cannot be fetched from here" >&2; exit 1; }
	@bin/govulncheck $(if $(GOVULNDB),-db "$(GOVULNDB)") ./cmd/zos-ort; case $$? in \
	0) ;; \
	3) echo "make: the program calls code with the vulnerabilities above: update Go or the modules" >&2; exit 1 ;; \
	*) echo "make: govulncheck found nothing out: its database cannot be reached (see above); GOVULNDB=file:///DIR takes a copy" >&2; exit 1 ;; \
	esac

search: setup build ## find a network on the built-in data
	./$(BIN) search --xi 0.5

# A name of its own for every demonstration, as nothing is written over.
OUT  ?= runs/demo/$(shell date +%Y%m%d-%H%M%S)
DATA ?=
demo: setup build ## search, retrain, export, predict: five minutes; DATA=DIR takes images of yours
	@sh cmd/zos-ort/demo.sh ./$(BIN) "$(OUT)" $(if $(DATA),"$(DATA)")

test: setup ## vet and test everything; STRICT=1: a skipped test fails unless .ci/skips lists its reason
	$(GO) vet ./...
	$(if $(STRICT),$(GO) test -timeout 40m -json ./... ./.ci/strict | $(GO) run ./.ci/strict .ci/skips,$(GO) test -timeout 40m ./...)
	@$(MAKE) --no-print-directory test-cluster

test-cluster: tools ## check the Jobs of sweeps against the types of the Kubernetes API, and the Dockerfile (a module of its own)
	cd .ci/cluster && $(GO) test -count 1 ./...

# Packages without heavy numbers: the detector makes the others ten times slower.
RACE := ./models/ranks ./models/space ./models/stream ./models/safe ./models/method ./graphgen/ir ./graphgen/plan ./graphgen/reader \
  ./ort ./ort/program ./ort/nvml ./prune/... ./search/checkpoint ./search/data/... ./search/retrain ./search/train ./cmd/internal/cells \
  ./cmd/internal/host ./cmd/internal/rundir ./cmd/internal/settings ./cmd/internal/terminal ./cmd/internal/watch
race: setup ## run the race detector where it takes minutes, not hours
	$(GO) test -race -timeout 20m $(RACE)

NEON_CC  ?= aarch64-linux-gnu-gcc
NEON_RUN ?= qemu-aarch64
test-gpu: setup-cuda ## prove the programs on a GPU (skips and says why where there is none)
	ZOS_GPU=1 $(GO) test -count 1 -v -run '^TestGPU$$' ./cmd/internal/conformance

# PYTHON is one with PyTorch for CUDA; without it (python3 is looked at), our side alone is timed.
PYTHON        ?=
BENCHGPUFLAGS ?= --compile --minutes 180
bench-gpu: setup-cuda build ## step times and memory peaks on a GPU, beside PyTorch, eager and compiled: PYTHON=VENV/bin/python
	./$(BIN) bench --device cuda $(if $(PYTHON),--python "$(PYTHON)") $(BENCHGPUFLAGS)

# KIT is the folder that the kit fills, DATA10 CIFAR-10 for its search and retraining (left out if it is missing).
KIT ?= runs/gpu-kit
gpu-kit: setup-cuda build ## pack what a GPU machine without network, Go or Maven needs to test and measure: KIT=DIR
	@mkdir -p "$(KIT)" && $(GO) test -c -o "$(KIT)/conformance.test" ./cmd/internal/conformance
	@sh cmd/zos-ort/kit/make.sh "$(abspath $(BIN))" "$(KIT)/conformance.test" "$(KIT)" $(if $(wildcard $(DATA10)/data_batch_1.bin),"$(DATA10)")
	@rm "$(KIT)/conformance.test"

SCREENSHOTS ?= bin/screenshots
test-report: tools ## open report pages in Debian's Chromium (skips without it); pictures of them go to SCREENSHOTS
	@mkdir -p $(SCREENSHOTS)
	ZOS_SCREENSHOTS=$(abspath $(SCREENSHOTS)) $(GO) test -count 1 -v ./cmd/internal/report

test-neon: tools ## run our kernels as an ARM processor does, in an emulator
	@for t in $(NEON_CC) $(NEON_RUN); do command -v $$t >/dev/null 2>&1 || { \
	  echo "make: skipped: $$t is missing (Debian: gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user)"; exit 0; }; done; \
	ZOS_CROSS="$(NEON_CC) $(NEON_RUN)" $(GO) test -count 1 -timeout 30m -run TestCross ./ort/kernels

test-tensorboard: setup build ## read the events of a search with Python's tensorboard (installs it into a temporary folder)
	@sh cmd/zos-ort/testdata/tensorboard/run.sh $(BIN)

test-mlflow: setup build ## push a search to MLflow's own server on loopback (installs it into a temporary folder)
	@sh cmd/zos-ort/testdata/mlflow/run.sh $(BIN)

test-deploy: setup build ## run exported models in Python's stock onnxruntime (installs it into a temporary folder)
	@sh cmd/zos-ort/testdata/deploy/run.sh $(BIN)

bench: setup build ## time the steps of a search, beside PyTorch where there is one (20 minutes)
	./$(BIN) bench $(BENCHFLAGS)

bench-memory: setup build ## predicted memory of all methods beside the arena's count, at batch 4, 8 and 16
	for b in 4 8 16; do ./$(BIN) memory --methods all --measure --batch $$b || exit 1; done

bench-passes: setup build ## what each pass does to peak and step time, at batch 16 (16 minutes)
	./$(BIN) memory --passes-table --measure --methods darts,pc-darts --batch 16

bench-retrain: setup build ## step time and peak memory of retraining 20 cells of 36 channels at batch 128
	./$(BIN) memory --retrain DARTS_V2 --batch 128 --measure

bench-scaling: setup build ## how steps grow with batch, cells, channels, operations (6 minutes)
	./$(BIN) scaling $(BENCHFLAGS)

# The comparison of Table 1 in a test-sized setting, whose techniques decide by their alphas. TABLE1FLAGS adds to it or overrides it.
DATA10   ?= ../shared/data/cifar-10-batches-bin
DATA100  ?= ../shared/data/cifar-100-binary
TABLE1   ?= runs/table1-small
table1-small: setup build ## all methods on CIFAR-10 and CIFAR-100, tiny (15 minutes on two cores; see DATA10, DATA100)
	@for d in "$(DATA10)" "$(DATA100)"; do test -d "$$d" || { \
	  echo "make: $$d is missing: give the folders with CIFAR in binary form as DATA10=DIR DATA100=DIR" >&2; exit 1; }; done
	./$(BIN) sweep --methods all --seeds 2 --data $(DATA10) --data $(DATA100) --out $(TABLE1) --jobs 2 \
	  --preset quick --train-images 500 --cells 4 --channels 8 --batch 32 --epochs 3 --warmup 1 --derive alphas --pad 4 \
	  --prune-batch 16 --prune-per-round 3 --network-channels 8 --network-cells 4 --retrain \
	  --retrain-cells 4 --retrain-channels 8 --retrain-batch 32 --retrain-epochs 2 $(TABLE1FLAGS)

SURROGATE ?= ../shared/truth/nb301.onnx
QUALITY   ?= runs/quality
quality: setup build ## is what a search finds better than chance? (90 minutes on two cores; continues; see DATA10, SURROGATE)
	@for f in "$(DATA10)" "$(SURROGATE)"; do test -e "$$f" || { \
	  echo "make: $$f is missing: give CIFAR-10 in binary form as DATA10=DIR and a surrogate of NAS-Bench-301 as SURROGATE=FILE" >&2; \
	  exit 1; }; done
	@sh cmd/zos-ort/quality.sh ./$(BIN) "$(QUALITY)" "$(DATA10)" "$(SURROGATE)"

ratios: setup build ## memory and time of all methods at the paper's supernet size, beside the paper's ratios
	./$(BIN) memory --methods all --batch 128
	./$(BIN) memory --methods all --batch 16 --measure-time

test-slurm: setup build ## run a sweep on a Slurm cluster of this machine (root; installs Debian's Slurm if missing)
	bash cmd/zos-ort/testdata/slurm/test.sh $(BIN)

test-mpi: setup build ## run on ranks of Open MPI, and of MPICH where it is, on this machine (as root installs Debian's Open MPI if missing)
	bash cmd/zos-ort/testdata/mpi/test.sh $(BIN)

bench-go: setup ## Go benchmarks of emission, sessions and steps
	$(GO) test -run '^$$' -bench . -benchtime 5x -timeout 60m ./cmd/internal/bench ./search/data

lint: tools ## gofmt, vet, staticcheck
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	$(GO) vet ./... ./.ci/strict
	cd .ci/cluster && $(GO) vet ./...
	$(GO) tool staticcheck ./... ./.ci/strict

generate: tools ## regenerate the ONNX protobuf types (needs protoc), fetch the chart library of reports (needs npm)
	$(GO) generate ./...

# A count, not a time: at the end of a time, Go before 1.27 can fail without an input ("context deadline
# exceeded", go.dev/issue/75804), above all on a busy machine.
FUZZTIME  ?= 100000x
# An input that reaches new code is made smaller for a minute by default, in which nothing else is tried.
FUZZFLAGS ?= -fuzzminimizetime 1s
fuzz: tools ## fuzz every parser for FUZZTIME
	@for p in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
	    echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $(FUZZFLAGS) $$p || exit 1; \
	  done; \
	done

# Those that read what users get from elsewhere, and how many inputs take about 20 s: JPEG, all images, ONNX.
RISKY := ./search/data/jpeg:FuzzDecode:150000x ./search/data:FuzzDecode:30000x ./graphgen/reader:FuzzModel:20000x
fuzz-ci: tools ## fuzz the three riskiest parsers for about 20 s each
	@for x in $(RISKY); do \
	  p=$${x%%:*}; n=$${x##*:}; f=$${x%:*}; f=$${f##*:}; echo "$$p $$f $$n"; \
	  $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $$n $(FUZZFLAGS) $$p || exit 1; \
	done

# A campaign is repeated by its seed: ZOS_KILL_SEED=N.
DEATHS ?= 60
torture: setup ## kill and starve every command that writes, DEATHS times each of five, and compare what it ends with (20 minutes)
	ZOS_DEATHS=$(DEATHS) $(GO) test -count 1 -v -timeout 3h -run '^TestTorture$$' ./cmd/zos-ort

soak: setup ## open and close 300 networks with 20,000 steps between: memory, threads and files stay as they are (10 minutes)
	ZOS_SOAK=1 $(GO) test -count 1 -v -timeout 2h -run '^TestSoak$$' ./search

clean: ## remove what was built
	rm -rf bin
