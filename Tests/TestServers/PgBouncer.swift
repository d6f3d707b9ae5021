import Foundation

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A PgBouncer in front of a PostgreSQL server, on a free port of the loopback interface.
package final class PgBouncer: Sendable {
    package let port: Int
    private let directory: ServerDirectory
    private let process: ServerProcess

    /// - Parameter mode: `session`, `transaction` or `statement`.
    package init(to server: PostgresServer, mode: String) async throws {
        port = try ServerEnvironment.freePort()
        directory = try ServerDirectory("pgbouncer")
        let config = """
            [databases]
            postgres = host=127.0.0.1 port=\(server.port) user=postgres
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = \(port)
            unix_socket_dir =
            auth_type = any
            pool_mode = \(mode)
            server_idle_timeout = 3600

            """
        try config.write(toFile: directory.file("config"), atomically: true, encoding: .utf8)
        // It refuses to run as root.
        if geteuid() == 0 {
            guard let user = getpwnam("postgres") else { throw TestServerError("there is no user postgres") }
            for path in [directory.path, directory.file("config")] {
                guard chown(path, user.pointee.pw_uid, user.pointee.pw_gid) == 0 else {
                    throw TestServerError("\(path) could not be given to the user postgres")
                }
            }
        }
        let options = geteuid() == 0 ? ["-u", "postgres"] : []
        process = try ServerProcess(
            ServerEnvironment.program("pgbouncer", in: ["/usr/sbin"]),
            options + [directory.file("config")],
            log: directory.file("log")
        )
        try await ServerEnvironment.waitForListener(at: port, of: process)
    }
}
