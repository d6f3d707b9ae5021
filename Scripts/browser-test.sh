#!/usr/bin/env bash
# Drives the demo shop in headless Chromium, after showing that the driver itself sees what it should: the shop alone, with
# pages of other origins, and beside a Node service, step by step as the article on moving has it. Then `make demo` itself,
# on every store.
#
# Under CI the first failure ends it: what is broken for all would be waited for in each.
#
# SCREENSHOTS=folder keeps a picture of every page. Tests/Browser/README.md says what the tests expect of the pages.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

require_browser
BROWSER_PATH=$(find_browser)
export BROWSER_PATH PYTHONDONTWRITEBYTECODE=1
if [ -n "${SCREENSHOTS:-}" ]; then
    mkdir -p "$SCREENSHOTS"
    SCREENSHOTS=$(cd "$SCREENSHOTS" && pwd)
    export SCREENSHOTS
fi

say "The browser driver"
(cd Tests/Browser && python3 -m unittest ${CI:+--failfast} cdp_test)

if ! [ -f Examples/Storefront/Package.swift ]; then
    say "There is no shop to drive yet"
    exit 0
fi

require_swift
require_build_packages
require_redis
require_postgres
require_mongo
require_node
say "Building the shop"
persistently swift package --package-path Examples/Storefront resolve
build --package-path Examples/Storefront --product storefront
STOREFRONT=$(swift build --package-path Examples/Storefront --show-bin-path)/storefront
export STOREFRONT

say "The shop in a browser"
(cd Tests/Browser && python3 -m unittest ${CI:+--failfast} -v storefront_test cors_test moving_test demo_test)
