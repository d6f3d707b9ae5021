extension SeedSuite {
    static let connectRedis = SeedSuite(
        "connect-redis",
        source: "connect-redis",
        count: 14,
        """
        1 | the defaults: `sess:`, a day, JSON | passed
        2 | what is set is read, equal | passed: one server
        3 | a day to live where nothing else is said | passed
        4 | the cookie's end is the key's | passed
        5 | touch moves it | passed
        6 | length | passed: length, all and clear see the prefix's keys, each once, and no others
        7 | ids | passed: length, all and clear see the prefix's keys, each once, and no others
        8 | all, each with its id; a touch has left the JSON alone | passed
        9 | destroy | passed: a session is sess: and its id, a string, with the seconds of its deadline to live
        10 | clear | passed: length, all and clear see the prefix's keys, each once, and no others
        11 | a thousand sessions: length counts each once | passed
        12 | and clear removes them | passed
        13 | a session that ends later is stored | passed
        14 | one that has ended is not, and its key goes | passed
        """
    )

    static let connectPgSimple = SeedSuite(
        "connect-pg-simple",
        source: "connect-pg-simple",
        count: 33,
        """
        1 | nothing is pruned by the constructor | passed
        2 | the first operation starts the timer | refused: nothing starts by itself; a `SessionSweeper` is a service that the application runs where it wants one
        3 | the interval is random by default | passed: It sweeps, waits, and sweeps again; only what the allowance is over for
        4 | or by a function | refused: three quarters to five quarters of the interval do what it is for
        5 | or exact | refused: processes that were started together would sweep together
        6 | another interval | passed: It sweeps, waits, and sweeps again; only what the allowance is over for
        7 | none | passed
        8 | none after close | passed: Cancellation ends it, while it waits and while it sweeps, without an error in the log
        9 | the table's name by default | passed: the table is the one that connect-pg-simple makes, and one of its own name has its names
        10 | another table | passed: any name is a name
        11 | another schema | passed
        12 | both | passed
        13 | the old spelling of both in one | refused: it is a name with quotes in it, as its author has deprecated it; `schemaName` says it
        14 | dots are part of a name | passed: any name is a name
        15 | quotes are escaped, in either name | passed
        16 | a connection string leads to the database | passed: DATABASE_URL is read, and missed where it is not set
        17 | and so do separate settings | passed
        18 | a query that works, with a callback | not applicable: there are no callbacks, a method returns or throws
        19 | a query that fails, with a callback | passed: a closed store says so, and a server that is gone is an error and no missing session
        20 | a query without parameters | not applicable: the store has no method for queries
        21 | two callbacks are an error | not applicable: there are none
        22 | destroy | passed: the contract
        23 | destroy, and the query fails | passed: a closed store says so, and a server that is gone is an error and no missing session
        24 | pg-promise in place of pg | not applicable: one client comes with the store
        25 | what is no pg-promise is an error | not applicable: as 24
        26 | the table is made on request, with the first query | passed: the table is the one that connect-pg-simple makes, and one of its own name has its names
        27 | not if it is there | passed: stores that are opened together make the table once
        28 | not if nobody asked | passed: connect-pg-simple: a table that is not there is an error unless it is to be made, or has other columns
        29 | once, for three queries at the same time | passed: stores that are opened together make the table once
        30 | in a service: a row a session, found by the cookie's id, used again with the cookie | passed
        31 | touch moves the row's end by as much as time has passed | passed
        32 | disableTouch leaves it | passed
        33 | what is too old is pruned, what is in use stays | passed: what expired long ago is swept, what is alive stays, and a limit is one
        """
    )

    static let connectMongo = SeedSuite(
        "connect-mongo",
        source: "connect-mongo",
        count: 47,
        """
        1 | no connection is an error | passed: the environment variable is read, and a missing one is named
        2 | a client, or a promise of one, in place of an address | not applicable: the driver is the store's own; the address has all settings
        3 | length of nothing | passed: length, all and clear: each session once, and the index stays
        4 | get of what is not there | passed: the contract, on one server
        5 | all of nothing | passed: length, all and clear: each session once, and the index stays
        6 | set, get, destroy | passed: the contract, on one server
        7 | all and length of some | passed: length, all and clear: each session once, and the index stays
        8 | an event for a session that is made | passed
        9 | an event for one that changes | refused: an event for each write would be a second log of requests; metrics count them
        10 | an event for one that is destroyed | passed
        11 | no timestamps by default | passed: a session is a document with its id, its JSON as text, and its end as a date
        12 | timestamps: createdAt and updatedAt | passed: timestamps: createdAt stays, updatedAt is there after a change and a touch
        13 | timestamps with touchAfter | passed: touchAfter: what was changed a moment ago is not touched, what is older is, and updatedAt says so
        14 | stringify false | passed: the contract, with sessions as documents
        15 | maxAge goes before ttl | passed
        16 | expires goes before both | passed
        17 | clear keeps the index | passed: length, all and clear: each session once, and the index stays
        18 | clear of nothing | passed: length, all and clear: each session once, and the index stays
        19 | a document that does not decrypt is one error | passed
        20 | autoRemove interval swallows errors | passed: A store that fails is logged and tried again
        21 | close ends the timer | passed: Cancellation ends it, while it waits and while it sweeps, without an error in the log
        22 | fourteen days by default | passed
        23 | another ttl | passed
        24 | a serializer of one's own | refused: what Node and Swift both read is JSON
        25 | touch moves the end | passed: touchAfter: what was changed a moment ago is not touched, what is older is, and updatedAt says so
        26 | touchAfter: not before | passed: touchAfter: what was changed a moment ago is not touched, what is older is, and updatedAt says so
        27 | touchAfter: but after | passed: touchAfter: what was changed a moment ago is not touched, what is older is, and updatedAt says so
        28 | two kinds of encryption at once are an error | not applicable: there is one
        29 | an adapter of one's own | refused: it would be JavaScript; the WebCrypto adapter is what a service moves to
        30 | kruptein | refused: its last release changed the format under the same name; Node can move to the WebCrypto adapter in place
        31 | WebCrypto, base64 | passed
        32 | WebCrypto, base64url | passed
        33 | WebCrypto, hex | passed
        34 | WebCrypto, salt and iterations | passed
        35 | WebCrypto, AES-CBC | passed
        36 | transformId | passed: transformId: the document is called what it makes of the id
        37 | the write concern is passed on | passed
        38 | a serializer that fails is an error | not applicable: as 24
        39 | text that is no JSON is an error | refused: it is left as it is, and the visitor is nobody (a security event says so); nobody is locked out by a damaged document
        40 | documents of version 5, plain | passed: what Node wrote is read: with its end, without one for ever, and not when it has expired
        41 | an adapter with stringify | passed
        42 | an adapter with stringify false | passed
        43 | an adapter with a serializer of one's own | refused: as 24
        44 | in a service: views are counted | passed
        45 | in a service: touchAfter with rolling | passed
        46 | documents of version 5, encrypted | refused: as 30, which encrypted them; Node rewrites them in place, and until then their visitors are nobody
        47 | and the index of expires stays as it was | passed
        """
    )
}
