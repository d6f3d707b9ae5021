import Testing

@testable import Sessions

@Suite("Comparing what a client sent")
struct ConstantTimeTests {
    @Test("ID-06: one byte that differs is enough, wherever it is and whatever comes after it")
    func oneByte() {
        // The bytes after it have all the bits in which it differs.
        let code = [UInt8](repeating: 0xFF, count: 32)
        for index in code.indices {
            for bit in 0..<8 {
                var other = code
                other[index] ^= 1 << bit
                #expect(!ConstantTime.equal(code, other))
                #expect(!ConstantTime.equal(other, code))
            }
        }
        #expect(ConstantTime.equal(code, code))
    }

    @Test("ID-06: another length is another code")
    func lengths() {
        #expect(ConstantTime.equal([UInt8](), [UInt8]()))
        #expect(!ConstantTime.equal([UInt8](), [0]))
        #expect(!ConstantTime.equal([1, 2, 3], [1, 2]))
    }
}
