import TestSupport

/// What went against a promise, though nothing crashed.
public struct HostileFault: Error, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}

/// Something that reads bytes from outside, and what it promises of any.
///
/// A check must not crash, hang or take memory without bound; that is for whoever calls it to see. It throws where what
/// was read breaks a promise of its own: a refusal without a reason, a value beyond its documented bounds, a thing that
/// is not the same when it is written and read again.
public struct HostileTarget: Sendable {
  public let name: String
  /// What it reads, in a few words.
  public let subject: String
  /// Of how many inputs that are asked for it takes one: more than 1 where each takes a connection.
  public let share: UInt64
  /// What is damaged: real ones, made by what writes them.
  public let seeds: @Sendable () throws -> [[UInt8]]
  /// What means something to the format.
  public let pieces: [[UInt8]]
  /// Makes what takes one input after the other.
  public let makeCheck: @Sendable () throws -> HostileCheck

  init(
    _ name: String, _ subject: String, share: UInt64 = 1, pieces: [String],
    seeds: @escaping @Sendable () throws -> [[UInt8]],
    makeCheck: @escaping @Sendable () throws -> HostileCheck
  ) {
    self.name = name
    self.subject = subject
    self.share = share
    self.pieces = pieces.map { Array($0.utf8) } + Mutator.binaryPieces
    self.seeds = seeds
    self.makeCheck = makeCheck
  }

  public static let all: [HostileTarget] =
    EventTargets.all + StateTargets.all + TextTargets.all + SmallTargets.all + [
      HTTPTarget.target, AnswerTarget.target,
    ]

  /// The target of this name, a planted one too.
  public static func named(_ name: String) -> HostileTarget? {
    (all + PlantedTargets.all).first { $0.name == name }
  }
}

/// Takes inputs. What it keeps between two of them is part of what is tried.
public protocol HostileCheck: AnyObject {
  /// - Returns: whether it was read; else it was refused, with a reason.
  func take(_ input: [UInt8]) throws -> Bool
}

/// A check that is one function.
final class PlainCheck: HostileCheck {
  private let body: ([UInt8]) throws -> Bool

  init(_ body: @escaping ([UInt8]) throws -> Bool) { self.body = body }

  func take(_ input: [UInt8]) throws -> Bool { try body(input) }
}

/// Throws what is not as it was promised.
func promise(_ holds: Bool, _ what: @autoclosure () -> String) throws {
  if !holds { throw HostileFault(what()) }
}
