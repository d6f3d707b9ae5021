// What the samples of the adapter for FlyingFox leave to the reader.

import FlyingFox
import Foundation
import Sessions
import SessionsFlyingFox

var routes: RoutedHTTPHandler {
    get { fatalError() }
    set {}
}
var password: RoutedHTTPHandler { fatalError() }
