extension SeedSuite {
    static let remix = SeedSuite(
        "Remix",
        source: "Remix, session, cookie, storage, CSRF",
        count: 98,
        """
        1 | a session is made, empty | passed: a session begins with an id of its own, empty and unchanged
        2 | with an id of one's own | passed: the application makes the ids
        3 | what it begins with is no change | passed: a session begins with an id of its own, empty and unchanged
        4 | a flash that it begins with is one | passed: a flash of Remix's is shown once here; one of ours is where Remix looks for it
        5 | set, get, has, unset | passed: values are set, read, there and removed
        6 | values with something in them | passed: values are set, read, there and removed
        7 | null removes | passed: values are set, read, there and removed
        8 | a new id leaves the old one alone, unless asked | refused: an id from before a login has to be worth nothing after it; `rotate(grace:)` in the native format serves clients on bad lines for up to a minute
        9 | a new id, and the old one goes if that is asked for | passed: a rotation has a new id and the same data, and the old id opens nothing
        10 | a second new id: what goes is the first of all | passed: two rotations, and a rotation and an end, leave nothing of the original
        11 | a destroyed session: what changes it throws | refused: what comes after is absorbed, so that a logout is never undone by an error on the way out; `isEnded` says so
        12 | a destroyed session reads as empty | passed: a destroyed session is over: nothing is read, nothing is kept, the cookie goes
        13 | memory: an id that nobody knows is replaced | passed: an id that nobody made here is not adopted
        14 | memory: it is taken over if that is allowed | refused: whoever knows an id before its session begins would have that session; an id that a client made up is never adopted, whatever the setting
        15 | memory: data lasts over three requests | passed: data lasts over requests
        16 | memory: destroyed, the data is gone, and a new id comes | passed: a destroyed session is over: nothing is read, nothing is kept, the cookie goes
        17 | memory: unchanged, no cookie | passed: what is only read is not written, and has no cookie
        18 | memory: a flash is there with the next request, and no later one | passed: flash is there for exactly the next request
        19 | memory: by default the old id keeps the old data | refused: as 8
        20 | memory: it is deleted if that is asked for | passed: a rotation has a new id and the same data, and the old id opens nothing
        21 | files: an id that nobody knows is replaced | passed: an id that nobody made here is not adopted
        22 | files: it is taken over if that is allowed | refused: as 14
        23 | files: data lasts over three requests | passed: data lasts over requests
        24 | files: destroyed, the data is gone | passed: a destroyed session is over: nothing is read, nothing is kept, the cookie goes
        25 | files: unchanged, no cookie | passed: what is only read is not written, and has no cookie
        26 | files: a flash is there with the next request, and no later one | passed: flash is there for exactly the next request
        27 | files: by default the old id keeps the old data | refused: as 8
        28 | files: it is deleted if that is asked for | passed: a rotation has a new id and the same data, and the old id opens nothing
        29 | files: a path that is a file is an error | passed: what is no directory of its own is refused
        30 | cookie storage: data lasts over three requests | passed: data lasts over requests
        31 | cookie storage: destroyed, the data is gone | passed: a destroyed session is over: nothing is read, nothing is kept, the cookie goes
        32 | cookie storage: unchanged, no cookie | passed: what is only read is not written, and has no cookie
        33 | cookie storage: a flash is there with the next request, and no later one | passed: flash is there for exactly the next request
        34 | cookie storage: by default the old cookie keeps the old data | passed: an earlier cookie counts on, as was acknowledged
        35 | cookie storage: that the old one is to be deleted is warned of, as nobody can | passed: what is missing is named, all of it, or the manager is refused
        36 | Redis: an id that nobody knows is replaced | passed: Remix's keys: session: and the id
        37 | Redis: it is taken over if that is allowed | refused: as 14
        38 | Redis: data lasts over three requests | passed: Remix's keys: session: and the id
        39 | Redis: destroyed, the data is gone | passed: Remix's keys: session: and the id
        40 | Redis: unchanged, no cookie | passed: Remix's keys: what is only read is not written, and a flash is there for exactly the next request
        41 | Redis: a flash is there with the next request, and no later one | passed: Remix's keys: what is only read is not written, and a flash is there for exactly the next request
        42 | Redis: by default the old id keeps the old data | refused: as 8
        43 | Redis: it is deleted if that is asked for | passed: Remix's keys: session: and the id
        44 | Redis: the prefix | passed: Remix's keys: session: and the id
        45 | Redis: whole seconds to live | passed: what Remix wrote is read with the time it has left, or without an end
        46 | Redis: two commands for a client without SETEX | not applicable: a write and its time to live are one command
        47 | Redis: a client without either is refused | not applicable: as 46
        48 | Redis: bad JSON is an error | refused: it is left as it is, and opens nothing; one damaged key locks nobody out
        49 | Memcache: a time to live of more than 30 days | refused: a server that may drop a session at any moment can promise neither a login nor a logout; Redis takes the same place
        50 | Memcache: settings that make no sense | refused: as 49
        51 | Memcache: get, set, delete | refused: as 49
        52 | Memcache: delete of what is not there | refused: as 49
        53 | Memcache: an address that is none | refused: as 49
        54 | Memcache: protocol errors | refused: as 49
        55 | middleware: HttpOnly | passed: defaults: Path, HttpOnly, SameSite=Lax, and Secure, which Remix leaves to the application
        56 | middleware: HttpOnly false is warned of | refused: there is no way to turn it off
        57 | middleware: a counter | passed: data lasts over requests
        58 | middleware: a response that cannot be changed | not applicable: responses are values
        59 | middleware: a cookie that is not signed is refused | passed: without a secret there is no manager
        60 | middleware: twice is refused | passed: express 2: a second session layer around a route answers 500, and the first one is left alone
        61 | middleware: a session that somebody has replaced is refused | not applicable: a handler cannot replace it
        62 | middleware: other cookies stay | passed: the application's own cookies are kept
        63 | cookie: defaults | passed: defaults: Path, HttpOnly, SameSite=Lax, and Secure, which Remix leaves to the application
        64 | cookie: partitioned is Secure | passed: partitioned implies secure
        65 | cookie: an empty value | passed: empty, null and missing values are no session
        66 | cookie: not signed | refused: a session's cookie is signed
        67 | cookie: signed | passed: what Remix signs is what we sign, and is read again
        68 | cookie: a codec of one's own | refused: the value is the session's; an application's own cookies are its own
        69 | cookie: a codec of one's own, signed | refused: as 68
        70 | cookie: dots in the value | passed: a session that Remix keeps in its cookie is read, dots and all, and signed anew
        71 | cookie: UTF-8 | passed: a session that Remix keeps in its cookie is read, dots and all, and signed anew
        72 | cookie: a wrong secret | passed: unsigned, wrongly signed and damaged values open nothing
        73 | cookie: what is no base64 | passed: what is signed and no text opens nothing: no base64, and no UTF-8
        74 | cookie: several secrets | passed: rotation: an old secret verifies, the first signs
        75 | cookie: the settings that it was made with | passed: options: domain, path, maxAge, sameSite
        76 | cookie: settings for one response | passed: a session's own lifetime overrides the cookie's age
        77 | cookie: none | passed: empty, null and missing values are no session
        78 | csrf: a token | passed: remix csrf: a token of fixed length; accepted from each header and from the form; missing and invalid are 403
        79 | csrf: in a header | passed: remix csrf: a token of fixed length; accepted from each header and from the form; missing and invalid are 403
        80 | csrf: missing | passed: remix csrf: a token of fixed length; accepted from each header and from the form; missing and invalid are 403
        81 | csrf: wrong | passed: remix csrf: a token of fixed length; accepted from each header and from the form; missing and invalid are 403
        82 | csrf: in a form | passed: remix csrf: a token of fixed length; accepted from each header and from the form; missing and invalid are 403
        83 | csrf: another origin | passed: a form with its token is let through, its body whole; the origin is checked first, and no store is asked for it
        84 | csrf: origins that are trusted | passed: CS-02: an application that trusts by a rule is asked about exact origins alone
        85 | csrf: a value of one's own | passed: remix csrf: the application says where the value is
        86 | csrf: without a session middleware | passed: CF-14, remix csrf: a guard of tokens without a session middleware around it fails with the first request
        87 | cop: safe methods pass | passed: remix cop 1–8: safe methods, same-origin and none pass, any other site is refused, and Origin decides without one
        88 | cop: same-origin passes | passed: remix cop 1–8: safe methods, same-origin and none pass, any other site is refused, and Origin decides without one
        89 | cop: none passes | passed: remix cop 1–8: safe methods, same-origin and none pass, any other site is refused, and Origin decides without one
        90 | cop: cross-site is refused | passed: remix cop 1–8: safe methods, same-origin and none pass, any other site is refused, and Origin decides without one
        91 | cop: same-site is refused | passed: remix cop 1–8: safe methods, same-origin and none pass, any other site is refused, and Origin decides without one
        92 | cop: without it, the Origin that is ours passes | passed: remix cop 1–8: safe methods, same-origin and none pass, any other site is refused, and Origin decides without one
        93 | cop: another Origin is refused | passed: remix cop 1–8: safe methods, same-origin and none pass, any other site is refused, and Origin decides without one
        94 | cop: without both, it passes | passed: remix cop 1–8: safe methods, same-origin and none pass, any other site is refused, and Origin decides without one
        95 | cop: a trusted origin passes | passed: remix cop 9, 10: trusted origins pass, exactly; with a slash or a path they are refused at the start
        96 | cop: one with a path is refused when it is configured | passed: remix cop 9, 10: trusted origins pass, exactly; with a slash or a path they are refused at the start
        97 | cop: a route that is exempt | passed: CS-03, remix cop 11: what is exempt is a route, and no spelling of a path leads around the guard
        98 | cop: an answer of one's own | passed: remix cop 12: the application answers what is refused; without any session middleware or manager
        """
    )
}
