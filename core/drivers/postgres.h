#ifndef SETT_POSTGRES_H
#define SETT_POSTGRES_H
/*
 * A PostgreSQL role and a database of the same name for a tenant. The only file that knows libpq.
 * Source: https://www.postgresql.org/docs/15/sql-createrole.html and sql-createdatabase.html.
 *
 * Ours is a role whose comment is our mark, and a database that such a role owns (its own comment
 * could not be made in the same transaction). Anything else of the name is ERR_CONFLICT
 * "database_foreign" and not touched.
 *
 * What the server's administrator sets up once: an account for database.admin with CREATEROLE and
 * CREATEDB (a superuser will do); listen_addresses that include the gateways of the tenants'
 * networks
 * ('*'); and in pg_hba.conf, before any other line for that pool,
 *     host  sameuser  all  10.201.0.0/16  scram-sha-256
 * so that a role reaches its own database and no other. (Odoo also asks the database "postgres"
 * which databases are its own: "sameuser,postgres".)
 */
#include <stddef.h>
#include <stdint.h>
#include "err.h"

struct postgres {
    const char *admin;    /* conninfo without a password: "host=/run/postgresql user=sett" */
    const char *password; /* of that account; "" for none (peer, .pgpass) */
};

#define POSTGRES_NAME_SIZE   64
#define POSTGRES_CONNECTIONS 64 /* most connections of one tenant */
#define POSTGRES_GENERATIONS 32 /* most databases of one tenant */

/** postgres_name(out, number, generation): "sett_t000123" for generations 0 and 1, which are the
 * same; "sett_t000123_g2" for what a restore made. */
void postgres_name(char out[POSTGRES_NAME_SIZE], uint64_t number, uint32_t generation);

/** postgres_address(p, host, size, port, err): where programs reach the server: the conninfo's
 * host, 127.0.0.1 for a socket's folder or none (which the docker runtime turns into the gateway of
 * the tenant's network). Asks nobody. Return 0 or -1. */
int postgres_address(const struct postgres *p, char *host, size_t size, uint32_t *port,
                     struct err *err);

/* All below: ERR_INVALID (database.admin is empty or no conninfo), ERR_UNAUTHENTICATED,
 * ERR_FORBIDDEN (the account may not), ERR_CONFLICT, ERR_NETWORK "database_unreachable",
 * ERR_UNAVAILABLE (busy, or somebody does the same), ERR_TIMEOUT, ERR_FULL. ${name} is one of
 * postgres_name's. */

/** postgres_version(): of the library, as a number: "150013". */
const char *postgres_version(void);

struct trial;

/** postgres_trial(p, t): which server, which account, whether that may make roles and databases;
 * nothing is changed. */
void postgres_trial(const struct postgres *p, const struct trial *t);

/** postgres_find(p, name, mark, err): Return 1 if role and database are there and open, 0 if not,
 * -1. */
int postgres_find(const struct postgres *p, const char *name, const char *mark, struct err *err);

/** postgres_make(p, name, mark, secret, err): bring both about: a role that may log in with
 * ${secret} (sent as a SCRAM verifier, so that it appears in no log of the server), a UTF-8
 * database that it owns and nobody else may connect to. What is there of ours is kept, its password
 * set. Return 0 or -1. */
int postgres_make(const struct postgres *p, const char *name, const char *mark, const char *secret,
                  struct err *err);

/** postgres_newest(p, number, out, err): the highest generation of tenant ${number} of whose name
 * there is a role or a database, whoever made it; 0: none. Return 0 or -1. */
int postgres_newest(const struct postgres *p, uint64_t number, uint32_t *out, struct err *err);

/** postgres_generations(p, number, mark, out, count, err): those of its generations of which there
 * is a role of ours, in order, at most as many as ${out} takes. Return 0 or -1. */
int postgres_generations(const struct postgres *p, uint64_t number, const char *mark,
                         uint32_t out[POSTGRES_GENERATIONS], size_t *count, struct err *err);

/** postgres_drop(p, name, mark, err): end its connections, drop the database with all that is in it
 * and the role. Return 1, 0 if there was neither, -1. */
int postgres_drop(const struct postgres *p, const char *name, const char *mark, struct err *err);

#endif
