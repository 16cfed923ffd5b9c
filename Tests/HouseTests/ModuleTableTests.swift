import Testing

/// The design's module table, held: what each module may import, and what it may not.
@Suite struct ModuleTableTests {
  /// A line of the table: the modules named there, and packages of others that the module is made with. What
  /// stands above a permitted module is permitted too.
  struct Line: Sendable {
    var modules: [String] = []
    var packages: Set<String> = []
    var foundation = true
  }

  static let table: [String: Line] = [
    "CRdKafka": Line(), "CSimdJSON": Line(), "CMemory": Line(),
    "Events": Line(modules: ["CSimdJSON"], foundation: false),
    "Portrait": Line(modules: ["Events"], foundation: false),
    "Triggers": Line(modules: ["Portrait"], foundation: false),
    "Shard": Line(modules: ["Triggers", "CMemory"], foundation: false),
    "Settings": Line(modules: ["Events", "Triggers"], packages: ["Yams"]),
    "Telemetry": Line(packages: ["Logging"]),
    "Pipeline": Line(modules: ["Shard", "Telemetry"], foundation: false),
    "Storage": Line(modules: ["Pipeline"], foundation: false),
    "Kafka": Line(modules: ["Pipeline", "CRdKafka"]),
    "Replay": Line(modules: ["Pipeline", "Settings"]),
    "Shop": Line(modules: ["Events"]),
    "Admin": Line(
      modules: ["Telemetry", "Triggers"],
      packages: [
        "Crypto", "Hummingbird", "HummingbirdCore", "HTTPTypes", "NIOCore", "NIOHTTP1", "NIOHTTPTypes",
        "NIOPosix",
        "Logging",
      ]),
    "Supervision": Line(modules: ["Telemetry", "CMemory"]),
    "BareConsumer": Line(modules: ["CRdKafka"]),
    "CCounting": Line(), "Measuring": Line(),
    "EbbBench": Line(
      modules: ["CCounting", "Measuring", "Storage", "Settings", "Shop"], packages: ["ArgumentParser"]),
    "EbbBroker": Line(modules: ["Kafka"], packages: ["ArgumentParser"]),
    "ebbd": Line(
      modules: ["Kafka", "Storage", "Replay", "Shop", "Admin", "Supervision"],
      packages: ["ArgumentParser", "Logging"]),
  ]

  /// Modules of C have these importers and no others, whatever else the table permits.
  static let onlyImporters: [String: Set<String>] = [
    "CRdKafka": ["Kafka"], "CSimdJSON": ["Events"], "CMemory": ["Shard", "Supervision"],
    "CCounting": ["EbbBench"],
  ]

  /// What the toolchain brings, and every module may use.
  static let toolchain: Set<String> = ["Glibc", "Musl", "Darwin", "Synchronization", "Dispatch"]
  static let foundation: Set<String> = [
    "Foundation", "FoundationEssentials", "FoundationInternationalization", "FoundationNetworking",
  ]

  static func permitted(_ module: String) -> Set<String> {
    var reached: Set<String> = []
    var open = table[module]?.modules ?? []
    while let next = open.popLast() {
      if reached.insert(next).inserted { open += table[next]?.modules ?? [] }
    }
    return reached.filter { onlyImporters[$0].map { $0.contains(module) } ?? true }
  }

  @Test func `Every module is in the design's table`() {
    for module in House.modules {
      #expect(Self.table[module] != nil, "Sources/\(module) is not in the design's module table")
    }
  }

  @Test(arguments: House.modules)
  func `A module imports only what stands above it`(module: String) throws {
    let line = try #require(Self.table[module])
    let permitted = Self.permitted(module)
    for file in House.swiftFiles(under: "Sources/\(module)") {
      for name in file.imports where !Self.toolchain.contains(name) {
        if Self.foundation.contains(name) {
          #expect(line.foundation, "\(file.path) imports \(name); \(module) does without Foundation")
        } else {
          #expect(
            permitted.contains(name) || line.packages.contains(name),
            "\(file.path) imports \(name), which \(module) may not")
        }
      }
    }
  }

  @Test(arguments: [
    ("import Events", "Events"), ("@testable import Shard", "Shard"),
    ("  @_exported public import Portrait // why", "Portrait"),
    ("import struct Foundation.URL", "Foundation"),
    ("public import Glibc", "Glibc"), ("@preconcurrency import CRdKafka", "CRdKafka"),
    ("internal import FoundationEssentials", "FoundationEssentials"),
    ("@_spi(Testing) import Kafka", "Kafka"),
  ])
  func `An import is found in every form`(line: String, module: String) {
    #expect(SourceFile(path: "x.swift", text: line).imports == [module])
  }

  @Test(arguments: ["// import Kafka", "let importer = 1", "important()", "/// import Foundation"])
  func `What is no import is not taken for one`(line: String) {
    #expect(SourceFile(path: "x.swift", text: line).imports.isEmpty)
  }

  @Test func `No module reaches itself`() {
    for module in Self.table.keys { #expect(!Self.permitted(module).contains(module)) }
  }
}
