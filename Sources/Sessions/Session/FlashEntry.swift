/// One flash value waiting for its display.
///
/// It has an identity of its own, so that reading it removes this entry and not one that another request has put under
/// the same key meanwhile.
struct FlashEntry: Sendable, Equatable {
    var id: UInt64
    var name: ValueName
    var text: JSONText
}
