// swift-tools-version:6.2

import PackageDescription

let package = Package(
    name: "swift-sessions",
    platforms: [.macOS(.v15), .iOS(.v18), .tvOS(.v18), .watchOS(.v11), .visionOS(.v2)],
    products: [
        .library(name: "Sessions", targets: ["Sessions"]),
        .library(name: "SessionsConfiguration", targets: ["SessionsConfiguration"]),
        .library(name: "SessionsFlyingFox", targets: ["SessionsFlyingFox"]),
        .library(name: "SessionsHummingbird", targets: ["SessionsHummingbird"]),
        .library(name: "SessionsMongo", targets: ["SessionsMongo"]),
        .library(name: "SessionsNIO", targets: ["SessionsNIO"]),
        .library(name: "SessionsPostgres", targets: ["SessionsPostgres"]),
        .library(name: "SessionsSQLite", targets: ["SessionsSQLite"]),
        .library(name: "SessionsRedis", targets: ["SessionsRedis"]),
        .library(name: "SessionsTesting", targets: ["SessionsTesting"]),
    ],
    traits: [
        .trait(
            name: "Configuration",
            description: "Builds SessionsConfiguration, which reads settings with swift-configuration."
        ),
        .trait(name: "FlyingFox", description: "Builds SessionsFlyingFox, the adapter for FlyingFox."),
        .trait(name: "Hummingbird", description: "Builds SessionsHummingbird, the adapter for Hummingbird 2."),
        .trait(name: "Mongo", description: "Builds SessionsMongo, the store on a MongoDB server or replica set."),
        .trait(name: "NIO", description: "Builds SessionsNIO, the adapter for servers on SwiftNIO alone."),
        .trait(name: "Postgres", description: "Builds SessionsPostgres, the store on a PostgreSQL server."),
        .trait(
            name: "SQLite",
            description: "Builds SessionsSQLite, the store that keeps its records in one SQLite file."
        ),
        .trait(
            name: "Redis",
            description: "Builds SessionsRedis, the store that keeps its records in Redis or Valkey."
        ),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
    ],
    targets: [
        .target(
            name: "Sessions",
            dependencies: [
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),
        .target(
            name: "SessionsTesting",
            dependencies: [
                "Sessions",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(
            name: "SessionsConfiguration",
            dependencies: [
                "Sessions",
                .product(
                    name: "Configuration",
                    package: "swift-configuration",
                    condition: .when(traits: ["Configuration"])
                ),
            ]
        ),
        .target(
            name: "SessionsSQLite",
            dependencies: [
                "Sessions",
                .product(name: "GRDB", package: "GRDB.swift", condition: .when(traits: ["SQLite"])),
            ]
        ),
        .systemLibrary(
            name: "CLibPQ",
            pkgConfig: "libpq",
            providers: [.apt(["libpq-dev"]), .brew(["libpq"])]
        ),
        .target(
            name: "SessionsPostgres",
            dependencies: [
                "Sessions",
                .target(name: "CLibPQ", condition: .when(traits: ["Postgres"])),
            ]
        ),
        .systemLibrary(
            name: "CMongoC",
            pkgConfig: "libmongoc-1.0",
            providers: [.apt(["libmongoc-dev"]), .brew(["mongo-c-driver@1"])]
        ),
        .target(
            name: "SessionsMongo",
            dependencies: [
                "Sessions",
                .product(name: "Crypto", package: "swift-crypto", condition: .when(traits: ["Mongo"])),
                .product(name: "CryptoExtras", package: "swift-crypto", condition: .when(traits: ["Mongo"])),
                .target(name: "CMongoC", condition: .when(traits: ["Mongo"])),
            ]
        ),
        .target(name: "SessionsRedisCodec"),
        .target(
            name: "SessionsRedis",
            dependencies: [
                "Sessions",
                "SessionsRedisCodec",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["Redis"])),
                .product(name: "NIOPosix", package: "swift-nio", condition: .when(traits: ["Redis"])),
                .product(name: "NIOSSL", package: "swift-nio-ssl", condition: .when(traits: ["Redis"])),
            ]
        ),
        .target(
            name: "SessionsHummingbird",
            dependencies: [
                "Sessions",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Hummingbird", package: "hummingbird", condition: .when(traits: ["Hummingbird"])),
                .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["Hummingbird"])),
                .product(name: "NIOHTTP1", package: "swift-nio", condition: .when(traits: ["Hummingbird"])),
                .product(name: "NIOSSL", package: "swift-nio-ssl", condition: .when(traits: ["Hummingbird"])),
            ]
        ),
        .target(
            name: "SessionsFlyingFox",
            dependencies: [
                "Sessions",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "FlyingFox", package: "FlyingFox", condition: .when(traits: ["FlyingFox"])),
            ]
        ),
        .target(
            name: "SessionsNIO",
            dependencies: [
                "Sessions",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["NIO"])),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras", condition: .when(traits: ["NIO"])),
            ]
        ),
        .testTarget(
            name: "SessionsTests",
            dependencies: [
                "Sessions",
                "SessionsTesting",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle"),
                "CrashHelping",
                "SessionsFileCrashHelper",
                "TestServers",
            ]
        ),
        .testTarget(
            name: "SessionsTestingTests",
            dependencies: ["Sessions", "SessionsTesting", "TestServers"]
        ),
        .target(
            name: "TestServers",
            dependencies: [
                "Sessions", "SessionsTesting", .target(name: "CMongoC", condition: .when(traits: ["Mongo"])),
            ],
            path: "Tests/TestServers"
        ),
        .target(name: "CrashHelping", dependencies: ["Sessions"], path: "Tests/CrashHelping"),
        .executableTarget(
            name: "SessionsFileCrashHelper",
            dependencies: ["Sessions", "CrashHelping"],
            path: "Tests/SessionsFileCrashHelper"
        ),
        .executableTarget(
            name: "SessionsSQLiteCrashHelper",
            dependencies: ["Sessions", "SessionsSQLite", "CrashHelping"],
            path: "Tests/SessionsSQLiteCrashHelper"
        ),
        .testTarget(
            name: "SessionsSQLiteTests",
            dependencies: [
                "Sessions",
                "SessionsSQLite",
                "SessionsSQLiteCrashHelper",
                "SessionsTesting",
                "CrashHelping",
                "TestServers",
                .product(name: "GRDB", package: "GRDB.swift", condition: .when(traits: ["SQLite"])),
            ]
        ),
        .executableTarget(
            name: "SessionsNode",
            dependencies: [
                "Sessions", "SessionsMongo", "SessionsPostgres", "SessionsRedis", "SessionsSQLite", "SessionsTesting",
            ],
            path: "Tests/SessionsNode"
        ),
        .testTarget(
            name: "SessionsHistoryTests",
            dependencies: [
                "Sessions", "SessionsMongo", "SessionsNode", "SessionsPostgres", "SessionsRedis", "SessionsSQLite",
                "SessionsTesting", "TestServers",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(
            name: "CostMeasuring",
            dependencies: [
                "Sessions", "SessionsMongo", "SessionsPostgres", "SessionsRedis", "SessionsTesting", "TestServers",
            ],
            path: "Tests/CostMeasuring"
        ),
        .executableTarget(
            name: "SessionsCosts",
            dependencies: ["Sessions", "CostMeasuring", "SessionsSQLite", "TestServers"],
            path: "Tests/SessionsCosts"
        ),
        .testTarget(
            name: "SessionsCostTests",
            dependencies: ["CostMeasuring", "TestServers"]
        ),
        .testTarget(
            name: "SessionsRedisTests",
            dependencies: [
                "Sessions",
                "SessionsRedis",
                "SessionsRedisCodec",
                "SessionsTesting",
                "TestServers",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .testTarget(
            name: "SessionsMongoTests",
            dependencies: [
                "Sessions",
                "SessionsMongo",
                "SessionsTesting",
                "TestServers",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto", condition: .when(traits: ["Mongo"])),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .target(name: "CMongoC", condition: .when(traits: ["Mongo"])),
            ]
        ),
        .testTarget(
            name: "SessionsPostgresTests",
            dependencies: [
                "Sessions",
                "SessionsPostgres",
                "SessionsTesting",
                "TestServers",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .target(name: "CLibPQ", condition: .when(traits: ["Postgres"])),
            ]
        ),
        .testTarget(
            name: "SessionsExpressTests",
            dependencies: [
                "Sessions",
                "SessionsPostgres",
                "SessionsRedis",
                "SessionsTesting",
                "TestServers",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["service.js", "remix.js"]
        ),
        .target(
            name: "AdapterChecks",
            dependencies: [
                "Sessions",
                "SessionsTesting",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/AdapterChecks"
        ),
        .testTarget(
            name: "SessionsFlyingFoxTests",
            dependencies: [
                "AdapterChecks",
                "Sessions",
                "SessionsFlyingFox",
                "SessionsTesting",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "FlyingFox", package: "FlyingFox", condition: .when(traits: ["FlyingFox"])),
                .product(name: "FlyingSocks", package: "FlyingFox", condition: .when(traits: ["FlyingFox"])),
            ]
        ),
        .testTarget(
            name: "SessionsNIOTests",
            dependencies: [
                "AdapterChecks",
                "Sessions",
                "SessionsNIO",
                "SessionsTesting",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["NIO"])),
                .product(name: "NIOHTTP1", package: "swift-nio", condition: .when(traits: ["NIO"])),
                .product(name: "NIOPosix", package: "swift-nio", condition: .when(traits: ["NIO"])),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras", condition: .when(traits: ["NIO"])),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras", condition: .when(traits: ["NIO"])),
                .product(name: "NIOWebSocket", package: "swift-nio", condition: .when(traits: ["NIO"])),
            ]
        ),
        .testTarget(
            name: "SessionsKoaTests",
            dependencies: [
                "Sessions",
                "SessionsPostgres",
                "SessionsTesting",
                "TestServers",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["service.js"]
        ),
        .testTarget(
            name: "SessionsConfigurationTests",
            dependencies: [
                "Sessions",
                "SessionsConfiguration",
                .product(
                    name: "Configuration",
                    package: "swift-configuration",
                    condition: .when(traits: ["Configuration"])
                ),
            ]
        ),
        .testTarget(
            name: "SessionsSeedTests",
            dependencies: [
                "Sessions",
                "SessionsHummingbird",
                "SessionsTesting",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird", condition: .when(traits: ["Hummingbird"])),
                .product(name: "HummingbirdTesting", package: "hummingbird", condition: .when(traits: ["Hummingbird"])),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .testTarget(
            name: "SessionsHummingbirdTests",
            dependencies: [
                "AdapterChecks",
                "Sessions",
                "SessionsHummingbird",
                "SessionsMongo",
                "SessionsPostgres",
                "SessionsRedis",
                "SessionsSQLite",
                "SessionsTesting",
                "TestServers",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird", condition: .when(traits: ["Hummingbird"])),
                .product(name: "HummingbirdTesting", package: "hummingbird", condition: .when(traits: ["Hummingbird"])),
                .product(name: "HummingbirdCore", package: "hummingbird", condition: .when(traits: ["Hummingbird"])),
                .product(name: "HummingbirdHTTP2", package: "hummingbird", condition: .when(traits: ["Hummingbird"])),
                .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["Hummingbird"])),
                .product(name: "NIOHTTP1", package: "swift-nio", condition: .when(traits: ["Hummingbird"])),
                .product(name: "NIOSSL", package: "swift-nio-ssl", condition: .when(traits: ["Hummingbird"])),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
                .product(name: "Crypto", package: "swift-crypto"),
            ]
        ),
    ]
)

for target in package.targets where target.type != .system {
    target.swiftSettings =
        (target.swiftSettings ?? []) + [
            .enableUpcomingFeature("ExistentialAny"),
            .enableUpcomingFeature("MemberImportVisibility"),
            .enableUpcomingFeature("InternalImportsByDefault"),
            .treatAllWarnings(as: .error),
        ]
}
