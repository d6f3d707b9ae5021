import Testing

@testable import Sessions

/// The vectors were made with Node's `cookies` and `keygrip`.
@Suite("koa-session: the signature")
struct KoaSigningTests {
    static let id = Array("6f1c3a52-8a3c-4d1e-9f66-0c1b2a3d4e5f".utf8)
    static let production: ForeignSecret = "0123456789abcdef0123456789abcdef"

    private func signing(
        _ keys: [ForeignSecret],
        _ algorithm: KoaSignature = .sha256,
        _ name: String = "compas.sess"
    ) throws -> KoaSigning {
        try KoaSigning(keys: keys, algorithm: algorithm, name: CookieName(name))
    }

    @Test("what Keygrip signs is what we sign: SHA-256, and SHA-1 as in development")
    func vectors() throws {
        let sha256 = try signing([Self.production]).signature(of: Self.id)
        #expect(sha256 == "CEM9-MFoHgrmDJj4VjZ47v2xX1Dy8sv-cSV9iZlklQo")
        let sha1 = try signing(["compas"], .sha1).signature(of: Self.id)
        #expect(sha1 == "4ECbIN4B4L-zl5OFMPBF-SuMR7k")
    }

    @Test("every key verifies, and the first one is told apart")
    func keys() throws {
        let signature = Array(try signing([Self.production]).signature(of: Self.id).utf8)
        #expect(try signing([Self.production]).keyIndex(of: Self.id, signedBy: [signature]) == 0)
        #expect(try signing(["new", "newer", Self.production]).keyIndex(of: Self.id, signedBy: [signature]) == 2)
        #expect(try signing(["new"]).keyIndex(of: Self.id, signedBy: [signature]) == nil)
        #expect(try signing([Self.production], .sha1).keyIndex(of: Self.id, signedBy: [signature]) == nil)
        #expect(try signing([Self.production]).keyIndex(of: Self.id, signedBy: []) == nil)
        let junk = Array("AAAA".utf8)
        #expect(try signing([Self.production]).keyIndex(of: Self.id, signedBy: [junk, signature]) == 0)
    }

    @Test("the signature is of the name too: another cookie's opens nothing")
    func name() throws {
        let other = try signing([Self.production], .sha256, "other.sess").signature(of: Self.id)
        #expect(try signing([Self.production]).keyIndex(of: Self.id, signedBy: [Array(other.utf8)]) == nil)
    }

    @Test("ids are random UUIDs of version 4")
    func ids() {
        var seen: Set<String> = []
        for _ in 0..<200 {
            let id = KoaWireFormat.randomID()
            #expect(
                id.wholeMatch(of: #/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/#) != nil
            )
            #expect(seen.insert(id).inserted)
        }
    }
}
