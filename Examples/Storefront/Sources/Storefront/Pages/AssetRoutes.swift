import Hummingbird

/// The style sheet, the script and the icon.
struct AssetRoutes: Sendable {
    let renderer: PageRenderer

    func add(to router: Router<ShopContext>) {
        for asset in [renderer.styleSheet, renderer.script, renderer.icon] {
            router.get(RouterPath(asset.path)) { _, _ in asset.response }
        }
    }
}
