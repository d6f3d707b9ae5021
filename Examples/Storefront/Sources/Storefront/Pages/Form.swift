import Hummingbird
import Sessions
import SessionsHummingbird

/// A form that was sent by one of our own pages.
struct Form: Sendable {
    private let fields: [String: String]

    /// Reads the form of a request, and refuses it with 403 unless it holds a token of this session.
    ///
    /// A visitor's page that was made before the session began has no token yet: without an owner there is nothing to
    /// lose but a cart, and the origin check has found the form to be ours.
    init(_ request: Request, _ context: ShopContext) async throws {
        do {
            fields = try await URLEncodedFormDecoder().decode([String: String].self, from: request, context: context)
        } catch let error as any HTTPResponseError {
            throw error
        } catch {
            throw HTTPError(.badRequest, message: "This is no form of this shop.")
        }
        let session = try await context.session
        let needsToken = session.customer != nil || fields["csrf"] != nil && !session.isNew
        guard !needsToken || session.acceptsCSRFToken(fields["csrf"]) else {
            throw HTTPError(.forbidden, message: "This form is out of date. Go back, reload the page and try again.")
        }
    }

    /// The text of a field; 400 if there is none.
    func text(_ name: String) throws -> String {
        guard let text = fields[name] else { throw HTTPError(.badRequest, message: "The form has no \(name).") }
        return text
    }

    /// The product that a field names; 404 if there is no such product.
    func product() throws -> Product {
        guard let product = Catalogue.product(try text("product")) else {
            throw HTTPError(.notFound, message: "There is no such product.")
        }
        return product
    }

    /// The page to return to: the one that the form stood on, the first page if it says none of ours.
    var origin: PagePath { fields["back"].flatMap(PagePath.init(rawValue:)) ?? .home }
}

extension Response {
    /// Leads on to a page, which the browser asks for with GET: reloading it sends nothing again.
    static func see(_ page: PagePath) -> Response { redirect(to: page.rawValue, type: .normal) }
}
