extension SeedSuite {
    static let compas = SeedSuite(
        "Compas",
        source: "Compas, both of its session systems",
        count: 41,
        """
        1 | a new session has two cookies, the value first | passed: Compas, old: a new session has a UUID, two cookies, the value first, and a record like Node's
        2 | the data is back; members that begin with `_` are not kept | passed: Compas, old: data is back with the second request, and a new and empty session is not kept
        3 | keepPublicCookie: three cookies, the first of them readable by scripts | passed: Compas, old: keepPublicCookie sets three cookies, and a destroyed session takes back all three
        4 | null: three cookies, all taken back | passed: Compas, old: keepPublicCookie sets three cookies, and a destroyed session takes back all three
        5 | store: an id that is unknown | passed: Compas, old: an id that is unknown, or no UUID, has no record
        6 | store: set and get | passed: koa-session: what Node wrote is read, and what was not changed is written back byte for byte
        7 | store: set over what is there | passed: Compas, old: createdAt stays, and updatedAt follows each write
        8 | store: destroy | passed: Compas, old: a session that is destroyed is gone, and both cookies with it
        9 | store: clean | passed: Compas, old: clean: what expired is swept, what is alive stays, and a limit is one
        10 | create: what is no data | not applicable: values have their types
        11 | create: two tokens | refused: one credential, which rotates, does what the pair is for: what is shown is short-lived, and what is old is told apart
        12 | get: what is no argument | not applicable: the compiler says so
        13 | get: a token that is cut short | passed: PR-12, PR-15: what is no credential asks no store, and the client is told that it has none
        14 | get: a token that has expired | passed: compas: a short rotation interval refreshes; requests that race inside the grace get the same new credential
        15 | get: a refresh token in place of an access token | not applicable: there is one kind
        16 | get: a session that is gone | passed: a logout tells the client that it has no credential any more, and the credential is worth nothing (I2)
        17 | get: a token that was revoked | passed: a logout tells the client that it has no credential any more, and the credential is worth nothing (I2)
        18 | get | passed: the credential comes in Session-Credential, once, with no-store and no cookie, and goes in Authorization
        19 | update: no id | not applicable: the session knows its own
        20 | update: no checksum | not applicable: the record's version takes its place, and the application never sees it
        21 | update: unchanged data is not written | passed: express 74, 76: by default what has not changed is not written
        22 | update | passed: an API client logs in, works, refreshes and logs out, from wherever it is, and no cookie is ever set
        23 | invalidate: a session that is none | passed: a logout tells the client that it has no credential any more, and the credential is worth nothing (I2)
        24 | invalidate: all its tokens are revoked | passed: a logout tells the client that it has no credential any more, and the credential is worth nothing (I2)
        25 | refresh: what is no argument | not applicable: the compiler says so
        26 | refresh: a token that is none | passed: PR-12, PR-15: what is no credential asks no store, and the client is told that it has none
        27 | refresh: a token that has expired | passed: compas: nobody refreshes what has expired, was logged out or was revoked
        28 | refresh: an access token in its place | not applicable: there is one kind
        29 | refresh: a session that is gone | passed: compas: nobody refreshes what has expired, was logged out or was revoked
        30 | refresh: a session that was revoked | passed: compas: nobody refreshes what has expired, was logged out or was revoked
        31 | refresh: a token that was revoked more than a moment ago | passed: LC-09, compas: a superseded credential is an event and nothing else, or the end of the session if so configured
        32 | refresh: which is reported, and ends the session | passed: LC-09, compas: a superseded credential is an event and nothing else, or the end of the session if so configured
        33 | refresh: a new pair, the old one revoked | passed: compas: a short rotation interval refreshes; requests that race inside the grace get the same new credential
        34 | cleanup, by age | passed: It sweeps, waits, and sweeps again; only what the allowance is over for
        35 | transport: what is on by default | passed: ID-10: without the setting a credential in a header is nothing, and with the header alone a cookie is nothing
        36 | transport: none is an error | passed: no transport, one that there is not, and a format that has none but the cookie are refused
        37 | transport: `Bearer` and nothing else | passed: PR-12, PR-15: what is no credential asks no store, and the client is told that it has none
        38 | transport: a token | passed: the scheme is Bearer in any case, with one space or more behind it (RFC 9110 sections 11.1 and 11.4)
        39 | cookies with tokens: refreshed by themselves | refused: that was in one release for three months; a session in cookies rotates by itself (`rotationInterval`)
        40 | cookies with tokens: emptied | refused: as 39
        41 | cookies with tokens: the dot of a prefix | refused: as 39
        """
    )
}
