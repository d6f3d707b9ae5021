#!/usr/bin/env bash
# Builds the package with no trait, tests included, and with each trait alone the libraries, which is what an application
# builds: everything compiles, and an application that wants the core alone fetches no server framework and no database.
#
# It builds where the tests were built. Dependencies are the same under every trait and are not compiled again, so this
# costs little after `make test`. (--disable-default-traits would reach the dependencies too, and build them anew.)
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

require_swift
require_build_packages
require_python

traits=$(swift package dump-package | python3 -c '
import json, sys
print(*(trait["name"] for trait in json.load(sys.stdin)["traits"] if trait["name"] != "default"))')
[ -n "$traits" ] || fail "the manifest declares no trait"

say "Traits: none"
build --build-tests
for trait in $traits; do
    say "Traits: $trait"
    build --traits "$trait"
done

say "What an application that wants the core alone fetches"
consumer=.build-consumer
rm -rf "$consumer"
mkdir -p "$consumer/Sources/consumer"
cat >"$consumer/Package.swift" <<END
// swift-tools-version:6.2
import PackageDescription

let package = Package(
    name: "consumer",
    platforms: [.macOS(.v15)],
    dependencies: [.package(path: "..")],
    targets: [
        .executableTarget(
            name: "consumer",
            dependencies: [.product(name: "Sessions", package: "$(basename "$root")")]
        )
    ]
)
END
echo 'import Sessions' >"$consumer/Sources/consumer/main.swift"
persistently swift package --package-path "$consumer" resolve >"$consumer/log" 2>&1 || {
    cat "$consumer/log"
    fail "it cannot be resolved"
}
fetched=$(ls "$consumer/.build/checkouts")
rm -rf "$consumer"
printf '%s\n' "$fetched"
if grep -iE '^(GRDB|hummingbird|swift-nio|FlyingFox|swift-configuration)' <<<"$fetched"; then
    fail "it would fetch the above, which belong to traits"
fi
