import Synchronization

/// What is on the disk, as far as this process has seen.
///
/// Everybody sees a change before the disk has it, and the disk may fail or hang in between. A place is unsettled then:
/// whoever comes to it in this process first waits for the disk, so that nobody who asks again is told that a write was
/// kept which a power loss can undo (checklist ST-02).
final class FileDisk: Sendable {
    private let isSynchronous: Bool
    private let steps: FileSteps
    private let unsettled = Mutex<Set<FilePlace>>([])
    private let known = Mutex<Set<String>>([])

    /// More than there are directories of shards and leaves; those of deadlines come and go.
    private static let limit = 20_000

    init(isSynchronous: Bool, steps: FileSteps) {
        self.isSynchronous = isSynchronous
        self.steps = steps
    }

    /// Waits until what was changed in a file or a directory is on the disk; with `.off`, for nothing.
    func force(_ file: borrowing FileDescriptor, _ name: String) throws {
        guard isSynchronous else { return }
        try steps.beforeForce(name)
        try file.synchronize()
    }

    // MARK: Changes that are seen already

    /// Makes a change that everybody sees at once; ``settled(_:)`` has to follow.
    func change(_ place: FilePlace, _ body: () throws -> Void) throws {
        guard isSynchronous else { return try body() }
        // Before anybody can see the change.
        unsettled.withLock { _ = $0.insert(place) }
        do {
            try body()
        } catch {
            settled(place)
            throw error
        }
    }

    /// Notes that a place's changes are on the disk.
    func settled(_ place: FilePlace) {
        unsettled.withLock { _ = $0.remove(place) }
    }

    func isSettled(_ place: FilePlace) -> Bool {
        unsettled.withLock { !$0.contains(place) }
    }

    // MARK: Directories

    /// Forces to the disk what leads to a directory, once in a process: another one may have made it and died.
    func once(_ directory: String, _ force: () throws -> Void) throws {
        guard isSynchronous, !known.withLock({ $0.contains(directory) }) else { return }
        try force()
        known.withLock { known in
            if known.count >= Self.limit { known = [] }
            known.insert(directory)
        }
    }

    /// Notes that a directory was made anew.
    func forget(_ directory: String) {
        known.withLock { _ = $0.remove(directory) }
    }
}
