extension Session {
    /// Over which transport the session's credential travels.
    public var transport: SessionTransport { exchange.withState { $0.fields.transport } }

    /// Has the credential of a session that begins in this request travel over `transport`: the login of an API says
    /// `travel(over: .header)`, where the application's pages use cookies.
    ///
    /// A client that came with a credential, good or bad, is answered over the transport it came over, and this does
    /// nothing: what was in a cookie never goes where a script can read it.
    ///
    /// The commit throws ``SessionError/Code/unsupported`` if the transport is not one of
    /// ``SessionConfiguration/transport``.
    public func travel(over transport: SessionTransport) {
        let configured = exchange.manager.configuration.transport
        exchange.carryOut { state in
            guard transport == .cookie || transport == .header, configured.contains(transport) else {
                return state.fail(
                    SessionError(
                        .unsupported,
                        "The session was to travel over a transport that is not configured. Add it to "
                            + "SessionConfiguration.transport."
                    )
                )
            }
            guard state.arrival == .noCookie, !state.fields.changesCookie else { return }
            state.fields.transport = transport
        }
    }
}
