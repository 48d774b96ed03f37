#ifndef SETT_DOMAIN_WORLD_H
#define SETT_DOMAIN_WORLD_H
/*
 * A real store with the box's own tables in a folder of its own, and short ways to change and read
 * it: for tests of core/domain.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "clock.h"
#include "domain_check.h"
#include "file.h"
#include "schema.h"
#include "str.h"

struct world {
    char folder[256];
    struct db *db;
    int64_t ahead_s; /* how far the clock was moved */
};

static inline struct world *world_new(void)
{
    const char *tmp = getenv("TMPDIR");
    struct world *w = calloc(1, sizeof *w);
    struct err err = {0};
    char db[300];

    assert_non_null(w);
    assert_int_equal(str_format(w->folder, sizeof w->folder, "%s/sett-domain-XXXXXX",
                                tmp == NULL ? "/tmp" : tmp),
                     0);
    assert_non_null(mkdtemp(w->folder));
    assert_int_equal(str_format(db, sizeof db, "%s/db", w->folder), 0);
    if (db_create(db, &sett_schema, &err) != 0 || db_open(&w->db, db, &sett_schema, &err) != 0)
        fail_msg("%s", err.text);
    return w;
}

static inline void world_end(struct world *w)
{
    struct err err;

    (void)file_remove_tree(w->folder, &err);
    free(w);
    unsetenv("SETT_CLOCK_OFFSET_S");
}

/* Move the clock on; only builds for tests have a clock that can be moved. */
static inline void world_wait(struct world *w, int64_t seconds)
{
#ifdef SETT_TEST
    char text[32];

    w->ahead_s += seconds;
    assert_int_equal(str_format(text, sizeof text, "%lld", (long long)w->ahead_s), 0);
    setenv("SETT_CLOCK_OFFSET_S", text, 1);
#else
    (void)w;
    (void)seconds;
    skip();
#endif
}

/* A change that must go well. */
static inline void must_write(struct world *w, db_change *change, void *arg)
{
    struct err err = {0};

    if (db_write(w->db, change, arg, &err) != 0)
        fail_msg("%s: %s", err.code, err.text);
}

/* A change that must be refused with this code. */
static inline void refuse_write(struct world *w, db_change *change, void *arg, const char *code)
{
    struct err err = {0};

    assert_int_equal(db_write(w->db, change, arg, &err), -1);
    assert_string_equal(err.code, code);
}

static inline struct txn *must_read(struct world *w)
{
    struct txn *txn = NULL;
    struct err err = {0};

    if (db_read(&txn, w->db, &err) != 0)
        fail_msg("%s", err.text);
    return txn;
}

/* That the store is sound. */
static inline void world_found(void *arg, const char *table, const char *key, const char *what)
{
    (void)arg;
    print_error("fsck: %s %s: %s\n", table, key, what);
}

static inline void world_sound(struct world *w)
{
    struct err err = {0};

    assert_int_equal(db_fsck(w->db, world_found, NULL, &err), 0);
    struct txn *txn = must_read(w);
    assert_int_equal(domain_check(txn, world_found, NULL, &err), 0);
    db_read_end(txn);
}

#endif
