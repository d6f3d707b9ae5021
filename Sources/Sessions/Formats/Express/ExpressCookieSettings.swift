#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The member `cookie` of express-session's record: the settings of one session's cookie.
///
/// `maxAge` and `expires` mean something here. Everything else is kept in its order, byte for byte.
struct ExpressCookieSettings: Sendable, Equatable {
    /// The members as they are written, `originalMaxAge` and `expires` among them.
    private var members: [(name: String, text: JSONText)]

    /// How long the session lives after each use; `nil` where the cookie ends with the browser, and the store's own
    /// setting counts.
    private(set) var maxAge: Duration?

    /// The settings that Node writes for a new session.
    ///
    /// - Parameters:
    ///   - maxAge: `nil` for a cookie that ends with the browser.
    ///   - attributes: The cookie's attributes.
    init(maxAge: Duration?, attributes: CookieAttributes) {
        self.maxAge = maxAge
        members = [("originalMaxAge", Self.json(maxAge))]
        if attributes.partitioned { members.append(("partitioned", Self.text("true"))) }
        if let priority = attributes.priority {
            members.append(("priority", Self.quoted(priority.rawValue.lowercased())))
        }
        members.append(("expires", Self.text("null")))
        if attributes.secure { members.append(("secure", Self.text("true"))) }
        members.append(("httpOnly", Self.text(attributes.httpOnly ? "true" : "false")))
        if let domain = attributes.domain { members.append(("domain", Self.quoted(domain))) }
        members.append(("path", Self.quoted(attributes.path)))
        members.append(("sameSite", Self.quoted(attributes.sameSite.rawValue.lowercased())))
    }

    /// The settings that `json`, an object, spells; `nil` if it is no object.
    init?(json: JSONText) {
        var members: [(name: String, text: JSONText)] = []
        let bytes = Array(json)
        let isObject = JSONScanner.forEachMember(of: bytes) { name, value in
            members.append((name, bytes[value]))
        }
        guard isObject else { return nil }
        self.members = members
        // `null` and `false` are a cookie that ends with the browser.
        if let text = text(of: "originalMaxAge"), let milliseconds = JSONCoding.decode(Double.self, from: text),
            milliseconds >= 0, milliseconds <= Self.longest
        {
            maxAge = .milliseconds(Int64(milliseconds))
        }
    }

    static func == (left: ExpressCookieSettings, right: ExpressCookieSettings) -> Bool {
        left.members.elementsEqual(right.members) { $0 == $1 }
    }

    /// The settings of the session after this commit, as JSON.
    ///
    /// - Parameters:
    ///   - maxAge: How long the session lives after each use, if it says so itself.
    ///   - deadline: When it ends unless it is used.
    func json(maxAge: Duration?, until deadline: Timestamp) -> [UInt8] {
        guard let maxAge else { return json }
        return with(Self.json(maxAge), deadline < Self.latest ? Self.quoted(ISODate.text(deadline)) : Self.text("null"))
            .json
    }

    /// The settings of a session whose cookie ends with the browser, as JSON.
    ///
    /// Node spells that `null`, `false`, or not at all; each of them stays.
    var jsonOfBrowserSession: [UInt8] {
        var copy = self
        for (index, member) in members.enumerated() where ["originalMaxAge", "expires"].contains(member.name) {
            if member.text != Self.text("false") { copy.members[index].text = Self.text("null") }
        }
        return copy.json
    }

    private func with(_ originalMaxAge: JSONText, _ expires: JSONText) -> ExpressCookieSettings {
        var copy = self
        for (name, text) in [("originalMaxAge", originalMaxAge), ("expires", expires)] {
            if let index = copy.members.firstIndex(where: { $0.name == name }) {
                copy.members[index].text = text
            } else {
                copy.members.append((name, text))
            }
        }
        return copy
    }

    private var json: [UInt8] {
        var output = [UInt8(ascii: "{")]
        for (index, member) in members.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            JSONString.append(member.name, to: &output)
            output.append(UInt8(ascii: ":"))
            output += member.text
        }
        output.append(UInt8(ascii: "}"))
        return output
    }

    /// The `Set-Cookie` fields of a session with these settings: what a browser knows its cookie by is as it was set.
    ///
    /// `HttpOnly` and `Secure` are never taken back, whatever the record says.
    ///
    /// - Returns: `nil` if they are those of `template`, or could not be sent.
    func template(like template: SetCookieTemplate) -> SetCookieTemplate? {
        let usual = template.attributes
        let sameSite = string("sameSite")?.lowercased()
        let priority = string("priority")?.lowercased()
        let attributes = try? CookieAttributes(
            domain: string("domain").map { $0.hasPrefix(".") ? String($0.dropFirst()) : $0 },
            path: string("path") ?? usual.path,
            secure: usual.secure || flag("secure"),
            httpOnly: true,
            sameSite: CookieAttributes.SameSite.allCases.first { $0.rawValue.lowercased() == sameSite }
                ?? (flag("sameSite") ? .strict : usual.sameSite),
            partitioned: flag("partitioned"),
            priority: CookieAttributes.Priority.allCases.first { $0.rawValue.lowercased() == priority }
        )
        guard let attributes, attributes != usual else { return nil }
        // The name is the other service's choice.
        return try? SetCookieTemplate(name: template.name, attributes: attributes, allowUnprefixed: true)
    }

    private func string(_ name: String) -> String? {
        text(of: name).flatMap { JSONCoding.decode(String.self, from: $0) }
    }

    private func flag(_ name: String) -> Bool {
        text(of: name).flatMap { JSONCoding.decode(Bool.self, from: $0) } ?? false
    }

    private func text(of name: String) -> JSONText? { members.first { $0.name == name }?.text }

    /// The end of the year 9999: later dates are spelled in another way.
    private static let latest = Timestamp(microseconds: 253_402_300_800_000_000)

    /// Numbers beyond it are no milliseconds: JavaScript's dates end there.
    private static let longest = 8.64e15

    private static func json(_ maxAge: Duration?) -> JSONText {
        text(maxAge.map { String($0.wholeMicroseconds / 1000) } ?? "null")
    }

    private static func text(_ text: String) -> JSONText { JSONText(text.utf8) }

    private static func quoted(_ text: String) -> JSONText {
        var output: [UInt8] = []
        JSONString.append(text, to: &output)
        return JSONText(output)
    }
}
