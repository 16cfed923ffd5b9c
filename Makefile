# The commands of this repository; plain `make` prints them. Each does its own set-up.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test simulate test-kafka bench bench-accept bench-kafka bench-embedded bench-kafka-latency bench-state bench-recovery bench-replay build format lint schemas clean

# Where the usual installers put Swift, for shells that do not have it on their path.
export PATH := $(PATH):$(HOME)/.local/share/swiftly/bin:/opt/swift/usr/bin:/usr/local/swift/usr/bin

# What `make bench-kafka` and `make bench-embedded` take by name.
THROUGHPUT = $(if $(EVENTS),--events $(EVENTS)) $(if $(USERS),--users $(USERS)) $(if $(ACCESS),--access $(ACCESS)) \
  $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(PARTITIONS),--partitions $(PARTITIONS))

SOURCES := Package.swift Sources Tests

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## a simulated shop through a real Kafka protocol, alerts as they happen (ARGS="--seconds 60")
	.build/release/ebbd demo $(ARGS)

test: ## build everything and run every test (EBB_DATA=DIR adds the tests on real data)
	@scripts/setup.sh test
	swift build --build-tests
	swift build -c release --product ebbd
	swift build -c release --product ebb-bench
	scripts/test.sh $(ARGS)

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

simulate: ## lanes in seeded worlds where everything goes wrong (SEEDS=10000 FIRST=1, or SEED=n with its trace)
	@scripts/setup.sh test
	swift build -c release --product simulate
	.build/release/simulate $(foreach name,SEEDS FIRST SEED MUTATION,$(if $($(name)),$(name)=$($(name))))

build: ## build the optimised program, .build/release/ebbd
	@scripts/setup.sh build
	swift build -c release --product ebbd

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
