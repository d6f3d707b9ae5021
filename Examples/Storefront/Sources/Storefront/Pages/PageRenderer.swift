import Hummingbird
import Mustache

/// Renders the pages from their templates, which are part of the program.
struct PageRenderer: Sendable {
    /// A page's template, by its name.
    enum Template: String {
        case home, cart, signin, account, devices, error
    }

    private let library: MustacheLibrary

    let styleSheet = Asset(PackageResources.shop_css, "css", "text/css; charset=utf-8")
    let script = Asset(PackageResources.back_js, "js", "text/javascript; charset=utf-8")
    let icon = Asset(PackageResources.icon_svg, "svg", "image/svg+xml")

    init() throws {
        var library = MustacheLibrary()
        let templates = [
            "layout": PackageResources.layout_mustache,
            "token": PackageResources.token_mustache,
            Template.home.rawValue: PackageResources.home_mustache,
            Template.cart.rawValue: PackageResources.cart_mustache,
            Template.signin.rawValue: PackageResources.signin_mustache,
            Template.account.rawValue: PackageResources.account_mustache,
            Template.devices.rawValue: PackageResources.devices_mustache,
            Template.error.rawValue: PackageResources.error_mustache,
        ]
        for (name, text) in templates { try library.register(String(decoding: text, as: UTF8.self), named: name) }
        self.library = library
    }

    /// A page.
    ///
    /// - Parameters:
    ///   - template: what the page looks like.
    ///   - frame: what stands around it.
    ///   - content: what the template speaks of.
    func page(
        _ template: Template,
        _ frame: PageFrame,
        _ content: some Sendable,
        status: HTTPResponse.Status = .ok
    ) -> Response {
        let view: [String: Any] = [
            "frame": frame, "content": content, "stylesheet": styleSheet.path, "script": script.path, "icon": icon.path,
        ]
        let html = library.render(view, withTemplate: template.rawValue) ?? ""
        return Response(status: status, headers: Self.headers, body: ResponseBody(byteBuffer: ByteBuffer(string: html)))
    }

    private static let headers: HTTPFields = [
        .contentType: "text/html; charset=utf-8",
        // Every page holds a form's token and says who is signed in: "back" after signing out must ask again.
        .cacheControl: "no-store",
        .contentSecurityPolicy:
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        .xContentTypeOptions: "nosniff",
    ]
}
