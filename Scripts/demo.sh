#!/usr/bin/env bash
# Builds and runs the demo shop: PORT, STORE and ARGS come from the environment.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

port=${PORT:-8080}
store=${STORE:-sqlite}

[ -f Examples/Storefront/Package.swift ] || fail "there is no shop yet"
require_swift
require_build_packages

say "Building the shop (the first time takes some minutes)"
build --package-path Examples/Storefront --product storefront

if [ "$store" = postgres ] && [ -z "${DATABASE_URL:-}" ]; then
    start_postgres
    DATABASE_URL=$postgres_url
    export DATABASE_URL
fi

if [ "$store" = redis ] && [ -z "${REDIS_URL:-}" ]; then
    start_redis
    REDIS_URL=$redis_url
    export REDIS_URL
fi

if [ "$store" = mongo ] && [ -z "${MONGODB_URL:-}" ]; then
    start_mongo
    MONGODB_URL="mongodb://127.0.0.1:$mongo_port/storefront"
    export MONGODB_URL
fi

say "http://localhost:$port  (Ctrl-C stops it)"
binary=$(swift build --package-path Examples/Storefront --show-bin-path)/storefront
# The shop ends with Ctrl-C, and this script after it: what was started for the shop has to be stopped.
trap : INT TERM
# ARGS is a list of words.
# shellcheck disable=SC2086
"$binary" --port "$port" --store "$store" ${ARGS:-}
