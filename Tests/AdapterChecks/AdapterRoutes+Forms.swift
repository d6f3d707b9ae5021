import HTTPTypes
import Sessions

extension AdapterRoutes {
    /// The target of a form: behind the adapter's guard, or with the line that stands in its place on any other server.
    func form(_ request: AdapterRequest, isGuarded: Bool) async throws -> AdapterResponse {
        if !isGuarded {
            let head = HTTPRequest(
                method: request.method,
                scheme: "https",
                authority: "app.example",
                path: request.path,
                headerFields: request.fields
            )
            let (exchange, body) = (try request.context.exchange(), request.body.utf8)
            if let refusal = try await csrf.answer(to: head, in: exchange, form: { body }) {
                return AdapterResponse(status: refusal.status, fields: refusal.headerFields)
            }
        }
        try await request.session().update(.visits) { $0 += 1 }
        return AdapterResponse(request.body)
    }
}
