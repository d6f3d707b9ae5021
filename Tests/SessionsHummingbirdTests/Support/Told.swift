#if Hummingbird
import Foundation
import HTTPTypes
import Hummingbird
import InMemoryTracing
import Logging
import MetricsTestKit
import SessionsHummingbird
import Synchronization
import Tracing

/// Everything that an application told anybody, by the way it went.
final class Told: Sendable {
    enum Channel: String, CaseIterable, Sendable {
        case log, event, report, error, body, header, span, metric
    }

    private let texts = Mutex<[Channel: [String]]>([:])

    func append(_ text: String, to channel: Channel) {
        texts.withLock { $0[channel, default: []].append(text) }
    }

    /// Tells every way in which `value` can be put into words.
    func append(allOf value: Any, to channel: Channel) {
        append(Self.words(value), to: channel)
    }

    func count(in channel: Channel) -> Int { texts.withLock { $0[channel]?.count ?? 0 } }

    func text(of channel: Channel) -> String { texts.withLock { $0[channel, default: []].joined(separator: "\n") } }

    /// Tells what the spans say that have ended, and which series there are.
    func append(_ tracer: InMemoryTracer, _ metrics: TestMetrics) {
        for span in tracer.popFinishedSpans() {
            append("\(span.operationName) \(span.context) \(words(span.attributes))", to: .span)
            if let status = span.status { append(allOf: status, to: .span) }
            for event in span.events { append("\(event.name) \(words(event.attributes))", to: .span) }
            for link in span.links { append("\(link.context) \(words(link.attributes))", to: .span) }
            for error in span.errors {
                append(allOf: error.error, to: .span)
                append(words(error.attributes), to: .span)
            }
        }
        let counters = metrics.counters.map { "\($0.label) \($0.dimensions)" }
        let timers = metrics.timers.map { "\($0.label) \($0.dimensions)" }
        let recorders = metrics.recorders.map { "\($0.label) \($0.dimensions)" }
        let meters = metrics.meters.map { "\($0.label) \($0.dimensions)" }
        for series in counters + timers + recorders + meters { append(series, to: .metric) }
    }

    private func words(_ attributes: SpanAttributes) -> String {
        var text = ""
        attributes.forEach { text += " \($0)=\($1)" }
        return text
    }

    /// Printed, described, reflected, dumped, and as Foundation says it.
    static func words(_ value: Any) -> String {
        var dumped = ""
        // An application's own objects may go deep.
        dump(value, to: &dumped, maxDepth: 7, maxItems: 400)
        let local = (value as? any Error)?.localizedDescription ?? ""
        return "\(value) \(String(describing: value)) \(String(reflecting: value)) \(dumped) \(local)"
    }
}

/// Tells every line of a log, down to trace.
struct TellingLogHandler: LogHandler {
    private let told: Told
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    init(_ told: Told) {
        self.told = told
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        told.append("\(event.level) \(event.message) \(all) \(event.source)", to: .log)
        if let error = event.error { told.append(allOf: error, to: .log) }
    }
}

/// Tells every error that passes, as an application's own middleware might log it.
struct ErrorTeller: RouterMiddleware {
    typealias Context = AppContext
    private let told: Told

    init(_ told: Told) {
        self.told = told
    }

    func handle(
        _ request: Request,
        context: AppContext,
        next: (Request, AppContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            told.append(allOf: error, to: .error)
            if let error = error as? SessionResponseError { told.append(allOf: error.underlying, to: .error) }
            context.logger.error("\(error)", metadata: ["reflected": "\(String(reflecting: error))"])
            throw error
        }
    }
}
#endif
