#!/usr/bin/env bash
# Builds the package with no trait, and with each trait alone: everything compiles, tests included, and an application
# that wants the core alone fetches no server framework and no database.
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
swift build --build-tests
for trait in $traits; do
    say "Traits: $trait"
    swift build --build-tests --traits "$trait"
done

say "Dependencies without traits"
scratch=.build-resolve
rm -rf "$scratch"
swift package --scratch-path "$scratch" resolve >/dev/null
fetched=$(ls "$scratch/checkouts")
rm -rf "$scratch"
printf '%s\n' "$fetched"
if grep -iE '^(GRDB|hummingbird|swift-nio|FlyingFox)' <<<"$fetched"; then
    fail "an application that wants the core alone would fetch the above"
fi
