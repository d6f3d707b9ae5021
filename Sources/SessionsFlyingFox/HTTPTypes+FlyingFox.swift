#if FlyingFox
import FlyingFox
import HTTPTypes
import Sessions

extension HTTPFields {
    /// The fields of a FlyingFox message.
    ///
    /// Of a request that brings a field several times, FlyingFox keeps the last one alone, cookies included.
    init(_ headers: HTTPHeaders) {
        self.init()
        for (header, value) in headers {
            guard let name = HTTPField.Name(header.rawValue) else { continue }
            append(HTTPField(name: name, value: value))
        }
    }
}

extension HTTPTypes.HTTPRequest {
    /// What an origin policy looks at.
    init(_ request: FlyingFox.HTTPRequest) {
        self.init(
            // What is no method of HTTP is none of those that change nothing either.
            method: Method(rawValue: request.method.rawValue) ?? .post,
            scheme: nil,
            authority: request.headers[.host],
            path: request.target.rawValue,
            headerFields: HTTPFields(request.headers)
        )
    }
}

extension FlyingFox.HTTPResponse {
    /// A response without a body.
    init(_ head: HTTPTypes.HTTPResponse) {
        self.init(statusCode: HTTPStatusCode(head.status.code, phrase: head.status.reasonPhrase))
        for field in head.headerFields { headers.addValue(field.value, for: HTTPHeader(field.name.rawName)) }
    }
}

extension RequestOutcome {
    /// Puts what the sessions add onto a FlyingFox response. The application's own fields stay as they are.
    func apply(to response: inout FlyingFox.HTTPResponse) {
        let code = response.statusCode.code
        let isInterim = (100..<200).contains(code) && code != HTTPStatusCode.switchingProtocols.code
        guard !isEmpty, !isInterim else { return }
        let before = HTTPFields(response.headers)
        var after = before
        apply(to: &after)
        for name in Set(before.map(\.name)).union(after.map(\.name)) where before[values: name] != after[values: name] {
            let header = HTTPHeader(name.rawName)
            if after.contains(name) {
                response.headers.setValues(after[values: name], for: header)
            } else {
                response.headers.removeValue(header)
            }
        }
    }
}
#endif
