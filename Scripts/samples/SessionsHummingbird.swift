// What the samples of the adapter for Hummingbird leave to the reader, beside what most do.

var request: Request { fatalError() }
func next(_ request: Request, _ context: AppContext) async throws -> Response { fatalError() }
func page(for error: any Error) -> Response { fatalError() }
