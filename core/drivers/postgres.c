/*
 * Tenants' databases. Apart because it is the one thing of a tenant that lives in a server which
 * others use too: every statement here names one role or one database that was looked at first.
 */
#include "postgres.h"

#include <postgresql/libpq-fe.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "str.h"
#include "trial.h"

#define STATEMENT_SIZE 1024

/* One visit: a connection, and what the tenant's things are called. */
struct visit {
    PGconn *conn;
    const char *name, *mark;
    struct err *err;
};

void postgres_name(char out[POSTGRES_NAME_SIZE], uint64_t number, uint32_t generation)
{
    if (generation < 2)
        (void)str_format(out, POSTGRES_NAME_SIZE, "sett_t%06llu", (unsigned long long)number);
    else
        (void)str_format(out, POSTGRES_NAME_SIZE, "sett_t%06llu_g%u", (unsigned long long)number,
                         generation);
}

/* Names stand in statements as they are. */
static bool is_name(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return len > 0 && len < POSTGRES_NAME_SIZE && name[len] == '\0' && name[0] >= 'a';
}

/* ---- errors ---- */

/* By SQLSTATE; a shorter row is a class. The first that fits wins. */
static const struct {
    const char *state, *code;
    enum err_kind kind;
    const char *hint;
} states[] = {
    {"28", "database_login", ERR_UNAUTHENTICATED,
     "Look at the setting database.admin and the secret database.password."},
    {"42501", "database_permission", ERR_FORBIDDEN,
     "The account of database.admin needs CREATEROLE and CREATEDB, and since PostgreSQL 16 also "
     "the ADMIN OPTION on a tenant's role that it did not make."},
    {"53300", "database_connections", ERR_UNAVAILABLE, "The server has no connection left."},
    {"53100", "disk_full", ERR_FULL, "The database server's disk is full."},
    {"53", "database_resources", ERR_UNAVAILABLE, "The database server is short of something."},
    {"55006", "database_in_use", ERR_UNAVAILABLE, "Somebody is still connected; it goes on."},
    {"57014", "database_slow", ERR_TIMEOUT, "The database server took too long."},
    {"57P", "database_unreachable", ERR_NETWORK, "The database server is starting or stopping."},
    {"08", "database_unreachable", ERR_NETWORK, "Is the database server running?"},
    {"42710", "database_race", ERR_UNAVAILABLE, "Made by somebody at this moment; it goes on."},
    {"42P04", "database_race", ERR_UNAVAILABLE, "Made by somebody at this moment; it goes on."},
    {"23505", "database_race", ERR_UNAVAILABLE, "Made by somebody at this moment; it goes on."},
    {"40", "database_race", ERR_UNAVAILABLE, "It goes on."},
    {"XX000", "database_race", ERR_UNAVAILABLE, "Changed by somebody at this moment; it goes on."},
};

static int refused(const char *what, const char *state, const char *message, struct err *err)
{
    size_t len = strcspn(message, "\n");

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (state != NULL && str_starts(state, states[i].state)) {
            err_set(err, states[i].kind, states[i].code, "PostgreSQL, %s: %.*s", what,
                    (int)(len < 250 ? len : 250), message);
            return err_hint(err, "%s", states[i].hint);
        }
    return err_set(err, ERR_INTERNAL, "database_refused", "PostgreSQL, %s: %.*s (%s)", what,
                   (int)(len < 250 ? len : 250), message, state != NULL ? state : "-");
}

/* A connection that did not come about has no SQLSTATE in libpq before 17: tell by what it says. */
static int not_connected(PGconn *conn, struct err *err)
{
    const char *message = PQerrorMessage(conn);

    if (strstr(message, "authentication") != NULL || strstr(message, "pg_hba.conf") != NULL ||
        strstr(message, "no password supplied") != NULL || PQconnectionNeedsPassword(conn))
        return refused("connecting", "28000", message, err);
    if (strstr(message, "too many clients") != NULL ||
        strstr(message, "slots are reserved") != NULL)
        return refused("connecting", "53300", message, err);
    return refused("connecting", "08006", message, err);
}

/* ---- statements ---- */

