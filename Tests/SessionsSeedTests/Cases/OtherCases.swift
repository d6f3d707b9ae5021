extension SeedSuite {
    static let curveball = SeedSuite(
        "Curveball",
        source: "Curveball, `@curveball/session`",
        count: 26,
        """
        1 | the cookie: base64, the path `/`, HttpOnly, Lax | passed
        2 | the session lasts, and the same cookie is sent again | passed
        3 | a store of one's own | passed
        4 | the cookie's name | passed
        5 | the record's end: an hour from now | passed
        6 | or another time | passed
        7 | an expiry of 0 ends after a second | refused: a session that nobody can use is no session; a lifetime of zero is refused at start-up
        8 | an id that nobody knows is not adopted | passed
        9 | another cookie is ignored | passed
        10 | no id, but data: a new id, the old record gone, the data kept | passed
        11 | emptied: the record is gone | passed
        12 | emptied: no Set-Cookie | refused: the cookie is expired with the record, or the browser sends it for ever
        13 | the handler throws: the session is stored all the same | passed
        14 | a CSRF token is made | passed: curveball csrf: a token is generated, stands for its request and its session
        15 | and is the same within a request | refused: it is another text each time, so that a compressed page tells nothing about it; each of them is accepted
        16 | and within a session | passed: curveball csrf: a token is generated, stands for its request and its session
        17 | 403 if none was made | passed: curveball csrf: 403 when none was generated, none supplied, or a wrong one; 200 when it is right
        18 | 403 if none is sent | passed: curveball csrf: 403 when none was generated, none supplied, or a wrong one; 200 when it is right
        19 | 403 if it is wrong | passed: curveball csrf: 403 when none was generated, none supplied, or a wrong one; 200 when it is right
        20 | 200 if it is right | passed: curveball csrf: 403 when none was generated, none supplied, or a wrong one; 200 when it is right
        21 | memory: what has expired is hidden | passed
        22 | memory: and deleted when somebody asks | passed
        23 | memory: collected | passed
        24 | memory: from time to time | passed
        25 | memory: closed | passed
        26 | a new session with no data: nothing | passed
        """
    )

    static let primate = SeedSuite(
        "Primate",
        source: "Primate, `@primate/session`",
        count: 13,
        """
        1 | Set-Cookie for a request without a session | passed
        2 | none if there is one | passed
        3 | the cookie's name | passed
        4 | SameSite | passed
        5 | HttpOnly | passed
        6 | the path, and another | passed
        7 | Secure if the application runs on TLS | passed
        8 | ids are made by default | passed
        9 | a manager of one's own decides the id | passed
        10 | a manager that answers nonsense is an error | refused: an id that cannot be one gives way to a random one, and the visitor is served
        11 | a value before the session is created is an error | refused: the first value creates it; there is no wrong order
        12 | created: its data, and a cookie with an id | passed
        13 | a session that is not there says so | passed
        """
    )
}
