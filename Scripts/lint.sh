#!/usr/bin/env bash
# Everything that can be told without building: format, scripts, and the rules of the house.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

require_swift
broken=0

say "Format"
paths=(Package.swift)
for path in Sources Tests Examples Benchmarks Scripts; do
    [ -d "$path" ] && paths+=("$path")
done
# Tracked files only: a package's build folder holds its dependencies' sources.
git ls-files -z --cached --others --exclude-standard -- "${paths[@]}" |
    grep -z '\.swift$' | xargs -0 swift format lint --strict --parallel || broken=1

say "Scripts"
for script in Scripts/*.sh .ci/run; do
    bash -n "$script" || broken=1
done
if command -v python3 >/dev/null; then
    for script in Scripts/*.py Tests/Browser/*.py; do
        python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$script" || broken=1
    done
fi

say "Rules"
Scripts/check-soundness.sh || broken=1

[ "$broken" = 0 ] || fail "see above"