static int bad_conninfo(const char *why, struct err *err)
{
    err_set(err, ERR_INVALID, "database_admin", "The setting database.admin cannot be used: %.*s",
            (int)strcspn(why, "\n"), why);
    return err_hint(err, "sett setting set database.admin --value 'host=… user=… dbname=postgres', "
                         "then retry");
}

/* The options of a conninfo, to be freed, or NULL. */
static PQconninfoOption *parse(const struct postgres *p, struct err *err)
{
    char *why = NULL;
    PQconninfoOption *options;

    if (p->admin == NULL || p->admin[0] == '\0') {
        (void)bad_conninfo("it is empty, and a blueprint wants a database", err);
        return NULL;
    }
    if ((options = PQconninfoParse(p->admin, &why)) == NULL)
        (void)bad_conninfo(why == NULL ? "no memory" : why, err);
    PQfreemem(why);
    return options;
}

int postgres_address(const struct postgres *p, char *host, size_t size, uint32_t *port,
                     struct err *err)
{
    PQconninfoOption *options = parse(p, err);
    const char *found = "127.0.0.1";
    uint64_t n = 5432;
    int rc;

    if (options == NULL)
        return -1;
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
        if (o->val == NULL || o->val[0] == '\0')
            continue;
        if (str_equal(o->keyword, "host") && o->val[0] != '/')
            found = o->val;
        if (str_equal(o->keyword, "port"))
            (void)str_u64(o->val, 1, 65535, &n);
    }
    *port = (uint32_t)n;
    rc = str_copy(host, size, found);
    PQconninfoFree(options);
    return rc == 0 ? 0 : bad_conninfo("its host is too long", err);
}

static PGconn *open_connection(const struct postgres *p, struct err *err)
{
    bool secret = p->password != NULL && p->password[0] != '\0';
    const char *const keywords[] = {"dbname",
                                    "connect_timeout",
                                    "application_name",
                                    "client_encoding",
                                    "options",
                                    secret ? "password" : NULL,
                                    NULL};
    const char *const values[] = {
        p->admin,    "10", "sett", "UTF8", "-c statement_timeout=60000 -c lock_timeout=20000",
        p->password, NULL};
    PQconninfoOption *options = parse(p, err);
    PGconn *conn;

    if (options == NULL)
        return NULL;
    PQconninfoFree(options);
    if ((conn = PQconnectdbParams(keywords, values, 1)) == NULL) {
        err_set(err, ERR_UNAVAILABLE, "memory", "No memory for a database connection.");
        return NULL;
    }
    if (PQstatus(conn) == CONNECTION_OK)
        return conn;
    (void)not_connected(conn, err);
    PQfinish(conn);
    return NULL;
}

static void ignore_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

static int visit_begin(struct visit *v, const struct postgres *p, const char *name,
                       const char *mark, struct err *err)
{
    *v = (struct visit){.name = name, .mark = mark, .err = err};
    if (!is_name(name) || mark[0] == '\0')
        return err_set(err, ERR_INVALID, "database_name", "\"%s\" is no name for a database.",
                       name);
    if ((v->conn = open_connection(p, err)) == NULL)
        return -1;
    (void)PQsetNoticeReceiver(v->conn, ignore_notice, NULL);
    return 0;
}

/* A statement that answers nothing. ${what} says it for a message; the statement itself may hold
 * a verifier and is not shown. */
static int execute(struct visit *v, const char *what, const char *statement)
{
    PGresult *result = PQexec(v->conn, statement);
    int rc = 0;

    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        rc = refused(what, PQresultErrorField(result, PG_DIAG_SQLSTATE),
                     result != NULL ? PQresultErrorMessage(result) : PQerrorMessage(v->conn),
                     v->err);
    PQclear(result);
    return rc;
}

__attribute__((format(printf, 3, 4))) static int run(struct visit *v, const char *what,
                                                     const char *fmt, ...)
{
    char statement[STATEMENT_SIZE];
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(statement, sizeof statement, fmt, ap);
    va_end(ap);
    if (len < 0 || (size_t)len >= sizeof statement)
        return err_set(v->err, ERR_INTERNAL, "database_statement", "A statement is too long.");
    return execute(v, what, statement);
}

