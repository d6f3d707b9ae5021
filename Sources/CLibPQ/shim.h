#ifndef SESSIONS_CLIBPQ_H
#define SESSIONS_CLIBPQ_H

#include <libpq-fe.h>

// The names of these fields are character literals, which Swift does not import.

static inline const char *CLibPQ_sqlState(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_SQLSTATE);
}

static inline const char *CLibPQ_sourceFunction(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);
}

#endif
