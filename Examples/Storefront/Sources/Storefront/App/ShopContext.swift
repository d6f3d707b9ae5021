import Hummingbird
import Sessions
import SessionsHummingbird

/// What a request carries through its handlers.
struct ShopContext: SessionRequestContext {
    var coreContext: CoreRequestContextStorage
    var sessionContext = SessionContext()

    /// No form and no value of the API is larger.
    let maxUploadSize = 32_768

    init(source: Source) {
        coreContext = CoreRequestContextStorage(source: source)
    }
}
