#!/usr/bin/env bash
# Runs the test suite, every trait on. Arguments go to `swift test`: Scripts/test.sh --filter Cookie
#
# SANITIZE=address, or thread, builds it with that sanitizer.
#
# The closing line of the run is kept in .build/test-summary, so that a longer run can repeat it at its end.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

require_swift
require_build_packages
require_servers

say "Dependencies"
persistently swift package --enable-all-traits resolve

say "Tests"
mkdir -p .build
# What the servers of the tests write; its path is short, for the sockets in it. Some end only after this script does.
SESSIONS_SERVERS=$(mktemp -d /tmp/servers.XXXXXX)
chmod 711 "$SESSIONS_SERVERS" # A server that will not run as root runs as another user.
export SESSIONS_SERVERS
trap 'for _ in 1 2 3 4 5; do rm -rf "$SESSIONS_SERVERS" 2>/dev/null && break; sleep 0.3; done' EXIT
rm -f .build/test-summary
# All tests are Swift Testing's; saying so leaves out XCTest's closing line about nothing. They run one after the other:
# hundreds at once on a few cores starve each other, and a slow machine looks like a broken test.
options=(--enable-all-traits --disable-xctest)
[ -z "${SANITIZE:-}" ] || options+=(--sanitize "$SANITIZE")
build --build-tests "${options[@]}"
status=0
swift test --skip-build "${options[@]}" --no-parallel "$@" 2>&1 | tee .build/test-log || status=$?

# What failed comes last, where it is seen: a long run prints thousands of lines.
if [ "$status" -ne 0 ]; then
    say "What failed"
    grep -aE -A 12 ' recorded an issue|: error: |^error: |Fatal error' .build/test-log |
        grep -aE -v '^[^ ]+ (info|debug|trace) |^(◇|✔|✘ Suite) |^Killed$' | tail -n 200 || true
    grep -aE '^✘ Test run ' .build/test-log || true
    exit "$status"
fi

# A run that tested nothing is no success: a filter that matches nothing, or a target that was left out.
summary=$(grep -aE 'Test run with [1-9][0-9]* tests? .*passed' .build/test-log | tail -n 1) ||
    fail "the test runner did not report a passed test"
printf '%s\n' "$summary" >.build/test-summary
