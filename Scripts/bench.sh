#!/usr/bin/env bash
# Measures, and prints each number as a ratio to its floor or its baseline, taken in the same run. docs/benchmarks.md
# says what the rows mean. It starts a Redis, a PostgreSQL and a MongoDB server for as long as it takes.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

require_swift
require_build_packages
require_load_generator
build -c release --package-path Benchmarks

# wants SUBJECT ARGUMENT…: whether the arguments name it, or no subject at all.
wants() {
    local subject=$1 argument is_any=yes
    shift
    for argument; do
        [ "$argument" != "$subject" ] || return 0
        case $argument in
        exchange | hummingbird | sqlite | files | redis | postgres | mongo | memory | trips) is_any= ;;
        path | memory-footprint | help | -h | --help) is_any= ;;
        esac
    done
    [ -n "$is_any" ]
}
if wants redis "$@"; then
    require_tool redis-benchmark redis-tools redis "the benchmarks need redis-benchmark, which is part of Redis"
    start_redis
    export SESSIONS_BENCH_REDIS=$redis_folder/socket
fi
if wants postgres "$@"; then
    start_postgres
    PATH=$(dirname "$(find_initdb)"):$PATH
    export SESSIONS_BENCH_POSTGRES=$postgres_folder
fi
if wants mongo "$@"; then
    start_mongo
    export SESSIONS_BENCH_MONGO=$mongo_port
fi
swift run -c release --skip-build --package-path Benchmarks sessions-bench "$@"
