#!/usr/bin/env bash
# Starts a Redis, a PostgreSQL and a MongoDB server, prints where they are, and leaves them running until Ctrl-C. What was
# kept in them goes with them.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

trap 'exit 0' INT TERM
start_redis
start_postgres
start_mongo

say "For another terminal, as \`make demo STORE=redis\` (or postgres, or mongo) and the stores read it:"
printf 'export %s=%q\n' REDIS_URL "$redis_url" DATABASE_URL "$postgres_url" \
    MONGODB_URL "mongodb://127.0.0.1:$mongo_port/storefront"
say "Ctrl-C stops them"
tail -f /dev/null &
waiting=$!
stop_waiting() { kill "$waiting" 2>/dev/null; }
at_exit stop_waiting
wait "$waiting"
