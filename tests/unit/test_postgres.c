/*
 * Tenants' databases in a real PostgreSQL server whose administrator is no superuser: made and made
 * again, half made, walled off from each other, not ours, gone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <postgresql/libpq-fe.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "postgres.h"
#include "str.h"

#define SECRET_A "first-secret-of-a-tenant"
#define SECRET_B "other-secret-of-a-tenant"
#define MARK_A   "sett box_test tn_a"
#define MARK_B   "sett box_test tn_b"

extern char **environ;

struct world {
    char top[64], folder[96], admin[256], super[256], password[64];
    unsigned port;
    struct postgres p;
};

static int run(const char *const *argv)
{
    pid_t pid;
    int status;

    assert_int_equal(posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ), 0);
    while (waitpid(pid, &status, 0) == -1)
        assert_int_equal(errno, EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static unsigned free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    (void)close(fd);
    return ntohs(at.sin_port);
}

static int setup(void **state)
{
    static struct world w;
    struct buf text;
    char port[16], path[128];

    (void)str_copy(w.top, sizeof w.top, "/tmp/sett-postgres-XXXXXX");
    assert_non_null(mkdtemp(w.top));
    assert_int_equal(chmod(w.top, 0755), 0);
    (void)str_format(w.folder, sizeof w.folder, "%s/pg", w.top);
    w.port = free_port();
    (void)str_format(port, sizeof port, "%u", w.port);
    if (run((const char *const[]){"tests/parts/postgres.sh", "start", w.folder, port, NULL}) != 0)
        return -1;
    buf_init(&text, sizeof w.password - 1);
    (void)str_format(path, sizeof path, "%s/password", w.folder);
    assert_int_equal(file_read(path, &text, NULL), 0);
    (void)str_copy_n(w.password, sizeof w.password, text.data, strcspn(text.data, "\n"));
    buf_free(&text);
    (void)str_format(w.admin, sizeof w.admin, "host=%s port=%u user=sett dbname=postgres", w.folder,
                     w.port);
    (void)str_format(w.super, sizeof w.super,
                     "host=%s port=%u user=postgres dbname=postgres "
                     "password=%s",
                     w.folder, w.port, w.password);
    w.p = (struct postgres){.admin = w.admin, .password = w.password};
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    (void)run((const char *const[]){"tests/parts/postgres.sh", "stop", w->folder, NULL});
    return rmdir(w->top);
}

/* A statement by the superuser; its first answer, or "". */
static const char *super(struct world *w, const char *statement)
{
    static char text[256];
    PGconn *conn = PQconnectdb(w->super);
    PGresult *result;

    assert_int_equal(PQstatus(conn), CONNECTION_OK);
    result = PQexec(conn, statement);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", statement, PQerrorMessage(conn));
    (void)str_copy(text, sizeof text, PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    PQfinish(conn);
    return text;
}

/* A tenant at the door: over TCP as it would, or past pg_hba's wall over the socket. NULL: refused.
 */
static PGconn *enter(struct world *w, bool tcp, const char *user, const char *password,
                     const char *database)
{
    char conninfo[512];
    PGconn *conn;

    (void)str_format(conninfo, sizeof conninfo, "host=%s port=%u user=%s password=%s dbname=%s",
                     tcp ? "127.0.0.1" : w->folder, w->port, user, password, database);
    conn = PQconnectdb(conninfo);
    if (PQstatus(conn) == CONNECTION_OK)
        return conn;
    PQfinish(conn);
    return NULL;
}

static bool may_enter(struct world *w, bool tcp, const char *user, const char *password,
                      const char *database)
{
    PGconn *conn = enter(w, tcp, user, password, database);

    PQfinish(conn);
    return conn != NULL;
}

#define assert_call(expected_, call_)                                                              \
    do {                                                                                           \
        int got_;                                                                                  \
        err_clear(&err);                                                                           \
        if ((got_ = (call_)) != (expected_))                                                       \
            fail_msg("%s: %d, %s: %s", #call_, got_, err.code, err.text);                          \
    } while (0)

static void test_life(void **state)
{
    struct world *w = *state;
    struct err err;
    PGresult *result;
    PGconn *conn;

    assert_call(0, postgres_find(&w->p, "sett_t000001", MARK_A, &err));
    assert_call(0, postgres_drop(&w->p, "sett_t000001", MARK_A, &err));
    assert_call(0, postgres_make(&w->p, "sett_t000001", MARK_A, SECRET_A, &err));
    assert_call(1, postgres_find(&w->p, "sett_t000001", MARK_A, &err));
    conn = enter(w, true, "sett_t000001", SECRET_A, "sett_t000001");
    assert_non_null(conn);
    result = PQexec(conn, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (41)");
    assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
    PQfinish(conn);

    /* again, with another password: what is in it stays */
    assert_call(0, postgres_make(&w->p, "sett_t000001", MARK_A, SECRET_B, &err));
    assert_false(may_enter(w, true, "sett_t000001", SECRET_A, "sett_t000001"));
    conn = enter(w, true, "sett_t000001", SECRET_B, "sett_t000001");
    assert_non_null(conn);
    result = PQexec(conn, "SELECT n FROM kept");
    assert_int_equal(PQntuples(result), 1);
    PQclear(result);
    result = PQexec(conn, "CREATE ROLE more");
    assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "42501");
    PQclear(result);
    result = PQexec(conn, "CREATE DATABASE more");
    assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "42501");
    PQclear(result);

    /* with somebody inside */
    assert_call(1, postgres_drop(&w->p, "sett_t000001", MARK_A, &err));
    PQfinish(conn);
    assert_call(0, postgres_find(&w->p, "sett_t000001", MARK_A, &err));
    assert_string_equal(super(w, "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'sett_t%'"),
                        "0");
    assert_string_equal(super(w, "SELECT count(*) FROM pg_database WHERE datname LIKE 'sett_t%'"),
                        "0");
    assert_call(0, postgres_drop(&w->p, "sett_t000001", MARK_A, &err));
}

static void test_walls(void **state)
{
    struct world *w = *state;
    struct err err;

    assert_call(0, postgres_make(&w->p, "sett_t000001", MARK_A, SECRET_A, &err));
    assert_call(0, postgres_make(&w->p, "sett_t000002", MARK_B, SECRET_B, &err));
    assert_true(may_enter(w, true, "sett_t000002", SECRET_B, "sett_t000002"));
    assert_false(may_enter(w, true, "sett_t000001", SECRET_A, "sett_t000002"));
    assert_false(may_enter(w, true, "sett_t000001", SECRET_A, "postgres"));
    /* where pg_hba would let it through, the database itself does not */
    assert_true(may_enter(w, false, "sett_t000001", SECRET_A, "sett_t000001"));
    assert_false(may_enter(w, false, "sett_t000001", SECRET_A, "sett_t000002"));
    assert_string_equal(super(w, "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE "
                                 "datname = 'sett_t000002'"),
                        "UTF8");
    assert_string_equal(super(w, "SELECT datconnlimit FROM pg_database WHERE datname = "
                                 "'sett_t000002'"),
                        "64");
    assert_call(1, postgres_drop(&w->p, "sett_t000001", MARK_A, &err));
    assert_call(1, postgres_drop(&w->p, "sett_t000002", MARK_B, &err));
}

static void test_half_made(void **state)
{
    struct world *w = *state;
    struct err err;

    /* only the role, made by our account: since PostgreSQL 16 CREATEROLE reaches no other's roles
     */
    (void)super(w, "SET ROLE sett; CREATE ROLE sett_t000003 LOGIN; COMMENT ON ROLE sett_t000003 IS "
                   "'" MARK_A "'; RESET ROLE");
    assert_call(0, postgres_find(&w->p, "sett_t000003", MARK_A, &err));
    assert_call(0, postgres_make(&w->p, "sett_t000003", MARK_A, SECRET_A, &err));
    assert_true(may_enter(w, true, "sett_t000003", SECRET_A, "sett_t000003"));
    /* a database that was not yet opened, and still open to the public */
    assert_call(0, postgres_make(&w->p, "sett_t000004", MARK_B, SECRET_B, &err));
    (void)super(w, "ALTER DATABASE sett_t000003 ALLOW_CONNECTIONS false");
    (void)super(w, "GRANT CONNECT ON DATABASE sett_t000003 TO PUBLIC");
    assert_call(0, postgres_find(&w->p, "sett_t000003", MARK_A, &err));
    assert_call(0, postgres_make(&w->p, "sett_t000003", MARK_A, SECRET_A, &err));
    assert_call(1, postgres_find(&w->p, "sett_t000003", MARK_A, &err));
    assert_false(may_enter(w, false, "sett_t000004", SECRET_B, "sett_t000003"));
    assert_call(1, postgres_drop(&w->p, "sett_t000004", MARK_B, &err));
    /* half gone */
    (void)super(w, "DROP DATABASE sett_t000003");
    assert_call(1, postgres_drop(&w->p, "sett_t000003", MARK_A, &err));
    assert_call(0, postgres_drop(&w->p, "sett_t000003", MARK_A, &err));
}

static void test_foreign(void **state)
{
    static const char *const made[] = {
        "CREATE ROLE sett_t000005 LOGIN",
        "CREATE ROLE sett_t000005 LOGIN; COMMENT ON ROLE sett_t000005 IS 'sett box_other tn_a'",
    };
    struct world *w = *state;
    struct err err;

    for (size_t i = 0; i < 2; i++) {
        (void)super(w, made[i]);
        assert_call(-1, postgres_find(&w->p, "sett_t000005", MARK_A, &err));
        assert_call(-1, postgres_make(&w->p, "sett_t000005", MARK_A, SECRET_A, &err));
        assert_int_equal(err.kind, ERR_CONFLICT);
        assert_string_equal(err.code, "database_foreign");
        assert_non_null(strstr(err.text, "sett_t000005"));
        assert_call(-1, postgres_drop(&w->p, "sett_t000005", MARK_A, &err));
        assert_int_equal(err.kind, ERR_CONFLICT);
        (void)super(w, "DROP ROLE sett_t000005");
    }
    (void)super(w, "CREATE DATABASE sett_t000005");
    assert_call(-1, postgres_make(&w->p, "sett_t000005", MARK_A, SECRET_A, &err));
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_call(-1, postgres_drop(&w->p, "sett_t000005", MARK_A, &err));
    assert_string_equal(super(w, "SELECT count(*) FROM pg_database WHERE datname = 'sett_t000005'"),
                        "1");
    (void)super(w, "DROP DATABASE sett_t000005");
    assert_call(-1, postgres_make(&w->p, "a\"; DROP ROLE sett", MARK_A, SECRET_A, &err));
    assert_int_equal(err.kind, ERR_INVALID);
}

/* Several databases of one tenant, of which each is found by its number; what others made under
 * such a name counts as taken, and is never among ours. */
static void test_generations(void **state)
{
    struct world *w = *state;
    uint32_t found[POSTGRES_GENERATIONS], newest = 9;
    char name[POSTGRES_NAME_SIZE];
    struct err err;
    size_t count = 9;

    assert_call(0, postgres_newest(&w->p, 8, &newest, &err));
    assert_int_equal(newest, 0);
    assert_call(0, postgres_generations(&w->p, 8, MARK_A, found, &count, &err));
    assert_int_equal(count, 0);
    postgres_name(name, 8, 0);
    assert_string_equal(name, "sett_t000008");
    for (uint32_t i = 1; i <= 11; i += 5) {
        postgres_name(name, 8, i);
        assert_call(0, postgres_make(&w->p, name, MARK_A, SECRET_A, &err));
        assert_true(may_enter(w, true, name, SECRET_A, name));
    }
    postgres_name(name, 80, 3); /* another tenant's, whose name begins alike */
    assert_call(0, postgres_make(&w->p, name, MARK_B, SECRET_B, &err));
    assert_call(0, postgres_generations(&w->p, 8, MARK_A, found, &count, &err));
    assert_int_equal(count, 3);
    assert_int_equal(found[0], 1);
    assert_int_equal(found[1], 6);
    assert_int_equal(found[2], 11);
    assert_call(0, postgres_newest(&w->p, 8, &newest, &err));
    assert_int_equal(newest, 11);
    (void)super(w, "CREATE DATABASE sett_t000008_g20");
    assert_call(0, postgres_newest(&w->p, 8, &newest, &err));
    assert_int_equal(newest, 20);
    assert_call(0, postgres_generations(&w->p, 8, MARK_A, found, &count, &err));
    assert_int_equal(count, 3);
    (void)super(w, "DROP DATABASE sett_t000008_g20");
    assert_call(1, postgres_drop(&w->p, name, MARK_B, &err));
    for (uint32_t i = 1; i <= 11; i += 5) {
        postgres_name(name, 8, i);
        assert_call(1, postgres_drop(&w->p, name, MARK_A, &err));
    }
}

static void test_errors(void **state)
{
    struct world *w = *state;
    struct postgres p = w->p;
    char host[64], text[512];
    uint32_t port;
    struct err err;

    p.password = "wrong-password";
    assert_call(-1, postgres_make(&p, "sett_t000006", MARK_A, SECRET_A, &err));
    assert_int_equal(err.kind, ERR_UNAUTHENTICATED);
    assert_true(err.hint[0] != '\0');
    p.password = "";
    assert_call(-1, postgres_make(&p, "sett_t000006", MARK_A, SECRET_A, &err));
    assert_int_equal(err.kind, ERR_UNAUTHENTICATED);
    (void)str_format(text, sizeof text, "host=127.0.0.1 port=%u user=sett dbname=postgres",
                     free_port());
    p.admin = text;
    assert_call(-1, postgres_find(&p, "sett_t000006", MARK_A, &err));
    assert_int_equal(err.kind, ERR_NETWORK);
    assert_string_equal(err.code, "database_unreachable");
    p.admin = "";
    assert_call(-1, postgres_find(&p, "sett_t000006", MARK_A, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    p.admin = "no conninfo at all";
    assert_call(-1, postgres_find(&p, "sett_t000006", MARK_A, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_call(-1, postgres_make(&w->p, "sett_t000006", MARK_A, "short", &err));
    assert_int_equal(err.kind, ERR_INVALID);
    /* an account that may not */
    assert_call(0, postgres_make(&w->p, "sett_t000007", MARK_B, SECRET_B, &err));
    (void)str_format(text, sizeof text, "host=%s port=%u user=sett_t000007 dbname=sett_t000007",
                     w->folder, w->port);
    p = (struct postgres){.admin = text, .password = SECRET_B};
    assert_call(-1, postgres_make(&p, "sett_t000006", MARK_A, SECRET_A, &err));
    assert_int_equal(err.kind, ERR_FORBIDDEN);
    assert_call(1, postgres_drop(&w->p, "sett_t000007", MARK_B, &err));

    assert_call(0, postgres_address(&w->p, host, sizeof host, &port, &err));
    assert_string_equal(host, "127.0.0.1");
    assert_int_equal(port, w->port);
    p.admin = "host=db.example.org user=x";
    assert_call(0, postgres_address(&p, host, sizeof host, &port, &err));
    assert_string_equal(host, "db.example.org");
    assert_int_equal(port, 5432);
    p.admin = "postgresql://sett@10.0.0.7:6543/postgres";
    assert_call(0, postgres_address(&p, host, sizeof host, &port, &err));
    assert_string_equal(host, "10.0.0.7");
    assert_int_equal(port, 6543);
}

/* The server logs every statement of this test: none may hold a password. */
static void test_log(void **state)
{
    struct world *w = *state;
    char path[128];
    struct buf log;

    (void)str_format(path, sizeof path, "%s/server.log", w->folder);
    buf_init(&log, 8 << 20);
    assert_int_equal(file_read(path, &log, NULL), 0);
    assert_non_null(strstr(buf_string(&log), "CREATE ROLE sett_t000001"));
    assert_non_null(strstr(buf_string(&log), "SCRAM-SHA-256$"));
    assert_null(strstr(buf_string(&log), SECRET_A));
    assert_null(strstr(buf_string(&log), SECRET_B));
    buf_free(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),      cmocka_unit_test(test_walls),
        cmocka_unit_test(test_half_made), cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_errors),    cmocka_unit_test(test_generations),
        cmocka_unit_test(test_log),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
