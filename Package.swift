// swift-tools-version: 6.2
import PackageDescription

// The module table of the design: each module may import what stands above it, and a test holds that.
// Warnings are errors in every module, debug and release.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error), .strictMemorySafety()]

let package = Package(
  name: "ebb",
  products: [
    .executable(name: "ebbd", targets: ["ebbd"]),
    // For tests of the wall clock: preloaded into the daemon.
    .library(name: "ebb-false-clock", type: .dynamic, targets: ["FalseClock"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
    .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
  ],
  targets: [
    .systemLibrary(name: "CRdKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
    .target(
      name: "CSimdJSON",
      cxxSettings: [.treatAllWarnings(as: .error)],
      linkerSettings: [.linkedLibrary("simdjson")]),

    .target(name: "CMemory"),

    .target(name: "Events", dependencies: ["CSimdJSON"], swiftSettings: strict),
    .target(name: "Portrait", dependencies: ["Events"], swiftSettings: strict),
    .target(name: "Triggers", dependencies: ["Portrait", "Events"], swiftSettings: strict),
    .target(
      name: "Shard", dependencies: ["Triggers", "Portrait", "Events", "CMemory"], swiftSettings: strict),
    .target(
      name: "Settings",
      dependencies: ["Events", "Portrait", "Triggers", .product(name: "Yams", package: "Yams")],
      resources: [],
      swiftSettings: strict),
    .target(
      name: "Telemetry", dependencies: [.product(name: "Logging", package: "swift-log")],
      swiftSettings: strict),
    .target(
      name: "Pipeline", dependencies: ["Shard", "Triggers", "Portrait", "Events", "Telemetry"],
      swiftSettings: strict),
    .target(
      name: "Storage", dependencies: ["Pipeline", "Shard", "Triggers", "Portrait", "Events"],
      swiftSettings: strict),
    .target(name: "Kafka", dependencies: ["Pipeline", "Events", "CRdKafka"], swiftSettings: strict),
    .target(
      name: "Replay",
      dependencies: ["Pipeline", "Settings", "Shard", "Triggers", "Portrait", "Events", "Telemetry"],
      swiftSettings: strict),
    .target(name: "Shop", dependencies: ["Events"], swiftSettings: strict),
    .target(name: "Supervision", dependencies: ["Telemetry", "CMemory"], swiftSettings: strict),
    .target(
      name: "Admin",
      dependencies: [
        .product(name: "Crypto", package: "swift-crypto"),
        "Telemetry", "Triggers",
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "ebb-broker",
      dependencies: ["Kafka", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      path: "Sources/EbbBroker", swiftSettings: strict),
    // What reading a topic costs by itself, in C: the yardstick of `make bench-kafka`.
    .executableTarget(
      name: "bare-consumer", dependencies: ["CRdKafka"], path: "Sources/BareConsumer",
      cSettings: [.treatAllWarnings(as: .error)]),
    .target(
      name: "CCounting",
      cSettings: [.treatAllWarnings(as: .error)]),
    .target(name: "Measuring", swiftSettings: strict),
    .executableTarget(
      name: "ebb-bench",
      dependencies: [
        "Events", "Portrait", "Triggers", "Shard", "Settings", "Pipeline", "Storage", "Shop", "Measuring",
        "CCounting", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/EbbBench", swiftSettings: strict),
    .executableTarget(
      name: "ebbd",
      dependencies: [
        "Events", "Portrait", "Triggers", "Shard", "Settings", "Telemetry", "Pipeline", "Storage", "Kafka",
        "Replay",
        "Shop", "Admin", "Supervision",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict,
      // What the client's threads allocate, a lane frees: with the system's allocator they wait for each other.
      linkerSettings: [.linkedLibrary("jemalloc")]),

    .target(
      name: "FalseClock", path: "Tests/FalseClock", cSettings: [.treatAllWarnings(as: .error)],
      linkerSettings: [.linkedLibrary("dl")]),
    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
    .testTarget(
      name: "HouseTests", dependencies: ["TestSupport", .product(name: "Yams", package: "Yams")],
      swiftSettings: strict),
    .testTarget(
      name: "BenchTests", dependencies: ["Measuring", "TestSupport"], exclude: ["figures.json"],
      swiftSettings: strict),
    .testTarget(
      name: "ShopTests", dependencies: ["Shop", "Settings", "Shard", "Triggers", "Events", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "SettingsTests",
      dependencies: ["Settings", "Triggers", "Portrait", "Events", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "WireTests", dependencies: ["Triggers", "Portrait", "Events", "Replay", "Settings"],
      swiftSettings: strict),
    .testTarget(
      name: "TelemetryTests",
      dependencies: [
        "Telemetry", "Supervision", "TestSupport", .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "AdminTests",
      dependencies: [
        "Admin", "Triggers", "TestSupport", .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "PipelineTests",
      dependencies: ["Pipeline", "Shard", "Settings", "Triggers", "Events", "TestSupport"],
      swiftSettings: strict),
    .testTarget(name: "EventsTests", dependencies: ["Events", "Settings", "TestSupport"]),
    .testTarget(
      name: "KafkaTests", dependencies: ["Events", "Kafka", "Pipeline", "ebb-broker", "TestSupport"],
      exclude: ["security-peer.py"], swiftSettings: [.treatAllWarnings(as: .error)]),
    .target(
      name: "NaiveModel", dependencies: ["Triggers", "Portrait", "Events"], path: "Tests/NaiveModel",
      swiftSettings: strict),
    .target(
      name: "SideBySide", dependencies: ["NaiveModel", "Shard", "Triggers", "Portrait", "Events"],
      path: "Tests/SideBySide", swiftSettings: strict),
    .target(name: "LogModel", path: "Tests/LogModel", swiftSettings: strict),
    .testTarget(
      name: "LogModelTests", dependencies: ["LogModel", "TestSupport"], swiftSettings: strict),
    .target(
      name: "Simulator",
      dependencies: [
        "LogModel", "Pipeline", "Settings", "Shard", "Triggers", "Portrait", "Events", "TestSupport",
      ],
      path: "Tests/Simulator", swiftSettings: strict),
    .testTarget(
      name: "SimulationTests", dependencies: ["Simulator", "TestSupport"], swiftSettings: strict),
    .executableTarget(
      name: "simulate", dependencies: ["Simulator"], path: "Tests/Simulate", swiftSettings: strict),
    .testTarget(
      name: "ModelTests", dependencies: ["SideBySide", "NaiveModel", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "ShardTests",
      dependencies: ["SideBySide", "Shard", "Triggers", "Portrait", "Events", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "StateTests",
      dependencies: ["SideBySide", "Shop", "Shard", "Triggers", "Portrait", "Events", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "StorageTests",
      dependencies: [
        "Storage", "SideBySide", "Pipeline", "Shard", "Triggers", "Portrait", "Events", "TestSupport",
      ],
      swiftSettings: strict),
    .testTarget(name: "TriggersTests", dependencies: ["SideBySide"], swiftSettings: strict),
    .testTarget(
      name: "ProcessTests",
      dependencies: ["ebbd", "ebb-broker", "Admin", "ClusterSupport", "Kafka", "Pipeline", "TestSupport"],
      swiftSettings: strict),
    .target(
      name: "ClusterSupport", dependencies: ["Kafka", "Pipeline", "Shop", "Events", "TestSupport"],
      path: "Tests/ClusterSupport", swiftSettings: strict),
    .testTarget(
      name: "ClusterTests", dependencies: ["ClusterSupport", "Kafka", "TestSupport"], swiftSettings: strict),
    .target(
      name: "HostileInput",
      dependencies: [
        "Events", "Settings", "Shard", "Portrait", "Triggers", "Pipeline", "Storage", "Replay", "Shop",
        "Admin", "Kafka", "Supervision",
        "TestSupport", .product(name: "Logging", package: "swift-log"),
      ],
      path: "Tests/HostileInput", swiftSettings: strict),
    .target(name: "CGuided", path: "Tests/CGuided", cSettings: [.treatAllWarnings(as: .error)]),
    .executableTarget(
      name: "ebb-fuzz",
      dependencies: [
        "CGuided", "HostileInput", "Supervision", "TestSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tests/Fuzz", swiftSettings: strict),
    .testTarget(name: "HostileTests", dependencies: ["TestSupport"], swiftSettings: strict),
    .executableTarget(
      name: "ebb-cluster-bench",
      dependencies: [
        "ClusterSupport", "Settings", "Shard", "Triggers", "Kafka", "Shop", "Events", "Supervision",
        "TestSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tests/ClusterBench", swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)
