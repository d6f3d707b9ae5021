#ifndef SESSIONS_CMONGOC_H
#define SESSIONS_CMONGOC_H

#include <mongoc/mongoc.h>

// libbson asks for its structures to lie at multiples of 128 where it was built so, which Swift does not promise of a
// variable. They are made and looked into here, and handed over under these names.
typedef struct CMongoCDocument CMongoCDocument;
typedef struct CMongoCIterator CMongoCIterator;

#define CMONGOC_BSON(document) ((bson_t *)(document))
#define CMONGOC_ITER(iterator) ((bson_iter_t *)(iterator))

// MARK: Commands

// Carries out a command on the primary; *reply becomes the server's answer, which the caller destroys. A read is sent once
// more by libmongoc if its connection breaks. For a write this is the function that adds nothing to the command: of the
// others, some number some writes themselves.
static inline bool CMongoC_command(mongoc_client_t *client, bool isWrite, const char *database,
                                   const CMongoCDocument *command, const CMongoCDocument *options,
                                   CMongoCDocument **reply, bson_error_t *error) {
    bson_t answer;
    bool succeeded = isWrite
        ? mongoc_client_command_with_opts(client, database, CMONGOC_BSON(command), NULL, CMONGOC_BSON(options), &answer,
                                          error)
        : mongoc_client_read_command_with_opts(client, database, CMONGOC_BSON(command), NULL, CMONGOC_BSON(options),
                                               &answer, error);
    *reply = (CMongoCDocument *)bson_copy(&answer);
    bson_destroy(&answer);
    return succeeded;
}

static inline const char *CMongoC_message(const bson_error_t *error) { return error->message; }

// A copy of what a server said of itself, which the caller destroys.
static inline CMongoCDocument *CMongoC_hello(const mongoc_server_description_t *server) {
    return (CMongoCDocument *)bson_copy(mongoc_server_description_hello_response(server));
}

static inline const char *CMongoC_host(const mongoc_host_list_t *host) { return host->host; }

static inline const mongoc_host_list_t *CMongoC_nextHost(const mongoc_host_list_t *host) { return host->next; }

// A session by which the server knows a write again; the caller destroys it. NULL where the server has none.
static inline mongoc_client_session_t *CMongoC_session(mongoc_client_t *client) {
    mongoc_session_opt_t *options = mongoc_session_opts_new();
    mongoc_session_opts_set_causal_consistency(options, false);
    mongoc_client_session_t *session = mongoc_client_start_session(client, options, NULL);
    mongoc_session_opts_destroy(options);
    return session;
}

static inline bool CMongoC_appendSession(CMongoCDocument *options, mongoc_client_session_t *session) {
    return mongoc_client_session_append(session, CMONGOC_BSON(options), NULL);
}

// MARK: Making documents

static inline CMongoCDocument *CMongoC_document(void) { return (CMongoCDocument *)bson_new(); }

static inline CMongoCDocument *CMongoC_documentFromJSON(const char *json, bson_error_t *error) {
    return (CMongoCDocument *)bson_new_from_json((const uint8_t *)json, -1, error);
}

static inline void CMongoC_destroy(CMongoCDocument *document) { bson_destroy(CMONGOC_BSON(document)); }

static inline const uint8_t *CMongoC_bytes(const CMongoCDocument *document) { return bson_get_data(CMONGOC_BSON(document)); }

static inline size_t CMongoC_count(const CMongoCDocument *document) { return CMONGOC_BSON(document)->len; }

// The caller frees it with bson_free.
static inline char *CMongoC_json(const CMongoCDocument *document) {
    return bson_as_canonical_extended_json(CMONGOC_BSON(document), NULL);
}

// The same, as much like plain JSON as can be.
static inline char *CMongoC_relaxedJSON(const CMongoCDocument *document) {
    return bson_as_relaxed_extended_json(CMONGOC_BSON(document), NULL);
}

static inline bool CMongoC_appendInt32(CMongoCDocument *document, const char *name, int32_t value) {
    return bson_append_int32(CMONGOC_BSON(document), name, -1, value);
}

static inline bool CMongoC_appendInt64(CMongoCDocument *document, const char *name, int64_t value) {
    return bson_append_int64(CMONGOC_BSON(document), name, -1, value);
}

static inline bool CMongoC_appendDouble(CMongoCDocument *document, const char *name, double value) {
    return bson_append_double(CMONGOC_BSON(document), name, -1, value);
}

static inline bool CMongoC_appendBool(CMongoCDocument *document, const char *name, bool value) {
    return bson_append_bool(CMONGOC_BSON(document), name, -1, value);
}

static inline bool CMongoC_appendNull(CMongoCDocument *document, const char *name) {
    return bson_append_null(CMONGOC_BSON(document), name, -1);
}

