#ifndef SETT_POSTGRES_H
#define SETT_POSTGRES_H
/*
 * A role and a database per tenant in a PostgreSQL server (14 or newer), through libpq. Both have
 * the same name; ours are told by their comment, and nothing without it is touched. The password
 * crosses only as its SCRAM verifier.
 * Source: https://www.postgresql.org/docs/current/sql-commands.html.
 */
#include <stdbool.h>
#include <stdint.h>
#include "err.h"

struct postgres {
    const char *admin;    /* conninfo of one who may create roles and databases, without password */
    const char *password; /* "" for none (peer, .pgpass) */
};

#define POSTGRES_NAME_SIZE 64

/** postgres_name(out, number): "sett_t000123". */
void postgres_name(char out[POSTGRES_NAME_SIZE], uint64_t number);

/** postgres_address(p, host, size, port, err): where programs reach the server: the conninfo's host,
 * 127.0.0.1 for a socket's folder or none. Return 0 or -1. */
int postgres_address(const struct postgres *p, char *host, size_t size, uint32_t *port,
                     struct err *err);

/* ${mark}: the comment. ERR_UNAUTHENTICATED, ERR_FORBIDDEN, ERR_CONFLICT (a role or database of that
 * name without our mark), ERR_NETWORK, ERR_TIMEOUT, ERR_FULL. */

/** postgres_find(p, name, mark, err): Return 1 if role and database are there, 0 if not both, -1. */
int postgres_find(const struct postgres *p, const char *name, const char *mark, struct err *err);

/** postgres_make(p, name, mark, secret, err): both, the role with password ${secret}; CONNECT is
 * revoked from everybody else. Fine if they are there. Return 0 or -1. */
int postgres_make(const struct postgres *p, const char *name, const char *mark, const char *secret,
                  struct err *err);

/** postgres_drop(p, name, mark, err): both, with all that is in them, ending open connections. Return
 * 1, 0 if there was neither, -1. */
int postgres_drop(const struct postgres *p, const char *name, const char *mark, struct err *err);

#endif