/* One text by a query with the tenant's name as $1, and the mark as $2 if it has that. Return 1
 * with it in ${out} (a NULL is ""), 0 when there is no row, -1. */
static int ask(struct visit *v, const char *what, const char *query, char *out, size_t size)
{
    const char *const values[] = {v->name, v->mark};
    PGresult *result = PQexecParams(v->conn, query, strstr(query, "$2") == NULL ? 1 : 2, NULL,
                                    values, NULL, NULL, 0);
    int rc = -1;

    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        refused(what, PQresultErrorField(result, PG_DIAG_SQLSTATE),
                result != NULL ? PQresultErrorMessage(result) : PQerrorMessage(v->conn), v->err);
    } else if (PQntuples(result) == 0) {
        rc = 0;
    } else {
        rc = 1;
        if (str_copy(out, size, PQgetvalue(result, 0, 0)) != 0)
            out[0] = '\0'; /* longer than anything of ours */
    }
    PQclear(result);
    return rc;
}

static int foreign(struct visit *v, const char *kind)
{
    err_set(v->err, ERR_CONFLICT, "database_foreign",
            "PostgreSQL has a %s \"%s\" that this box did not make for this tenant.", kind,
            v->name);
    return err_hint(v->err, "Look whose it is (\\du+ %s); rename or drop it, then retry.", v->name);
}

/* ---- what is there ---- */

struct standing {
    bool role, database, open; /* open: made to its end */
};

static int look(struct visit *v, struct standing *out)
{
    char text[256];
    int rc;

    memset(out, 0, sizeof *out);
    rc = ask(v, "looking for the role",
             "SELECT pg_catalog.shobj_description(oid, 'pg_authid') FROM pg_catalog.pg_roles "
             "WHERE rolname = $1",
             text, sizeof text);
    if (rc == -1)
        return -1;
    if (rc == 1 && !str_equal(text, v->mark))
        return foreign(v, "role");
    out->role = rc == 1;
    rc = ask(v, "looking for the database",
             "SELECT r.rolname || CASE WHEN d.datallowconn THEN ' open' ELSE ' shut' END "
             "FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles r ON r.oid = d.datdba "
             "WHERE d.datname = $1",
             text, sizeof text);
    if (rc == -1)
        return -1;
    out->database = rc == 1;
    if (rc == 0)
        return 0;
    out->open = str_ends(text, " open");
    text[strcspn(text, " ")] = '\0';
    return out->role && str_equal(text, v->name) ? 0 : foreign(v, "database");
}

int postgres_find(const struct postgres *p, const char *name, const char *mark, struct err *err)
{
    struct standing s;
    struct visit v;
    int rc = -1;

    if (visit_begin(&v, p, name, mark, err) != 0)
        return -1;
    if (look(&v, &s) == 0)
        rc = s.role && s.database && s.open ? 1 : 0;
    PQfinish(v.conn);
    return rc;
}

/* ---- generations ---- */

#define OF_THE_TENANT "(n = $1 OR n ~ ('^' || $1 || '_g[1-9][0-9]{0,8}$'))"
#define GENERATION    "(CASE WHEN n = $1 THEN '1' ELSE substr(n, length($1) + 3) END)"

int postgres_newest(const struct postgres *p, uint64_t number, uint32_t *out, struct err *err)
{
    char name[POSTGRES_NAME_SIZE], text[24];
    struct visit v;
    uint64_t n = 0;
    int rc;

    postgres_name(name, number, 1);
    if (visit_begin(&v, p, name, "-", err) != 0)
        return -1;
    rc = ask(&v, "looking for its databases",
             "SELECT max(" GENERATION "::int) FROM (SELECT rolname AS n FROM pg_catalog.pg_roles "
             "UNION ALL SELECT datname FROM pg_catalog.pg_database) s WHERE " OF_THE_TENANT,
             text, sizeof text);
    PQfinish(v.conn);
    if (rc == -1)
        return -1;
    if (rc == 1 && text[0] != '\0')
        (void)str_u64(text, 0, UINT32_MAX, &n);
    *out = (uint32_t)n;
    return 0;
}

