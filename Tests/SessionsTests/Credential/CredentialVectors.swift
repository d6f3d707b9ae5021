import Sessions
import Testing

/// Values computed with Python's `hmac` and `hashlib`, and AES-GCM of the `cryptography` package: what the formats are,
/// said a second time by other code.
enum CredentialVectors {
    static let realm = Realm(application: "storefront", cookieName: "__Host-Http-sid")
    static let handle = SessionHandle(bytes: 0x10..<0x20)
    static let nonceText = "oKGio6SlpqeoqaqrrK2urw"

    /// SHA-256 of `swift-sessions test credential secret`.
    static let secretText = "TUR1lCZ5myjMzNxbcMH5oJp2PlK7p9S-sDlMUO_yIvI"
    static let secretHashText = "YGwRhp3ALTg5PhForFlhudAJm1KfaBJpAIm8035ZYu4"
    static let publicID = "mTkuCmK9du67ON_fpdVkgg"
    static let sealedPlaintext = Array(#"{"cart":[1,2,3]}"#.utf8)

    /// What follows from one secret of a ring.
    struct Key: Sendable {
        let secret: String
        let id: [UInt8]
        /// In the order credential, successor, seal, csrf, log.
        let derived: [String]
        let credential: String
        let successor: String
        let csrf: String
        let logTag: String
        let sealedRecord: String
        let sealedCookie: String
    }

    /// From SHA-256 of `swift-sessions test secret one`.
    static let one = Key(
        secret: "2bWhx3dj51_p9DU4QnWn6R8qOQxcK8qoiR17myLtFJ0",
        id: [0x5B, 0x60, 0x64],
        derived: [
            "6777d8f946b6f45b37670c77e129853310b9731222ec4e9d8920245e43dac688",
            "8aecc4d64a9a7a4371c01f77b876e53caf30b66b87b35b2c808479cded1b04bb",
            "1d03b4156141fa31a8ed9c5cf098ac1bd685b6c9f295fa854e7d58d00934da05",
            "70790210de8a7513afb62c0a37a5d92f0c0d76d0e6b899b0df808c5ef2869aef",
            "1262f97fb54b4c4ea007c1e76be36b9f647f4547ecd5c64ad8a7107a6219df80",
        ],
        credential: "AVtgZBAREhMUFRYXGBkaGxwdHh9NRHWUJnmbKMzM3FtwwfmgmnY-Urun1L6wOUxQ7_Ii"
            + "8pjlPGkLyHa_dNy5_tB0tKdIsLXEzNadeo_hFA6VTUJm",
        successor: "Lnv6pbx1YJ-N2aYiCaGiCFqDCORc2xSGeGexYWQ1lgA",
        csrf: "DydVj5aH_qCy-oX8PQ9zhDwCitDp_lZhALjxdK7EcrM",
        logTag: "82e7713ef4a56051",
        sealedRecord: "AVtgZJtKsHvHlFvGs5YL1_9C0k2zNPcTdvS_1rYpgwenhm6g"
            + "BOyhe7HjZwWaLHG3RouMA6oLn1iVk-qAnOHOMp0l3O0",
        sealedCookie: "AVtgZJtKsHvHlFvGs5YL1_9C0k2zNPcTdvS_1rYpgwenhm6g"
            + "zwzoJy2XHpbRBZz-HfAji7LTNg9pT57l-web_hBQYSo"
    )

    /// From SHA-256 of `swift-sessions test secret two`.
    static let two = Key(
        secret: "8HHcPv6wFFBD8ftfmf2V9QdpyS52Sc-wweDMXSEFWJU",
        id: [0x05, 0x8E, 0x91],
        derived: [
            "4a3defd787ee2f3f6d8ac33347ebec478d96e20ae55f8a281349045a6cc6c8f1",
            "df3b5f3d1725a5ae5c6619847a3057639b26f645d3b976af0becf369ff8f9569",
            "d875aba768118dd9526a2fdd15a0413340047cab22eb97910b7edce9c5dc27a4",
            "37963c7866c1f6ae568bb86b58221a203fb9ee8a1abd8146641d55ba61f6f4b6",
            "ec043516d109fbe6c8e42a36a9da40a4f13dd5561eedb215b7c09c6f8f7056b4",
        ],
        credential: "AQWOkRAREhMUFRYXGBkaGxwdHh9NRHWUJnmbKMzM3FtwwfmgmnY-Urun1L6wOUxQ7_Ii"
            + "8srytKF55TchFZWZNfgtGyy1oA4ALWLebXksKCN2FG1L",
        successor: "PctQcfPKhnnA0Rm29PH0YV4LcYhY__XuUkPbIMMCUog",
        csrf: "jJrxUrXoTWu3t5CiCSZd8hU89viVjhn0IbfKGu3m-ds",
        logTag: "1db8f2da90ee81aa",
        sealedRecord: "AQWOkZtKsHvHlFvGs5YL1_9C0k2zNPcTdvS_1rYpgwenhm6g"
            + "dUPNs1vzJrs36snc46ZjNqeWV1aRWx8ULkEz9QNUyjE",
        sealedCookie: "AQWOkZtKsHvHlFvGs5YL1_9C0k2zNPcTdvS_1rYpgwenhm6g"
            + "CB5n7o3_m2MxbIQCvA1KUAZ8PSlT2QCpdF_BvxOCEqY"
    )

    static func ring(_ keys: Key...) throws -> KeyRing {
        try KeyRing(keys.map { try SessionSecret(encoded: $0.secret) })
    }

    static func codec(_ keys: Key..., realm: Realm = realm) throws -> CredentialCodec {
        CredentialCodec(keys: try KeyRing(keys.map { try SessionSecret(encoded: $0.secret) }), realm: realm)
    }

    static func secret() throws -> CredentialSecret {
        CredentialSecret(try #require(Bytes32(base64URL: secretText.utf8)))
    }

    static func nonce() throws -> Nonce { try #require(Nonce(base64URL: nonceText.utf8)) }
}

/// Two secrets with the key id `bc2556`: SHA-256 of `swift-sessions test collision 2265`, and of `… 3352`.
enum CollidingSecrets {
    static let first = "HCO9oxb4hJf7cOou_o5OvB5fUbHDrkh3YN50f0vYTUo"
    static let second = "7V_duCB3R8hDdk30ufx5PMcwoODvtSJ8OONC57U0Dqw"
}
