#!/usr/bin/env bash
# Measures, and prints each number as a ratio to its floor or its baseline, taken in the same run. docs/benchmarks.md
# says what the rows mean.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

require_swift
require_build_packages
require_load_generator
exec swift run -c release --package-path Benchmarks sessions-bench "$@"
