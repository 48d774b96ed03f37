#ifndef SETT_POSTGRES_DUMP_H
#define SETT_POSTGRES_DUMP_H
/*
 * PostgreSQL's own programs for a database as a whole, pg_dump and pg_restore, as the tenant's own
 * role: what they may do in the server is what the tenant may do, whatever a dump says. Data goes
 * through descriptors and is never in our memory. Neither argument nor environment holds the
 * password.
 * Source: https://www.postgresql.org/docs/15/app-pgdump.html and app-pgrestore.html.
 */
#include <stdint.h>
#include "err.h"
#include "postgres.h"

struct postgres_login {
    char name[POSTGRES_NAME_SIZE]; /* of role and database */
    char host[256], password[256];
    uint32_t port;
};

/** postgres_dump(login, fd, err): the whole database into ${fd}, as pg_dump -Fc writes it, of one
 * moment. ERR_UNAVAILABLE "pg_dump_failed" with what it said: what is in ${fd} then is nothing.
 * Takes as long as it takes. Return 0 or -1. */
int postgres_dump(const struct postgres_login *login, int fd, struct err *err);

/** postgres_load(login, fd, err): a dump from ${fd}, a file open at its beginning, into an empty
 * database: everything in it, without owners and privileges, all of which become this role's. The
 * first statement that is refused ends it: "pg_restore_failed", ERR_FULL or ERR_CONFLICT;
 * ERR_NETWORK "database_unreachable". What is in the database then is of no use. 0 or -1. */
int postgres_load(const struct postgres_login *login, int fd, struct err *err);

#endif
