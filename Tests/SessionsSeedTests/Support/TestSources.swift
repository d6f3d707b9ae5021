import Foundation

/// The package as it stands on the disk: the names of its tests, and its documents.
enum TestSources {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func document(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    /// The names of all tests that the sources have, and of the methods that are tests in a browser.
    static var testNames: Dictionary<String, Int>.Keys { tests.keys }

    /// How many tests have each name.
    static let tests: [String: Int] = {
        let tests = root.appendingPathComponent("Tests")
        var names: [String: Int] = [:]
        let files = FileManager.default.enumerator(at: tests, includingPropertiesForKeys: nil)
        while let file = files?.nextObject() as? URL {
            guard ["swift", "py"].contains(file.pathExtension),
                let text = try? String(contentsOf: file, encoding: .utf8)
            else { continue }
            if file.pathExtension == "py" {
                for piece in text.components(separatedBy: "    def test_").dropFirst() {
                    names["test_" + piece.prefix { $0 != "(" }, default: 0] += 1
                }
                continue
            }
            for piece in text.components(separatedBy: "@Test(").dropFirst() {
                if let name = firstLiteral(piece) { names[name, default: 0] += 1 }
            }
        }
        return names
    }()

    /// The string literal that `source` begins with, escapes resolved as far as names of tests have any.
    private static func firstLiteral(_ source: String) -> String? {
        var rest = source.drop { $0.isWhitespace }
        guard rest.popFirst() == "\"" else { return nil }
        var name = ""
        while let character = rest.popFirst() {
            switch character {
            case "\"": return name
            case "\\":
                guard let escaped = rest.popFirst() else { return nil }
                name.append(escaped)
            default: name.append(character)
            }
        }
        return nil
    }

    /// The cases that the name of a test says it is of: `"express 17–20, 24"`.
    static func cases(named name: String) -> (suite: String, numbers: [Int])? {
        guard let colon = name.range(of: ": ")?.lowerBound else { return nil }
        let label = name[..<colon]
        guard let space = label.firstIndex(where: { $0 == " " }) else { return nil }
        var numbers: [Int] = []
        for part in label[space...].split(separator: ",") {
            let ends = part.split(separator: "–").map { Int($0.trimmed) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last else { return nil }
            numbers += first...last
        }
        return (String(label[..<space]), numbers)
    }
}
