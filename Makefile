# The commands of this repository; plain `make` prints them. Each does its own set-up.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test fuzz fuzz-guided test-long soak deb test-deb simulate test-kafka bench bench-accept bench-kafka bench-embedded bench-kafka-latency bench-state bench-recovery bench-replay build format lint schemas clean

# Where the usual installers put Swift, for shells that do not have it on their path.
export PATH := $(PATH):$(HOME)/.local/share/swiftly/bin:/opt/swift/usr/bin:/usr/local/swift/usr/bin

# What `make bench-kafka` and `make bench-embedded` take by name.
THROUGHPUT = $(if $(EVENTS),--events $(EVENTS)) $(if $(USERS),--users $(USERS)) $(if $(ACCESS),--access $(ACCESS)) \
  $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(PARTITIONS),--partitions $(PARTITIONS))

# As the package is built (scripts/deb.sh): a program with Swift's runtime in it.
STATIC := --static-swift-stdlib --disable-local-rpath --scratch-path .build/deb

SOURCES := Package.swift Sources Tests

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## a simulated shop through a real Kafka protocol, alerts as they happen (ARGS="--seconds 60")
	.build/release/ebbd demo $(ARGS)

test: ## build everything and run every test (EBB_DATA=DIR adds the tests on real data)
	@scripts/setup.sh test
	@# By name: a build of everything takes in what the dependencies have besides.
	for product in ebbPackageTests ebbd ebb-broker ebb-false-clock simulate bare-consumer ebb-cluster-bench; do \
	  swift build --product $$product || exit; done
	scripts/test.sh $(ARGS)

fuzz: ## damaged input for every decoder (INPUTS=100000, SEED=1, TARGETS="http files", ARGS="--list")
	@scripts/setup.sh test
	swift build -c release --product ebb-fuzz
	.build/release/ebb-fuzz $(TARGETS) $(if $(INPUTS),--inputs $(INPUTS)) $(if $(SEED),--seed $(SEED)) $(ARGS)

fuzz-guided: ## the same by libFuzzer under the address sanitizer, guided by coverage (SECONDS_EACH=60, TARGETS=, ARGS=)
	@scripts/setup.sh test
	scripts/guided.sh $(TARGETS) --guided $(or $(SECONDS_EACH),60) $(if $(SEED),--seed $(SEED)) $(ARGS)

test-long: ## the long forms: ten minutes of outage, ten million inputs a decoder (hours; EBB_FUZZ_INPUTS, EBB_OUTAGE_SECONDS)
	EBB_OUTAGE_SECONDS=$(or $(EBB_OUTAGE_SECONDS),600) EBB_WEATHER_SECONDS=$(or $(EBB_WEATHER_SECONDS),60) \
	  EBB_FUZZ_INPUTS=$(or $(EBB_FUZZ_INPUTS),10000000) $(MAKE) test \
	  ARGS="$(or $(ARGS),--filter '^HostileTests' --filter 'Brokers go' --filter 'The way to the brokers')"

test-kafka: ## exactly once on a real cluster: BROKERS=host:port (EBB_EVENTS, EBB_KILLS, EBB_ROUNDS; ARGS="--filter kill")
	@scripts/setup.sh test
	@[ -n "$(BROKERS)" ] || { echo "make test-kafka BROKERS=host:port"; exit 2; }
	swift build -c release --product ebbd
	swift build --build-tests
	EBB_BROKERS='$(BROKERS)' EBB_BIN=$(CURDIR)/.build/release \
	  swift test --skip-build --disable-xctest --no-parallel $(or $(ARGS),--filter '^ClusterTests\.')

bench-kafka: ## CPU per event of ebbd run beside a bare consumer: BROKERS=host:port (EVENTS, USERS, ACCESS=zipf|uniform, ROUNDS)
	@scripts/setup.sh build
	@[ -n "$(BROKERS)" ] || { echo "make bench-kafka BROKERS=host:port"; exit 2; }
	@for product in ebbd bare-consumer ebb-cluster-bench; do swift build -c release --product $$product || exit; done
	.build/release/ebb-cluster-bench throughput --brokers '$(BROKERS)' $(THROUGHPUT) $(ARGS)

