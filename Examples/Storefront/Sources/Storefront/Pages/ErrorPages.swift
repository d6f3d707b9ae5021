import Hummingbird
import Sessions
import SessionsHummingbird

/// Remembers, for the error page, which theme the visitor likes.
///
/// It stands inside the session middleware and lets the error pass through it, as that decides what of the session is
/// kept.
struct ThemedErrors: RouterMiddleware {
    func handle(
        _ request: Request,
        context: ShopContext,
        next: (Request, ShopContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as any HTTPResponseError {
            guard !request.isForAPI else { throw error }
            throw ThemedError(underlying: error, theme: (try? await context.session)?[.theme] ?? .auto)
        }
    }
}

/// An error on its way to an error page.
struct ThemedError: HTTPResponseError {
    let underlying: any HTTPResponseError
    let theme: Theme

    var status: HTTPResponse.Status { underlying.status }

    func response(from request: Request, context: some RequestContext) throws -> Response {
        try underlying.response(from: request, context: context)
    }
}

/// Answers errors: with a page for people, with JSON for the API. It stands around the session middleware, whose own
/// errors it answers too.
struct ErrorAnswers: RouterMiddleware {
    let renderer: PageRenderer

    func handle(
        _ request: Request,
        context: ShopContext,
        next: (Request, ShopContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as any HTTPResponseError {
            var response = try error.response(from: request, context: context)
            let (cause, theme) = Self.unwrap(error)
            if request.isForAPI {
                if response.body.contentLength == 0 { response.replaceBody(with: Self.json(response.status, cause)) }
            } else {
                response.replaceBody(with: page(response.status, cause, theme))
            }
            return response
        }
    }

    /// The error that the handler threw, and the theme of its page.
    private static func unwrap(_ error: any Error) -> (any Error, Theme) {
        let error = (error as? SessionResponseError)?.underlying ?? error
        guard let themed = error as? ThemedError else { return (error, .auto) }
        return (themed.underlying, themed.theme)
    }

    private func page(_ status: HTTPResponse.Status, _ cause: any Error, _ theme: Theme) -> Response {
        let text = ErrorText(status)
        let view = ErrorView(
            status: status.code,
            title: text.title,
            message: (cause as? HTTPError)?.body ?? text.message
        )
        return renderer.page(.error, PageFrame(error: text.title, theme: theme), view, status: status)
    }

    private static func json(_ status: HTTPResponse.Status, _ cause: any Error) -> Response {
        let message = (cause as? SessionError)?.message ?? ErrorText(status).message
        return JSON.object(["error": ["message": .string(message)]]).response(status)
    }
}

/// What an error page says.
private struct ErrorView: Sendable {
    let status: Int
    let title, message: String
}

/// What is said about a status that brings no message of its own.
private struct ErrorText {
    let title, message: String

    init(_ status: HTTPResponse.Status) {
        (title, message) =
            switch status {
            case .notFound: ("Nothing here", "There is no such page. It may never have been there.")
            case .unauthorized: ("Sign in first", "This is for people who are signed in.")
            case .forbidden: ("Refused", "This request did not come from a page of this shop.")
            case .conflict:
                ("Your session has ended", "It ended while this request was under way; nothing was changed.")
            case .contentTooLarge: ("Too much", "That is more than this shop takes at once.")
            case .notImplemented:
                (
                    "Not with this store",
                    "Nobody keeps a list of these sessions. Start the shop with another --store."
                )
            case .serviceUnavailable:
                ("One moment", "The shop cannot reach its sessions just now. Try again in a moment.")
            case _ where status.kind == .clientError:
                ("That did not work", "The shop does not understand this request.")
            default: ("Something broke", "The shop made a mistake. It has been written down.")
            }
    }
}

extension Request {
    /// Whether a program asks and not a person.
    var isForAPI: Bool { uri.path.hasPrefix("/api/") }
}

extension Response {
    /// Takes over a body with the fields that describe it, and leaves every other field as it is.
    fileprivate mutating func replaceBody(with other: Response) {
        body = other.body
        for field in other.headers where headers[field.name] == nil || field.name == .contentType {
            headers[field.name] = field.value
        }
    }
}
