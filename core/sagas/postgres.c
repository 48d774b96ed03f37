/*
 * PostgreSQL for tenants. The only file that includes libpq. Every statement is one that may be made
 * again; names are ours by shape and never come from outside.
 */
#include "postgres.h"

#include <postgresql/libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "str.h"

#define CONNECT_S    "10"
#define STATEMENT_MS "60000"

void postgres_name(char out[POSTGRES_NAME_SIZE], uint64_t number)
{
    (void)str_format(out, POSTGRES_NAME_SIZE, "sett_t%06llu", (unsigned long long)number);
}

int postgres_address(const struct postgres *p, char *host, size_t size, uint32_t *port,
                     struct err *err)
{
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(p->admin, &why);
    const char *found = NULL;
    uint64_t n = 5432;

    if (options == NULL) {
        (void)err_set(err, ERR_INVALID, "database_admin", "database.admin cannot be read: %s",
                      why == NULL ? "no memory" : why);
        PQfreemem(why);
        return -1;
    }
    for (PQconninfoOption *o = options; o->keyword != NULL; o++) {
        if (str_equal(o->keyword, "host") && o->val != NULL && o->val[0] != '/')
            found = o->val;
        if (str_equal(o->keyword, "port") && o->val != NULL)
            (void)str_u64(o->val, 1, 65535, &n);
    }
    *port = (uint32_t)n;
    n = str_copy(host, size, found == NULL || found[0] == '\0' ? "127.0.0.1" : found) == 0;
    PQconninfoFree(options);
    if (n == 0)
        return err_set(err, ERR_INVALID, "database_admin", "the host in database.admin is too long");
    return 0;
}

/* An SQLSTATE's class as the kind of failure it is. */
static enum err_kind kind_of(const char *state)
{
    static const struct {
        const char *prefix;
        enum err_kind kind;
    } rows[] = {
        {"08", ERR_NETWORK},   {"28", ERR_UNAUTHENTICATED}, {"42501", ERR_FORBIDDEN},
        {"53100", ERR_FULL},   {"53", ERR_UNAVAILABLE},     {"57014", ERR_TIMEOUT},
        {"57", ERR_UNAVAILABLE}, {"55006", ERR_UNAVAILABLE}, {"40", ERR_UNAVAILABLE},
        {"42710", ERR_CONFLICT}, {"42P04", ERR_CONFLICT},
    };

    for (size_t i = 0; state != NULL && i < sizeof rows / sizeof rows[0]; i++)
        if (str_starts(state, rows[i].prefix))
            return rows[i].kind;
    return state == NULL ? ERR_NETWORK : ERR_INTERNAL;
}

/* libpq's messages end with a line's end and may be several lines: the first says it. */
static int failed(PGconn *connection, const PGresult *result, struct err *err)
{
    const char *state = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQerrorMessage(connection);

    return err_set(err, kind_of(state), "database", "PostgreSQL: %.*s", (int)strcspn(text, "\n"),
                   text);
}

static PGconn *open_server(const struct postgres *p, struct err *err)
{
    const char *const names[] = {"dbname", "password", "connect_timeout", "options",
                                 "application_name", NULL};
    const char *const values[] = {p->admin, p->password[0] == '\0' ? NULL : p->password, CONNECT_S,
                                  "-c statement_timeout=" STATEMENT_MS, "sett-worker", NULL};
    PGconn *connection;
    const char *text;

    if (p->admin[0] == '\0') {
        (void)err_set(err, ERR_INVALID, "database_not_set",
                      "the blueprint wants a database and the setting database.admin is empty");
        (void)err_hint(err, "sett config set database.admin 'host=… user=… dbname=postgres'; then "
                            "retry");
        return NULL;
    }
    if ((connection = PQconnectdbParams(names, values, 1)) == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a connection");
        return NULL;
    }
    if (PQstatus(connection) == CONNECTION_OK)
        return connection;
    text = PQerrorMessage(connection);
    if (PQconnectionNeedsPassword(connection) || strstr(text, "authentication") != NULL) {
        (void)err_set(err, ERR_UNAUTHENTICATED, "database_auth", "PostgreSQL: %.*s",
                      (int)strcspn(text, "\n"), text);
        (void)err_hint(err, "sett secret set database.password; then retry");
    } else {
        (void)err_set(err, ERR_NETWORK, "database_unreachable", "PostgreSQL: %.*s",
                      (int)strcspn(text, "\n"), text);
        (void)err_hint(err, "does the server run, and is database.admin right?");
    }
    PQfinish(connection);
    return NULL;
}

/* One statement without an answer. */
static int run(PGconn *connection, const char *statement, struct err *err)
{
    PGresult *result = PQexec(connection, statement);
    int r = 0;

    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        r = failed(connection, result, err);
    PQclear(result);
    return r;
}

/* What is known of a name: whether it is there and whose. Return 1, 0, or -1 (ERR_CONFLICT when it is
 * not ours). */
