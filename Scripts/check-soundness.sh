#!/usr/bin/env bash
# Rules of the house that a compiler does not check. Prints every place that breaks one, and fails if there is any.
#
#   Scripts/check-soundness.sh [FOLDER]                FOLDER: another checkout to look at
#   Scripts/check-soundness.sh --coverage [FOLDER]     lists the checklist ids that no test names yet
set -euo pipefail

# What the tests' display names have to name. A list to be added to.
named_by_tests=(I1 I2 I3 I4 I5 I6 I7 I8 I9 I10)
checklist_id='(ID|CK|PR|CR|LC|CS|CA|ST|DS|LG|ER|CF|DB)-[0-9]{2}'

coverage=false
if [ "${1:-}" = --coverage ]; then
    coverage=true
    shift
fi
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/..}"

broken=0

# rule SENTENCE: reads the places that break it.
rule() {
    local places
    places=$(cat)
    [ -n "$places" ] || return 0
    broken=$((broken + 1))
    printf '%s\n' "$1"
    while IFS= read -r place; do printf '    %s\n' "$place"; done <<<"$places"
}

# files PATTERN...: the files of the checkout, new ones included. Their names have no spaces.
files() {
    git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
        if [ -f "$file" ]; then printf '%s\n' "$file"; fi
    done
}

# lines PERL FILES...: runs PERL on each line; `$code` is the line without its comment, `$above` the line before it
# (attributes such as @frozen passed over). `hit` prints the place.
lines() {
    local program=$1
    shift
    [ $# -gt 0 ] || return 0
    perl -ne '
        BEGIN {
            sub hit { print "$ARGV:$.: $_" }
            sub look { '"$program"' }
        }
        $code = s{(?<![:"])//.*}{}r;
        look();
        $above = $_ unless /^\s*\@\w+\s*$/;
        if (eof) { close ARGV; $above = "" }' "$@"
}

# found PATTERN [PATHSPEC...]: the places in any text file where PATTERN stands.
found() {
    local pattern=$1
    shift
    git grep --untracked -nIE -e "$pattern" -- "$@" ':!*.svg' || true
}

# The names of the tests and of the conformance suite's checks, one a line.
test_names() {
    local list
    list=$(files 'Tests/*.swift' 'Sources/SessionsTesting/*.swift')
    [ -n "$list" ] || return 0
    # shellcheck disable=SC2086
    perl -0777 -ne '
        if ($ARGV =~ m{^Tests/}) { print "$1\n" while /\@(?:Test|Suite)\s*\(\s*"((?:[^"\\]|\\.)*)"/g }
        else { print "$1\n" while /"((?:[^"\\\n]|\\.)*)"/g }' $list
}

# missing_from TEXT NAME...: the names that TEXT does not hold as a word.
missing_from() {
    local text=$1 name
    shift
    for name in "$@"; do
        grep -qE "(^|[^A-Za-z0-9-])$name([^A-Za-z0-9]|\$)" <<<"$text" || printf '%s\n' "$name"
    done
}

explained=$(grep -oE "^\| $checklist_id\b" docs/threat-model.md 2>/dev/null | cut -c3- | sort -u || true)

if $coverage; then
    # shellcheck disable=SC2086
    missing_from "$(test_names)" $explained
    exit 0
fi

sources=$(files 'Sources/*.swift')
core=$(files 'Sources/Sessions/*.swift')
stores=$(files 'Sources/SessionsSQLite/*.swift' 'Sources/SessionsRedis/*.swift' 'Sources/SessionsPostgres/*.swift' \
    'Sources/SessionsMongo/*.swift')

# The programs are Perl's, and the lists are lists of words.
# shellcheck disable=SC2016,SC2046,SC2086
{
    rule 'Library code does not print and does not stop the process: throw, or log.' < <(
        lines 'hit if $code =~ /\bprint\(|\bfatalError\(|\btry!|\bas!/' $sources
    )
    rule 'An unchecked promise to the compiler has a comment beside or above it that proves it.' < <(
        lines 'hit if /\@unchecked Sendable|nonisolated\(unsafe\)/ and !m{//} and $above !~ m{^\s*//}' $sources
    )
    # A name says which values are secrets. Comparing how many there are, or of which kind, is no comparison of them, and
    # a SecretHash compares itself in constant time.
    rule 'A secret is compared in constant time, never with == or != (ID-06).' < <(
        lines '
            while ($code =~ /([\w.?\[\]()]+) [!=]= ([\w.?\[\]()]+)/g) {
                my ($left, $right) = ($1, $2);
                next if "$left $right" =~ /(^| )(nil|\d+|\.\w+)( |$)/;
                next if "$left $right" =~ /(\.(count|isEmpty|kind|code|generation|first|last)|[hH]ash)\)*( |$)/;
                next if "$left $right" !~ /(?i:secret|\bh?mac\b|authenticationCode|token|digest|signature)|MAC/;
                return hit;
            }' $sources
    )
    rule 'The core knows no server and no database.' < <(
        lines 'hit if $code =~ /\bimport\s+(NIO|Hummingbird|GRDB|FlyingFox)/' $core \
            $(files 'Sources/SessionsTesting/*.swift')
    )
    rule 'A store knows the core, and neither a server nor another store.' < <(
        lines 'hit if $code =~ /\bimport\s+(Hummingbird|FlyingFox|Sessions(?!Testing|RedisCodec)\w+)/' $stores
    )
    rule 'The core imports FoundationEssentials, and Foundation only in its #else.' < <(
        lines 'hit if $code =~ /\bimport\s+Foundation\s*$/ and $above !~ /^\s*#else/' $core
    )
}

rule 'What is left for later is an issue, not a comment.' < <(found '\b(T[O]DO|F[I]XME|X[X]X|H[A]CK)\b')
rule 'What a build or a run makes is not tracked.' < <(
    git ls-files | grep -E '(^|/)(\.build[^/]*/|Package\.resolved$|.*\.sqlite(-wal|-shm)?$|__pycache__/)'
)
rule 'No path of one machine.' < <(
    found '(^|[^A-Za-z0-9_.:}])/(home|Users|root|opt|work|mnt)/[A-Za-z0-9._-]' ':!Scripts/check-soundness.sh' |
        grep -vE '/opt/homebrew/opt|prefix\)/opt/libpq' || true
)

rule 'A link leads to a file that is there.' < <(
    files '*.md' | while read -r file; do
        { grep -oE '\]\([^)#: ]+(#[^)]*)?\)' "$file" || true; } | sed -E 's/^\]\(([^)#]*).*/\1/' |
            while read -r link; do
                [ -e "$(dirname "$file")/$link" ] || printf '%s: %s\n' "$file" "$link"
            done
    done
)

rule 'Every checklist id that is named anywhere has a row in docs/threat-model.md.' < <(
    { git grep --untracked -ohE "\b$checklist_id\b" -- '*.swift' '*.md' '*.py' || true; } | sort -u |
        comm -23 - <(printf '%s\n' "$explained")
)
rule "Every invariant is named by a test's display name." < <(missing_from "$(test_names)" "${named_by_tests[@]}")

if [ "$broken" -gt 0 ]; then
    printf 'error: rules broken: %s\n' "$broken" >&2
    exit 1
fi
