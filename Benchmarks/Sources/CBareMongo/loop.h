#ifndef SESSIONS_CBAREMONGO_H
#define SESSIONS_CBAREMONGO_H

#include <mongoc/mongoc.h>

// Reads documents by their keys, one after the other, on one connection: the command that the store sends, and nothing else
// than libmongoc around it. It tells how many it found.
static inline long CBareMongo_find(const char *uri, const char *database, const char *collection,
                                   const char *const *keys, long keyCount, long count) {
    mongoc_client_t *client = mongoc_client_new(uri);
    if (!client) return 0;
    long found = 0;
    for (long number = 0; number < count; number++) {
        bson_t filter, command, reply;
        bson_error_t error;
        bson_init(&command);
        bson_append_utf8(&command, "find", -1, collection, -1);
        bson_append_document_begin(&command, "filter", -1, &filter);
        bson_append_utf8(&filter, "_id", -1, keys[number % keyCount], -1);
        bson_append_document_end(&command, &filter);
        bson_append_int32(&command, "limit", -1, 1);
        bson_append_bool(&command, "singleBatch", -1, true);
        if (mongoc_client_read_command_with_opts(client, database, &command, NULL, NULL, &reply, &error)) {
            bson_iter_t top, cursor, batch;
            if (bson_iter_init_find(&top, &reply, "cursor") && bson_iter_recurse(&top, &cursor) &&
                bson_iter_find(&cursor, "firstBatch") && bson_iter_recurse(&cursor, &batch) && bson_iter_next(&batch))
                found++;
        }
        bson_destroy(&reply);
        bson_destroy(&command);
    }
    mongoc_client_destroy(client);
    return found;
}

#endif