static inline bool CMongoC_appendDate(CMongoCDocument *document, const char *name, int64_t milliseconds) {
    return bson_append_date_time(CMONGOC_BSON(document), name, -1, milliseconds);
}

static inline bool CMongoC_appendText(CMongoCDocument *document, const char *name, const char *text, size_t count) {
    return count <= INT32_MAX && bson_append_utf8(CMONGOC_BSON(document), name, -1, text, (int)count);
}

static inline bool CMongoC_appendBytes(CMongoCDocument *document, const char *name, const uint8_t *bytes, size_t count) {
    static const uint8_t none = 0;
    return count <= INT32_MAX
        && bson_append_binary(CMONGOC_BSON(document), name, -1, BSON_SUBTYPE_BINARY, bytes ? bytes : &none, (uint32_t)count);
}

static inline bool CMongoC_appendDocument(CMongoCDocument *document, const char *name, const CMongoCDocument *child) {
    return bson_append_document(CMONGOC_BSON(document), name, -1, CMONGOC_BSON(child));
}

static inline bool CMongoC_appendArray(CMongoCDocument *document, const char *name, const CMongoCDocument *child) {
    return bson_append_array(CMONGOC_BSON(document), name, -1, CMONGOC_BSON(child));
}

// Appends the value that a reader is at, of whatever type it is.
static inline bool CMongoC_appendValue(CMongoCDocument *document, const char *name, const CMongoCIterator *iterator) {
    return bson_append_iter(CMONGOC_BSON(document), name, -1, CMONGOC_ITER(iterator));
}

// MARK: Reading documents

// What a reader goes through a document with; NULL if the bytes are none.
static inline CMongoCIterator *CMongoC_iterator(const uint8_t *bytes, size_t count) {
    bson_iter_t *iterator = (bson_iter_t *)aligned_alloc(128, (sizeof(bson_iter_t) + 127) / 128 * 128);
    if (iterator && !bson_iter_init_from_data(iterator, bytes, count)) {
        free(iterator);
        return NULL;
    }
    return (CMongoCIterator *)iterator;
}

static inline void CMongoC_freeIterator(CMongoCIterator *iterator) { free(iterator); }

static inline bool CMongoC_next(CMongoCIterator *iterator) { return bson_iter_next(CMONGOC_ITER(iterator)); }

static inline const char *CMongoC_name(const CMongoCIterator *iterator) { return bson_iter_key(CMONGOC_ITER(iterator)); }

static inline bson_type_t CMongoC_type(const CMongoCIterator *iterator) { return bson_iter_type(CMONGOC_ITER(iterator)); }

// Each is asked of a field of its own type only.
static inline int32_t CMongoC_int32(const CMongoCIterator *iterator) { return bson_iter_int32(CMONGOC_ITER(iterator)); }

static inline int64_t CMongoC_int64(const CMongoCIterator *iterator) { return bson_iter_int64(CMONGOC_ITER(iterator)); }

static inline double CMongoC_double(const CMongoCIterator *iterator) { return bson_iter_double(CMONGOC_ITER(iterator)); }

static inline bool CMongoC_bool(const CMongoCIterator *iterator) { return bson_iter_bool(CMONGOC_ITER(iterator)); }

static inline int64_t CMongoC_date(const CMongoCIterator *iterator) { return bson_iter_date_time(CMONGOC_ITER(iterator)); }

// Whether a binary is of the plain subtype.
static inline bool CMongoC_isPlain(const CMongoCIterator *iterator) {
    bson_subtype_t subtype = BSON_SUBTYPE_USER;
    bson_iter_binary(CMONGOC_ITER(iterator), &subtype, NULL, NULL);
    return subtype == BSON_SUBTYPE_BINARY;
}

// The bytes of a text, a binary, a document or an array.
static inline const uint8_t *CMongoC_value(const CMongoCIterator *iterator, uint32_t *count) {
    const uint8_t *bytes = NULL;
    *count = 0;
    switch (bson_iter_type(CMONGOC_ITER(iterator))) {
    case BSON_TYPE_UTF8: return (const uint8_t *)bson_iter_utf8(CMONGOC_ITER(iterator), count);
    case BSON_TYPE_BINARY: bson_iter_binary(CMONGOC_ITER(iterator), NULL, count, &bytes); break;
    case BSON_TYPE_DOCUMENT: bson_iter_document(CMONGOC_ITER(iterator), count, &bytes); break;
    case BSON_TYPE_ARRAY: bson_iter_array(CMONGOC_ITER(iterator), count, &bytes); break;
    default: break;
    }
    if (!bytes) *count = 0;
    return bytes;
}

#endif