static int look(PGconn *connection, const char *query, const char *what, const char *name,
                const char *mark, struct err *err)
{
    const char *const values[] = {name};
    PGresult *result = PQexecParams(connection, query, 1, NULL, values, NULL, NULL, 0);
    int r;

    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        r = failed(connection, result, err);
    } else if (PQntuples(result) == 0) {
        r = 0;
    } else if (str_equal(PQgetvalue(result, 0, 0), mark)) {
        r = 1;
    } else {
        r = err_set(err, ERR_CONFLICT, "database_foreign", "there is a %s %s that is not ours", what,
                    name);
        (void)err_hint(err, "it has no comment of this box: rename it, then retry");
    }
    PQclear(result);
    return r;
}

static int look_role(PGconn *connection, const char *name, const char *mark, struct err *err)
{
    return look(connection,
                "SELECT coalesce(shobj_description(oid, 'pg_authid'), '') FROM pg_roles "
                "WHERE rolname = $1", "role", name, mark, err);
}

/* A database is ours when its owner is: its comment cannot be made in the same transaction. */
static int look_database(PGconn *connection, const char *name, const char *mark, struct err *err)
{
    return look(connection,
                "SELECT coalesce(shobj_description(datdba, 'pg_authid'), '') FROM pg_database "
                "WHERE datname = $1", "database", name, mark, err);
}

int postgres_find(const struct postgres *p, const char *name, const char *mark, struct err *err)
{
    PGconn *connection = open_server(p, err);
    int r;

    if (connection == NULL)
        return -1;
    if ((r = look_role(connection, name, mark, err)) == 1)
        r = look_database(connection, name, mark, err);
    PQfinish(connection);
    return r;
}

/* The role and its mark are one transaction, so there is never one of ours without it. */
static int make_role(PGconn *connection, const char *name, const char *mark, const char *secret,
                     struct err *err)
{
    int there = look_role(connection, name, mark, err), r = -1;
    char *verifier = NULL, *quoted = NULL, *quoted_mark = NULL;
    struct buf statement;

    if (there == -1)
        return -1;
    buf_init(&statement, 4096);
    verifier = PQencryptPasswordConn(connection, secret, name, "scram-sha-256");
    if (verifier != NULL) {
        quoted = PQescapeLiteral(connection, verifier, strlen(verifier));
        quoted_mark = PQescapeLiteral(connection, mark, strlen(mark));
    }
    if (quoted == NULL || quoted_mark == NULL) {
        (void)failed(connection, NULL, err);
    } else {
        (void)buf_format(&statement,
                         "BEGIN; %s ROLE \"%s\" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE "
                         "NOREPLICATION PASSWORD %s; COMMENT ON ROLE \"%s\" IS %s; COMMIT",
                         there == 1 ? "ALTER" : "CREATE", name, quoted, name, quoted_mark);
        r = run(connection, buf_string(&statement), err);
    }
    PQfreemem(quoted);
    PQfreemem(quoted_mark);
    PQfreemem(verifier);
    buf_free(&statement);
    return r;
}

static int make_database(PGconn *connection, const char *name, const char *mark, struct err *err)
{
    char statement[512];
    int there = look_database(connection, name, mark, err);

    if (there == -1)
        return -1;
    if (there == 0) {
        /* An administrator who is no superuser must be a member of the owner. */
        (void)str_format(statement, sizeof statement, "GRANT \"%s\" TO CURRENT_USER", name);
        if (run(connection, statement, err) == -1)
            return -1;
        (void)str_format(statement, sizeof statement,
                         "CREATE DATABASE \"%s\" OWNER \"%s\" TEMPLATE template0 ENCODING 'UTF8'",
                         name, name);
        if (run(connection, statement, err) == -1)
            return -1;
    }
    (void)str_format(statement, sizeof statement, "REVOKE CONNECT, TEMPORARY ON DATABASE \"%s\" "
                                                  "FROM PUBLIC", name);
    return run(connection, statement, err);
}

int postgres_make(const struct postgres *p, const char *name, const char *mark, const char *secret,
                  struct err *err)
{
    PGconn *connection = open_server(p, err);
    int r;

    if (connection == NULL)
        return -1;
    r = make_role(connection, name, mark, secret, err);
    if (r == 0)
        r = make_database(connection, name, mark, err);
    PQfinish(connection);
    return r;
}

int postgres_drop(const struct postgres *p, const char *name, const char *mark, struct err *err)
{
    PGconn *connection = open_server(p, err);
    char statement[256];
    int role, database = -1, r = -1;

    if (connection == NULL)
        return -1;
    if ((role = look_role(connection, name, mark, err)) == -1 ||
        (database = look_database(connection, name, mark, err)) == -1)
        goto done;
    (void)str_format(statement, sizeof statement, "DROP DATABASE \"%s\" WITH (FORCE)", name);
    if (database == 1 && run(connection, statement, err) == -1)
        goto done;
    (void)str_format(statement, sizeof statement, "DROP ROLE \"%s\"", name);
    if (role == 1 && run(connection, statement, err) == -1)
        goto done;
    r = role == 1 || database == 1;
done:
    PQfinish(connection);
    return r;
}
