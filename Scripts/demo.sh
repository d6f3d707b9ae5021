#!/usr/bin/env bash
# Builds and runs the demo shop: PORT, STORE and ARGS come from the environment.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

port=${PORT:-8080}
store=${STORE:-sqlite}

[ -f Examples/Storefront/Package.swift ] || fail "there is no shop yet"
require_swift
require_build_packages

say "Building the shop (the first time takes some minutes)"
swift build --package-path Examples/Storefront --product storefront

# start_redis DIRECTORY: a server of the shop's own, which keeps nothing when it ends.
start_redis() {
    require_redis
    (cd "$1" && exec redis-server --port 0 --unixsocket socket --unixsocketperm 700 --save '' \
        --maxmemory-policy noeviction --logfile log) &
    server=$!
    for _ in $(seq 100); do
        [ -S "$1/socket" ] && return 0
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    cat "$1/log"
    fail "Redis does not start"
}

stop_server() {
    [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null; } || true
    [ -z "$scratch" ] || rm -rf "$scratch"
}

arguments=(--port "$port" --store "$store")
server='' scratch=''
trap stop_server EXIT
if [ "$store" = redis ] && [[ " ${ARGS:-} " != *' --redis '* ]]; then
    # Not in the checkout: a socket's path has about a hundred bytes.
    scratch=$(mktemp -d /tmp/storefront-redis.XXXXXX)
    say "Starting Redis in $scratch; its sessions end with it"
    start_redis "$scratch"
    arguments+=(--redis "redis+unix://$scratch/socket")
fi

say "http://localhost:$port  (Ctrl-C stops it)"
binary=$(swift build --package-path Examples/Storefront --show-bin-path)/storefront
# ARGS is a list of words.
# shellcheck disable=SC2086
if [ -n "$server" ]; then
    "$binary" "${arguments[@]}" ${ARGS:-}
else
    exec "$binary" "${arguments[@]}" ${ARGS:-}
fi