int postgres_generations(const struct postgres *p, uint64_t number, const char *mark,
                         uint32_t out[POSTGRES_GENERATIONS], size_t *count, struct err *err)
{
    char name[POSTGRES_NAME_SIZE], text[12 * POSTGRES_GENERATIONS], digits[12], *at = text;
    struct visit v;
    uint64_t n;
    int rc;

    *count = 0;
    postgres_name(name, number, 1);
    if (visit_begin(&v, p, name, mark, err) != 0)
        return -1;
    rc =
        ask(&v, "looking for its databases",
            "SELECT string_agg(g::text, ' ' ORDER BY g) FROM (SELECT " GENERATION "::int AS g FROM "
            "(SELECT rolname AS n, oid FROM pg_catalog.pg_roles) r WHERE " OF_THE_TENANT
            " AND pg_catalog.shobj_description(oid, 'pg_authid') = $2 ORDER BY 1 LIMIT 32) s",
            text, sizeof text);
    PQfinish(v.conn);
    if (rc != 1)
        return rc;
    while (*count < POSTGRES_GENERATIONS && *at != '\0') {
        size_t len = strcspn(at, " ");
        if (str_copy_n(digits, sizeof digits, at, len) == 0 &&
            str_u64(digits, 1, UINT32_MAX, &n) == 0)
            out[(*count)++] = (uint32_t)n;
        at += len + (at[len] == ' ');
    }
    return 0;
}

/* ---- making ---- */

/* The role with its comment in one transaction: there is never one of ours without its mark. */
static int make_role(struct visit *v, const char *password, bool there)
{
    char *verifier = PQencryptPasswordConn(v->conn, password, v->name, "scram-sha-256");
    char *literal = verifier == NULL ? NULL : PQescapeLiteral(v->conn, verifier, strlen(verifier));
    char *comment = PQescapeLiteral(v->conn, v->mark, strlen(v->mark));
    int rc;

    if (literal == NULL || comment == NULL)
        rc = refused("hashing the password", NULL, PQerrorMessage(v->conn), v->err);
    else if (there)
        rc = run(v, "setting the role's password",
                 "ALTER ROLE %s LOGIN CONNECTION LIMIT %d PASSWORD %s", v->name,
                 POSTGRES_CONNECTIONS, literal);
    else /* several statements in one PQexec are one transaction */
        rc = run(v, "creating the role",
                 "CREATE ROLE %s LOGIN CONNECTION LIMIT %d PASSWORD %s; COMMENT ON ROLE %s IS %s",
                 v->name, POSTGRES_CONNECTIONS, literal, v->name, comment);
    PQfreemem(verifier);
    PQfreemem(literal);
    PQfreemem(comment);
    return rc;
}

/* Only a member of a role may give it a database; a superuser is one of all. */
static int join_role(struct visit *v)
{
    char text[8];
    int rc = ask(v, "looking at database.admin",
                 "SELECT CASE WHEN rolsuper OR $1 = '' THEN 'yes' ELSE 'no' END "
                 "FROM pg_catalog.pg_roles WHERE rolname = current_user",
                 text, sizeof text);

    if (rc != 1)
        return rc == -1 ? -1
                        : err_set(v->err, ERR_INTERNAL, "database_refused",
                                  "PostgreSQL does not know its current user.");
    if (str_equal(text, "yes"))
        return 0;
    return run(v, "joining the role", "GRANT %s TO CURRENT_USER", v->name);
}

/* Shut until nobody but its owner may come in. */
static int make_database(struct visit *v, bool there)
{
    if (!there &&
        (join_role(v) != 0 || run(v, "creating the database",
                                  "CREATE DATABASE %s OWNER %s TEMPLATE template0 ENCODING 'UTF8' "
                                  "ALLOW_CONNECTIONS false CONNECTION LIMIT %d",
                                  v->name, v->name, POSTGRES_CONNECTIONS) != 0))
        return -1;
    if (run(v, "closing the database to others", "REVOKE ALL ON DATABASE %s FROM PUBLIC",
            v->name) != 0)
        return -1;
    return run(v, "opening the database", "ALTER DATABASE %s ALLOW_CONNECTIONS true", v->name);
}

