package import HTTPTypes

/// A response as it came over the wire.
package struct WireResponse: Sendable {
    package let status: Int
    package let fields: HTTPFields
    package internal(set) var body: [UInt8] = []

    init(head: String) throws {
        let lines = head.split(separator: "\r\n", omittingEmptySubsequences: false)
        let words = lines[0].split(separator: " ", maxSplits: 2)
        guard words.count >= 2, let status = Int(words[1]) else { throw WireError(what: "no response: \(lines[0])") }
        self.status = status
        var fields = HTTPFields()
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let name = HTTPField.Name(String(parts[0])) else {
                throw WireError(what: "no field: \(line)")
            }
            fields.append(HTTPField(name: name, value: String(parts[1].drop { $0 == " " })))
        }
        self.fields = fields
    }

    /// The body as text.
    package var text: String { String(decoding: body, as: UTF8.self) }

    /// The Set-Cookie fields, each as it stands on the wire.
    package var setCookies: [String] { fields[values: .setCookie] }

    /// The Set-Cookie fields of the first manager's cookie.
    package var sessionCookies: [String] { setCookies.filter { $0.hasPrefix("__Host-Http-sid=") } }

    /// The members of a field that is a list, in lower case.
    package func members(of name: HTTPField.Name) -> [String] {
        fields[values: name].flatMap { $0.split(separator: ",") }.map { $0.drop { $0 == " " }.lowercased() }
    }
}
