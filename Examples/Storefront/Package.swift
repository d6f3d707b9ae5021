// swift-tools-version:6.2

import PackageDescription

let package = Package(
    name: "Storefront",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(
            name: "swift-sessions",
            path: "../..",
            traits: ["Hummingbird", "Mongo", "Postgres", "Redis", "SQLite"]
        ),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .executableTarget(
            name: "storefront",
            dependencies: [
                .product(name: "Sessions", package: "swift-sessions"),
                .product(name: "SessionsHummingbird", package: "swift-sessions"),
                .product(name: "SessionsMongo", package: "swift-sessions"),
                .product(name: "SessionsPostgres", package: "swift-sessions"),
                .product(name: "SessionsRedis", package: "swift-sessions"),
                .product(name: "SessionsSQLite", package: "swift-sessions"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Mustache", package: "swift-mustache"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            path: "Sources/Storefront",
            resources: [
                // In the program itself: it runs from any folder, and without its build folder.
                .embedInCode("Templates")
            ]
        )
    ]
)

for target in package.targets {
    target.swiftSettings =
        (target.swiftSettings ?? []) + [
            .enableUpcomingFeature("ExistentialAny"),
            .enableUpcomingFeature("MemberImportVisibility"),
            .enableUpcomingFeature("InternalImportsByDefault"),
            .treatAllWarnings(as: .error),
        ]
}
