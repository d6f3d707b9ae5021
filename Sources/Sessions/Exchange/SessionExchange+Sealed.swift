// What an exchange does differently where the session lives in the cookie.
extension SessionExchange {
    /// Opens what the request's cookie holds.
    func arrive(_ sealed: SealedBackend) async throws -> Arrived {
        switch CookieHeader(requestFields).lookup(manager.cookieName) {
        case .absent: return Arrived(arrival: .noCookie)
        case .one(let value): return try await judge(sealed.codec.parse(value, in: requestFields), sealed)
        case .tooMany: return Arrived(arrival: .duplicate)
        case .several(let values):
            // As with other credentials: exactly one may resolve, or somebody planted one (PR-09).
            guard !manager.cookieName.isHostOnly else { return Arrived(arrival: .duplicate) }
            var found: [Arrived] = []
            for value in values {
                let arrived = try await judge(sealed.codec.parse(value, in: requestFields), sealed)
                if arrived.record != nil { found.append(arrived) }
            }
            return found.count == 1 ? found[0] : Arrived(arrival: .duplicate)
        }
    }

    private func judge(_ parse: ParsedCookie, _ sealed: SealedBackend) async throws -> Arrived {
        switch parse {
        case .malformed: return Arrived(arrival: .malformed)
        case .unverifiable: return Arrived(arrival: .unverifiable)
        case .unreadable(let held): return Arrived(arrival: .unreadable, held: held)
        case .session(let record, let held):
            let now = manager.clock.now()
            let begins = SealedBackend.beginning(of: record)
            guard !record.isExpired(at: now), begins.duration(since: now) <= SealedBackend.skew,
                !sealed.isTooOld(record, at: now)
            else {
                return Arrived(arrival: .expired, held: held)
            }
            guard try await !isRevoked(record, held, sealed) else { return Arrived(arrival: .gone, held: held) }
            return Arrived(arrival: .found, record: record, held: held)
        }
    }

    private func isRevoked(
        _ record: LoadedRecord,
        _ held: HeldCredential,
        _ sealed: SealedBackend
    ) async throws -> Bool {
        withState { $0.report.roundTrips += sealed.roundTrips(for: record) }
        return try await sealed.isRevoked(record, held.handle)
    }

    /// Drops what this request has changed since its last checkpoint: nobody else can have changed the session.
    ///
    /// - Throws: ``SessionError/Code/ended`` if it was ended, and somebody has kept that.
    func reload(_ sealed: SealedBackend) async throws {
        let (base, held, isEnded) = withState { ($0.base, $0.held, $0.isEnded) }
        guard !isEnded else { throw SessionError.ended }
        if let base, let held {
            let isOver: Bool
            do {
                isOver = try await isRevoked(base, held, sealed)
            } catch {
                manager.emit(.storeFailed, held.handle)
                throw failed(
                    SessionError(.storeUnavailable, "The store of revocations failed to load.", underlying: error)
                )
            }
            guard !isOver, !base.isExpired(at: manager.clock.now()) else { throw SessionError.ended }
        }
        withState { state in
            state.readFlash = []
            state.rebase(on: base, held: held, through: state.moment)
        }
    }
}