bench-embedded: ## the same at least once on the embedded broker, without a cluster (EVENTS, USERS, ROUNDS)
	@scripts/setup.sh build
	@for product in ebbd bare-consumer ebb-broker ebb-cluster-bench; do \
	  swift build -c release --product $$product || exit; done
	.build/release/ebb-cluster-bench throughput $(THROUGHPUT) $(ARGS)

bench-kafka-latency: ## from event to visible alert on a real cluster: BROKERS=host:port (ARGS="--rate 20000 --seconds 30")
	@scripts/setup.sh build
	@[ -n "$(BROKERS)" ] || { echo "make bench-kafka-latency BROKERS=host:port"; exit 2; }
	swift build -c release --product ebbd
	swift build -c release --product ebb-cluster-bench
	.build/release/ebb-cluster-bench latency --brokers '$(BROKERS)' $(ARGS)

bench-state: ## bytes of state written per input event, against a flush per changed user per 100 ms
	@scripts/setup.sh build
	swift build -c release --product ebb-cluster-bench
	.build/release/ebb-cluster-bench state $(ARGS)

soak: ## half an hour of demo traffic in accelerated time: memory flat, nothing lost (BROKERS=host:port, MINUTES=30)
	@scripts/setup.sh build
	@for product in ebbd ebb-broker ebb-cluster-bench; do swift build -c release --product $$product || exit; done
	.build/release/ebb-cluster-bench soak $(if $(BROKERS),--brokers '$(BROKERS)') $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

simulate: ## lanes in seeded worlds where everything goes wrong (SEEDS=10000 FIRST=1, or SEED=n with its trace)
	@scripts/setup.sh test
	swift build -c release --product simulate
	.build/release/simulate $(foreach name,SEEDS FIRST SEED MUTATION,$(if $($(name)),$(name)=$($(name))))

build: ## build the optimised program, .build/release/ebbd
	@scripts/setup.sh build
	swift build -c release --product ebbd

deb: ## build the Debian package, .build/ebb_VERSION_ARCHITECTURE.deb
	@scripts/setup.sh deb
	scripts/deb.sh

test-deb: ## build the package, install it in a clean Debian and do there what an operator does (as root)
	@scripts/setup.sh test-deb
	scripts/deb.sh
	swift build -c release --product ebb-broker $(STATIC)
	scripts/test-deb.sh

format: ## rewrite the sources in the checked-in format
	swift format --in-place --parallel --recursive $(SOURCES)

lint: ## hold the sources to the checked-in format
	swift format lint --strict --parallel --recursive $(SOURCES)

bench: ## every stage in one table: ns and instructions an event, bytes a user, allocations (ARGS="--large", "apply")
	@scripts/setup.sh bench
	swift build -c release --product ebb-bench
	.build/release/ebb-bench $(ARGS)

bench-accept: ## accept what an event and a user cost now as the figures that make test holds (ARGS="--only memory")
	@scripts/setup.sh test
	swift build -c release --product ebb-bench
	SWIFT_DETERMINISTIC_HASHING=1 .build/release/ebb-bench guard --accept $(ARGS)

bench-recovery: ## how long a partition of 1,000,000 users takes to come back (ARGS="--users N")
	@scripts/setup.sh build
	swift build -c release --product ebb-bench
	.build/release/ebb-bench recovery $(ARGS)

bench-replay: build ## events per second and core of a replay of native events (ARGS="--events N --users N --runs N")
	.build/release/ebbd bench-replay $(ARGS)

schemas: ## write the alerts' JSON Schemas and AsyncAPI document anew, Config/schemas
	@scripts/setup.sh build
	swift run ebbd reference --schemas Config/schemas

clean: ## remove everything that was built
	rm -rf .build
