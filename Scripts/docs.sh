#!/usr/bin/env bash
# Builds the documentation of every product into .build/docs. A warning, such as a link to a symbol that is gone, is an
# error. The symbols are read from the built modules, so the package needs no documentation plugin among its
# dependencies.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

require_swift
require_build_packages
require_python

docc=$(command -v docc || xcrun --find docc 2>/dev/null) || fail "this Swift toolchain has no docc"
out=.build/docs
rm -rf "$out"
mkdir -p "$out"

say "Symbols"
find .build -name '*.symbols.json' -delete
SWIFT_DETERMINISTIC_HASHING=1 swift package --enable-all-traits dump-symbol-graph --minimum-access-level public --skip-synthesized-members
graphs=$(dirname "$(find .build -name Sessions.symbols.json | head -n 1)")

# undocumented GRAPH: prints the public symbols without a comment. What implements a protocol needs none of its own.
undocumented() {
    python3 - "$1" <<'END'
import json, sys
graph = json.load(open(sys.argv[1]))
implementing = {relation["source"] for relation in graph["relationships"] if "sourceOrigin" in relation}
bare = sorted(
    ".".join(symbol["pathComponents"])
    for symbol in graph["symbols"]
    if "docComment" not in symbol and symbol["identifier"]["precise"] not in implementing
)
for name in bare:
    print("undocumented: " + name)
sys.exit(bool(bare))
END
}

# The core first: what the others say about its types links to it.
archives=()
broken=0
for module in Sessions $(cd Sources && ls -d Sessions?*); do
    ls "$graphs/$module".symbols.json >/dev/null 2>&1 || continue
    say "$module"
    mkdir -p "$out/symbols/$module"
    cp "$graphs/$module".symbols.json "$out/symbols/$module/"
    find "$graphs" -name "$module@*.symbols.json" -exec cp {} "$out/symbols/$module/" \;
    undocumented "$graphs/$module.symbols.json" || broken=$((broken + 1))
    command=("$docc" convert)
    [ -d "Sources/$module/$module.docc" ] && command+=("Sources/$module/$module.docc")
    command+=(--additional-symbol-graph-dir "$out/symbols/$module" --output-path "$out/$module.doccarchive")
    command+=(--fallback-display-name "$module" --fallback-bundle-identifier "swift-sessions.$module")
    command+=(--warnings-as-errors --enable-experimental-external-link-support)
    [ "$module" = Sessions ] || command+=(--dependency "$out/Sessions.doccarchive")
    "${command[@]}" || broken=$((broken + 1))
    archives+=("$out/$module.doccarchive")
done

[ "$broken" = 0 ] || fail "the documentation is not whole; what is missing stands above"

"$docc" merge "${archives[@]}" --output-path "$out/swift-sessions.doccarchive" --synthesized-landing-page-name \
    swift-sessions
say "$out/swift-sessions.doccarchive"
