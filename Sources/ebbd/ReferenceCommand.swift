import ArgumentParser
import Foundation
import Settings
import Triggers

/// `ebbd reference`: the manual of the configuration, and of the alerts for machines.
struct ReferenceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reference",
    abstract: "Prints every option with its unit, bounds, default and reason.",
    discussion: """
      Without an option as Markdown, which is docs/reference.md; with --yaml as a configuration file that holds \
      every option with its default, which is Config/ebbd.yaml; with --schemas it writes the JSON Schemas and \
      the AsyncAPI document of the alerts into a directory instead, which is Config/schemas.
      """)

  @Flag(help: "Print a configuration file instead of Markdown.")
  var yaml = false

  @Option(help: "Write the alerts' JSON Schemas and AsyncAPI document into this directory.")
  var schemas: String?

  func validate() throws {
    if yaml, schemas != nil {
      throw ValidationError("--yaml and --schemas are two different things; ask for one")
    }
  }

  func run() throws {
    guard let schemas else {
      let lines = OutputLines()
      let text = yaml ? Reference.yaml() : Reference.markdown()
      lines.write(text.hasSuffix("\n") ? String(text.dropLast()) : text)
      return try lines.finish("reference")
    }
    do {
      try FileManager.default.createDirectory(atPath: schemas, withIntermediateDirectories: true)
      for document in Schemas.all() {
        try Data(document.text.utf8).write(
          to: URL(filePath: schemas).appending(path: document.fileName), options: .atomic)
      }
    } catch {
      Console.say("ebbd reference: cannot write into \(schemas): \(error.localizedDescription)")
      throw ExitCode.failure
    }
  }
}
