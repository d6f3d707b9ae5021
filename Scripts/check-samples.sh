#!/usr/bin/env bash
# Type-checks the Swift samples of the documentation: check-samples.py beside this says how.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

require_swift
require_build_packages
require_python

# Built with the tests, so that it costs little after `make test`.
build --enable-all-traits
python3 Scripts/check-samples.py "$(swift build --show-bin-path)"
