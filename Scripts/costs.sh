#!/usr/bin/env bash
# Prints the cost sheet of docs/benchmarks.md: what each kind of request costs each store, counted at the wire and, for
# stores in files, by strace.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

require_swift
require_build_packages
require_servers
[ "$(uname -s)" != Linux ] || require_tool strace strace strace "counting system calls needs strace"
# Built with the tests, so that it costs little after `make test`.
build --enable-all-traits --product SessionsCosts
exec swift run --skip-build --enable-all-traits SessionsCosts
