extension LoadedRecord {
    /// Since when the credential is the current one.
    ///
    /// A record does not say when a rotation with a grace took place, only when its grace ends. Counting from there
    /// makes a credential at most one grace older, and keeps a rotation out of the grace of another.
    var credentialSince: Timestamp {
        content.grace.map { max(content.rotatedAt, $0.until) } ?? content.rotatedAt
    }

    /// Whether the credential is as old as ``SessionConfiguration/rotationInterval`` lets it become.
    func isRotationDue(_ configuration: SessionConfiguration, at now: Timestamp) -> Bool {
        guard let interval = configuration.rotationInterval else { return false }
        return now.duration(since: credentialSince) >= interval
    }
}
