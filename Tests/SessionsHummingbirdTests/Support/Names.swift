#if Hummingbird
import HTTPTypes

extension HTTPField.Name {
    // swift-format-ignore: NeverForceUnwrap
    // The tests name tokens only.
    static func other(_ name: String) -> HTTPField.Name { HTTPField.Name(name)! }
}

extension HTTPRequest.Method {
    // swift-format-ignore: NeverForceUnwrap
    // The tests name tokens only.
    static func other(_ name: String) -> HTTPRequest.Method { HTTPRequest.Method(name)! }
}
#endif