int postgres_make(const struct postgres *p, const char *name, const char *mark, const char *secret,
                  struct err *err)
{
    struct standing s;
    struct visit v;
    int rc = -1;

    if (strlen(secret) < 12)
        return err_set(err, ERR_INVALID, "database_secret",
                       "A database password has 12 characters or more.");
    if (visit_begin(&v, p, name, mark, err) != 0)
        return -1;
    if (look(&v, &s) == 0 && make_role(&v, secret, s.role) == 0 &&
        ((s.database && s.open) || make_database(&v, s.database) == 0))
        rc = 0;
    PQfinish(v.conn);
    return rc;
}

/* ---- removing ---- */

/* WITH (FORCE) is of version 13; it ends the connections and drops in one go. */
static int drop_database(struct visit *v)
{
    if (PQserverVersion(v->conn) >= 130000)
        return run(v, "dropping the database", "DROP DATABASE IF EXISTS %s WITH (FORCE)", v->name);
    if (run(v, "shutting the database", "ALTER DATABASE %s ALLOW_CONNECTIONS false", v->name) !=
            0 ||
        run(v, "ending the tenant's connections",
            "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity "
            "WHERE datname = '%s' AND pid <> pg_catalog.pg_backend_pid()",
            v->name) != 0)
        return -1;
    return run(v, "dropping the database", "DROP DATABASE IF EXISTS %s", v->name);
}

int postgres_drop(const struct postgres *p, const char *name, const char *mark, struct err *err)
{
    struct standing s;
    struct visit v;
    int rc = -1;

    if (visit_begin(&v, p, name, mark, err) != 0)
        return -1;
    if (look(&v, &s) == 0 && (!s.database || drop_database(&v) == 0) &&
        (!s.role || run(&v, "dropping the role", "DROP ROLE IF EXISTS %s", v.name) == 0))
        rc = s.database || s.role;
    PQfinish(v.conn);
    return rc;
}

/* ---- a try ---- */

const char *postgres_version(void)
{
    static _Thread_local char text[16];

    (void)str_format(text, sizeof text, "%d", PQlibVersion());
    return text;
}

static void tell_right(const struct trial *t, const char *name, const char *value, const char *can,
                       const char *cannot, const char *fix)
{
    bool ok = str_equal(value, "t");

    t->check(t->arg, name, ok, true, ok ? can : cannot, ok ? "" : fix);
}

void postgres_trial(const struct postgres *p, const struct trial *t)
{
    static const char query[] =
        "SELECT current_setting('server_version'), current_user, "
        "rolsuper OR rolcreaterole, rolsuper OR rolcreatedb, "
        "(SELECT count(*) FROM pg_database WHERE datname LIKE 'sett\\_t%'), "
        "coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false), "
        "current_setting('password_encryption') FROM pg_roles WHERE rolname = current_user";
    struct err err;
    PGconn *conn = open_connection(p, &err);
    PGresult *result;

    trial_result(t, "connection", true, conn == NULL ? -1 : 0, &err, "the server answers");
    if (conn == NULL)
        return;
    result = PQexec(conn, query);
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1) {
        (void)refused("looking", PQresultErrorField(result, PG_DIAG_SQLSTATE),
                      PQresultErrorMessage(result), &err);
        trial_result(t, "rights", true, -1, &err, "");
    } else {
        t->fact(t->arg, "version", PQgetvalue(result, 0, 0));
        t->fact(t->arg, "user", PQgetvalue(result, 0, 1));
        t->fact(t->arg, "databases", PQgetvalue(result, 0, 4));
        t->fact(t->arg, "tls", str_equal(PQgetvalue(result, 0, 5), "t") ? "yes" : "no");
        tell_right(t, "createrole", PQgetvalue(result, 0, 2), "it may make roles",
                   "it may not make roles", "ALTER ROLE the account of database.admin CREATEROLE;");
        tell_right(t, "createdb", PQgetvalue(result, 0, 3), "it may make databases",
                   "it may not make databases",
                   "ALTER ROLE the account of database.admin CREATEDB;");
    }
    PQclear(result);
    PQfinish(conn);
}
