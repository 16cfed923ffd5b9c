import Events
import Testing

@Suite struct CurrencyTests {
  @Test(arguments: [("EUR", 2), ("jpy", 0), ("KWD", 3)])
  func `A currency knows its minor unit`(code: String, digits: Int) throws {
    let currency = try #require(Currency(code))
    #expect(currency.text == code.uppercased())
    #expect(currency.minorDigits == digits)
  }
}
