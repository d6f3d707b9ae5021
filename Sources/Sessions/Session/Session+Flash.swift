extension Session {
    /// Leaves a value for one display: it stays until a page reads it, then it is gone.
    ///
    /// Values under one key queue up: each gets a display of its own, the oldest first.
    public func flash<Value>(_ key: SessionKey<Value>, _ value: Value) {
        let id = SystemRandomNumberGenerator.number()
        let name = key.valueName
        record(named: nil) { content in
            content.flash.append(FlashEntry(id: id, name: name, text: try JSONCoding.encode(value)))
        }
    }

    /// Shows a value on this response only: it is read like a flash value and never stored.
    public func flashNow<Value>(_ key: SessionKey<Value>, _ value: Value) {
        guard let text = try? JSONCoding.encode(value) else { return }
        exchange.withState { state in
            if !state.isEnded { state.flashNow[key.valueName] = text }
        }
    }

    /// Reads a flash value, the oldest if there are several, and takes it away; the key's default if there is none.
    ///
    /// It is gone once this request commits. A commit that fails keeps it.
    ///
    /// Where flash values are for the next request only (``SessionConfiguration/FlashLifetime/nextRequest``), one that this
    /// request has left itself is not read.
    public func flash<Value>(_ key: SessionKey<Value>) -> Value {
        flashes(key, limit: 1).first ?? key.defaultValue
    }

    /// Reads all flash values of a key, the oldest first, and takes them away.
    public func flashes<Value>(_ key: SessionKey<Value>) -> [Value] {
        flashes(key, limit: .max)
    }

    private func flashes<Value>(_ key: SessionKey<Value>, limit: Int) -> [Value] {
        let isForNext = exchange.manager.configuration.flashLifetime == .nextRequest
        let (now, shown) = exchange.withState { state in
            (state.flashNow.removeValue(forKey: key.valueName), isForNext ? state.shownFlash : nil)
        }
        let entries = exchange.look().content.flash.filter { entry in
            entry.name == key.valueName && shown?.contains(entry.id) ?? true
        }
        var values: [Value] = []
        if let now, let value = JSONCoding.decode(Value.self, from: now) { values.append(value) }
        var read: Set<UInt64> = []
        for entry in entries where values.count < limit {
            // One that does not decode is left for the node that wrote it.
            guard let value = JSONCoding.decode(Value.self, from: entry.text) else { continue }
            values.append(value)
            read.insert(entry.id)
        }
        if !read.isEmpty {
            let taken = read
            record(named: nil) { content in content.flash.removeAll { taken.contains($0.id) } }
            exchange.withState { $0.readFlash.append(contentsOf: entries.filter { taken.contains($0.id) }) }
        }
        return values
    }

    /// Keeps the flash values of one key for another display, those that this request has read included.
    public func keepFlash<Value>(_ key: SessionKey<Value>) {
        keep { $0.name == key.valueName }
    }

    /// Keeps all flash values for another display, those that this request has read included.
    public func keepFlash() {
        keep { _ in true }
    }

    private func keep(_ isKept: (FlashEntry) -> Bool) {
        let present = exchange.look().content.flash.filter(isKept)
        let restored = exchange.withState { state -> [FlashEntry] in
            guard !state.isEnded else { return [] }
            state.keptFlash.formUnion(present.map(\.id))
            let restored = state.readFlash.filter(isKept)
            state.readFlash.removeAll(where: isKept)
            state.keptFlash.formUnion(restored.map(\.id))
            return restored
        }
        guard !restored.isEmpty else { return }
        record(named: nil) { content in
            // As old as they were: in front of what came later.
            let absent = restored.filter { entry in !content.flash.contains { $0.id == entry.id } }
            content.flash.insert(contentsOf: absent, at: 0)
        }
    }
}
