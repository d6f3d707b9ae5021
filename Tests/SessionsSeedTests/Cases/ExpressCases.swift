extension SeedSuite {
    /// The suite of express-session 1.19, in its order.
    static let express = SeedSuite(
        "express",
        source: "express-session, `test/session.js`",
        count: 142,
        """
        1 | the module exports its constructors | not applicable: the compiler knows which types there are
        2 | a request that has a session already is left alone | refused: two session layers around one route would hide each other, so the second answers 500 and says what to change
        3 | no secret is an error | passed
        4 | a secret comes with the request | refused: whoever can set a request's properties would choose the key; keys are given to the manager when it is made
        5 | a request without a cookie gets a session and a cookie | passed
        6 | the cookie opens the session's data again | passed
        7 | a store that fails is a 500 | refused: 503, which says that it may be tried again, and 500 that the program is wrong; a request without a cookie is served as there
        8 | a store's error that means "no such file" is a session that is not there | refused: an error is never taken for a missing session, which would sign everybody out while a disk is away; a store says nil for what is not there
        9 | two requests without a cookie have two sessions | passed
        10 | a request with an empty URL works | passed
        11 | a response that is ended twice has one body | not applicable: a handler returns one response
        12 | a response without a body | passed
        13 | a stored value called like a method does no harm | passed
        14 | what one finds by enumerating a session is its values | passed
        15 | a session id that is no string: no cookie, no record | not applicable: an id has its type
        16 | a rolling cookie's end is that of the moment when the head is sent | passed
        17 | the session is saved before the response ends | passed
        18 | and so it is with a Content-Length of 0 | passed
        19 | and with a body in two parts and a Content-Length | passed
        20 | and with a body of known length | passed
        21 | the end in the record is the cookie's, and a later request moves it | passed
        22 | an id that the store does not know gets a new session | passed
        23 | and that session has another id | passed
        24 | an id that is not signed opens nothing | passed
        25 | an id with a wrong signature opens nothing, and the store is not asked | passed
        26 | an expired session is a new one | passed
        27 | and has a new id | passed
        28 | and is not among all sessions | passed
        29 | a record without `cookie` is a 500 | refused: it is read, with the settings that the configuration has; nobody needs the error
        30 | proxy on, and the proxy says https: a secure cookie is sent | passed
        31 | the first of several protocols counts | passed
        32 | no word of the proxy: no secure cookie | passed
        33 | proxy off: what a proxy says does not count | passed
        34 | proxy off: what the framework found out does not count | not applicable: there is no trust setting of the framework to contradict; `proxy` is the only one
        35 | proxy not set: what a proxy says does not count | passed
        36 | proxy not set: a request that the framework calls secure gets the cookie | passed
        37 | a request outside of cookie.path has no session | passed
        38 | whatever its Host says | passed
        39 | a request below cookie.path has one | passed
        40 | and so has a longer one | passed
        41 | below a mounted router the whole path counts | passed
        42 | and not what is left of it there | passed
        43 | secure auto: https by a trusted proxy | passed
        44 | secure auto: an untrusted proxy's https is none | passed
        45 | secure auto: a secure connection | passed
        46 | secure auto: plain HTTP | passed
        47 | the cookie's settings come from a function | passed
        48 | which gets the request | passed
        49 | sameSite auto: a secure connection gets None | passed
        50 | sameSite auto: plain HTTP gets Lax | passed
        51 | sameSite auto: https by a trusted proxy gets None | passed
        52 | sameSite auto: http by a trusted proxy gets Lax | passed
        53 | sameSite auto: an untrusted proxy's https gets Lax | passed
        54 | both auto, secure connection: Secure and None | passed
        55 | both auto, plain HTTP: no Secure, and Lax | passed
        56 | secure false, sameSite auto, secure connection: None without Secure | refused: browsers drop `SameSite=None` without `Secure`
        57 | secure false, sameSite auto, plain HTTP: Lax | passed
        58 | secure true, sameSite auto, secure connection: both | passed
        59 | secure true, sameSite auto, plain HTTP: no cookie | passed
        60 | genid is a function, or an error | not applicable: the compiler says so
        61 | ids are made without genid | passed
        62 | genid's id in the cookie: `apple` | passed
        63 | genid's id in the cookie: `%` | passed
        64 | genid gets the request: the id is the path of its URL | passed
        65 | the cookie's name by default, as `key` | passed
        66 | and another, as `key` | passed
        67 | the cookie's name by default | passed
        68 | and another | passed
        69 | not rolling: a request that changes nothing gets no cookie | passed
        70 | rolling: it gets one | passed
        71 | rolling, without saveUninitialized: nothing for a session with nothing in it | passed
        72 | rolling, with saveUninitialized: a record and a cookie | passed
        73 | rolling, without saveUninitialized: both for a session with something in it | passed
        74 | by default a session is saved that has not changed | refused: it costs a write a request, and Node's own version 2 turns the default round; `resave` is the setting
        75 | resave: it is saved | passed
        76 | no resave: it is not | passed
        77 | no resave: a changed one is | passed
        78 | a change of a member `cookie` inside of a value is a change | passed
        79 | a failing touch does not harm the response | passed
        80 | by default a new session is kept though nothing is in it | refused: no record and no cookie for visitors who have nothing to remember; `saveUninitialized` is the setting
        81 | saveUninitialized: it is kept | passed
        82 | no saveUninitialized: it is not | passed
        83 | no saveUninitialized: one with something in it is | passed
        84 | a store that fails to save: the response goes out as if nothing were | refused: 503, as a response that says "done" has to be true; the handler's response is never sent
        85 | no saveUninitialized: a new session is not touched | passed
        86 | an empty list of secrets is an error | passed
        87 | a secret that is a string | passed
        88 | a secret that is bytes | passed: cookie-signature 3: a secret of bytes signs what Node signs with them, and is verified
        89 | several secrets sign | passed
        90 | the first of them signs | passed
        91 | any of them verifies | passed
        92 | unset has one of two values, or is an error | not applicable: `reload` and `destroy` are two methods
        93 | unset keep: what is let go of stays in the store | passed
        94 | unset destroy: it goes | passed
        95 | unset destroy: a new session leaves nothing, and no cookie | passed
        96 | unset destroy: a store that fails, and a 200 all the same | refused: 503, and the cookie stays, so that the logout can be repeated
        97 | somebody has replaced the end of the response before | passed
        98 | or after | passed
        99 | a response that is ended twice is an error as in Node | not applicable: a handler returns one response
        100 | a session lasts, and the store has it | passed
        101 | with a maxAge the cookie is sent again when the session changes, and not otherwise | passed
        102 | the methods of a session are not among its values | passed
        103 | a store that is not connected: no session and no cookie | refused: no session would be everybody signed out; a handler that asks for it hears that the store is away (503), others are served
        104 | and when it is back, there is one | passed
        105 | destroy: no session, and no Set-Cookie | refused: the session is over, and the cookie is expired with it, as Node's version 2 does
        106 | regenerate: a new id and a cookie | passed
        107 | reload sees what another request wrote | passed
        108 | reload of a session that is gone is an error | passed
        109 | twenty reloads that fail | passed
        110 | save writes at once | passed
        111 | and the end of the request does not write again | passed
        112 | nor after a reload | passed
        113 | nor without saveUninitialized | passed
        114 | touch moves the end in the store | passed
        115 | a session's own httpOnly and secure | refused: one session's cookie is as protected as another's; there is no way to make it readable by scripts
        116 | no Expires by default | passed
        117 | a cookie that ends with the browser is sent once | passed
        118 | the settings are those that are sent; not so httpOnly false and a session's own secure false, refused as in 115 | passed
        119 | an end that is no date is an error | passed
        120 | other cookies on the response stay | passed
        121 | also those that come with the head | passed
        122 | originalMaxAge is in the record | passed
        123 | and stays there | passed
        124 | also with a store that hands out dates | not applicable: a store hands out bytes
        125 | secure, over TLS: a cookie | passed
        126 | secure, over plain HTTP: none | passed
        127 | Expires is maxAge from the response's Date | passed
        128 | a session's own maxAge | passed
        129 | a long one, exactly | passed
        130 | expires at the beginning of 1970 | refused: a cookie that is over at once is a session that is over: `destroy` says so, and leaves no record behind
        131 | expires null: no Expires | passed
        132 | and not sent again | passed
        133 | not even when the session changes | passed
        134 | not partitioned by default | passed
        135 | partitioned false | passed
        136 | partitioned true | passed
        137 | a store that answers at once: save | passed
        138 | and destroy, with a body under way | passed
        139 | the cookie as cookie-parser has it | not applicable: the request's own fields are read, whatever stands before; Node's version 2 drops it too
        140 | one that is not signed is refused | passed
        141 | one with a wrong signature is refused | passed
        142 | one that cookie-parser has verified already | not applicable: as 139
        """
    )

    /// express-session's suite of its cookie settings.
    static let cookieJS = SeedSuite(
        "cookie.js",
        source: "express-session, `test/cookie.js`",
        count: 11,
        """
        1 | the defaults: no end, HttpOnly, the path `/` | passed
        2 | options that are no object are an error | not applicable: the compiler says so
        3 | a member `data` of the options is ignored | not applicable: there is no such setting
        4 | maxAge sets the end | passed
        5 | and the end sets maxAge | passed
        6 | a maxAge that is a date | refused: two meanings for one number; Node has deprecated it
        7 | a maxAge that is neither number nor date is an error | passed
        8 | partitioned | passed
        9 | path | passed
        10 | priority | passed
        11 | httpOnly false | refused: a session's cookie is hidden from scripts
        """
    )

    static let cookieSignature = SeedSuite(
        "cookie-signature",
        source: "cookie-signature",
        count: 11,
        """
        1 | what is signed, exactly | passed
        2 | another secret signs otherwise | passed
        3 | a secret of bytes, exactly | passed
        4 | a secret that is no key is an error | not applicable: the compiler says so
        5 | what was signed is verified | passed
        6 | and not under another secret | passed
        7 | no signature | passed
        8 | something before the value | passed
        9 | something and a dot before it | passed
        10 | a dot and something after the signature | passed
        11 | something after the signature | passed
        """
    )
}
