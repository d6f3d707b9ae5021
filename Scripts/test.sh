#!/usr/bin/env bash
# Runs the test suite, every trait on. Arguments go to `swift test`: Scripts/test.sh --filter Cookie
#
# The closing line of the run is kept in .build/test-summary, so that a longer run can repeat it at its end.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

require_swift
require_build_packages
require_servers

say "Tests"
mkdir -p .build
rm -f .build/test-summary
# All tests are Swift Testing's; saying so leaves out XCTest's closing line about nothing. They run one after the other:
# hundreds at once on a few cores starve each other, and a slow machine looks like a broken test.
swift test --enable-all-traits --disable-xctest --no-parallel "$@" 2>&1 | tee .build/test-log

# A run that tested nothing is no success: a filter that matches nothing, or a target that was left out.
summary=$(grep -aE 'Test run with [1-9][0-9]* tests? .*passed' .build/test-log | tail -n 1) ||
    fail "the test runner did not report a passed test"
printf '%s\n' "$summary" >.build/test-summary
