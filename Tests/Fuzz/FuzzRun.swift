import Foundation
import HostileInput
import Supervision
import TestSupport

/// One target with many inputs, in this process.
@safe final class FuzzRun {
  private let target: HostileTarget
  private let seed: UInt64
  private let seeds: [[UInt8]]
  private let mutator: Mutator
  private let check: any HostileCheck
  /// Where the number of the input in hand stands, for whoever watches.
  private let place: UnsafeMutableRawPointer?

  /// - Parameter progress: a file of eight bytes.
  init(_ target: HostileTarget, seed: UInt64, progress: String?) throws {
    self.target = target
    self.seed = seed
    seeds = try target.seeds()
    mutator = Mutator(pieces: target.pieces, others: seeds)
    check = try target.makeCheck()
    guard let progress else {
      unsafe place = nil
      return
    }
    let file = unsafe open(progress, O_RDWR)
    guard file >= 0 else { throw TestSupportError("\(progress) cannot be opened") }
    unsafe place = mmap(nil, 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
    close(file)
    if unsafe place == MAP_FAILED { throw TestSupportError("\(progress) cannot be mapped") }
  }

  /// The input of a number: of the seed and the number alone.
  private func input(_ number: UInt64) -> [UInt8] {
    var random = SeededGenerator(seed: seed &* 0x9e37_79b9_7f4a_7c15 ^ number &* 0xd134_2543_de82_ef95)
    var bytes = seeds[Int(random.next() % UInt64(seeds.count))]
    // The first is as it was written.
    if number > 0 { mutator.mutate(&bytes, &random) }
    return bytes
  }

  /// Tries the input in a file.
  func work(file: String) throws {
    guard let bytes = FileManager.default.contents(atPath: file) else {
      throw TestSupportError("\(file) cannot be read")
    }
    print("\(target.name): \(isRead(Array(bytes)) ? "read" : "refused")")
  }

  /// A broken promise ends the process with 3.
  private func isRead(_ bytes: [UInt8]) -> Bool {
    do {
      return try check.take(bytes)
    } catch {
      let text = String(decoding: bytes.prefix(2_000), as: UTF8.self).debugDescription
      FileHandle.standardError.write(Data("\(error)\ninput: \(text)\n".utf8))
      exit(3)
    }
  }

  /// Tries the inputs of these numbers.
  func work(_ numbers: Range<UInt64>) throws {
    let began = ContinuousClock.now
    var read = 0
    for number in numbers {
      unsafe place?.storeBytes(of: number.littleEndian, as: UInt64.self)
      if isRead(input(number)) { read += 1 }
    }
    let seconds = (ContinuousClock.now - began) / .seconds(1)
    let memory = (ProcessMemory.anonymousBytes() ?? 0) >> 20
    print(
      "\(target.name): \(numbers.count) inputs, \(read) read and the others refused, "
        + "\(Int(Double(numbers.count) / max(seconds, 0.001))) a second, \(memory) MiB")
  }
}
