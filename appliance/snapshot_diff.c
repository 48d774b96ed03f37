/*
 * What two snapshots do not have in common: the box's records by table and name, the files of each
 * tenant with their sizes, and what that comes to. Apart from the other commands about files
 * because it holds two snapshots at once: each is read once, its store laid aside, its manifest
 * kept.
 */
#include "snapshot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "feed.h"
#include "file.h"
#include "json_out.h"
#include "manifest.h"
#include "restore.h"
#include "schema.h"
#include "snapshot_fetch.h"
#include "str.h"

#define TOLD_MOST 100 /* records of one table; the rest is counted */
#define UNIT_MOST 64

/* One of the two. */
struct opened {
    struct snapshot_fetched fetched;
    char folder[64]; /* its store is in db/ of it; "": none was made */
    FILE *manifest;
    bool has_store;
    struct db *db;
    struct txn *txn;
};

struct tally {
    uint64_t added, removed, changed;
    int64_t bytes; /* more than before */
};

/* ---- reading one ---- */

static int read_sections(struct opened *o, const struct snapshot_words *w, int fd, int store,
                         struct err *err)
{
    struct unpack_setup control = {.folder = store, .only = "db"}, tenants = {.folder = -1};
    struct unpack_figures figures = {0};
    struct chunk_source source;
    struct chunk_reader *r = NULL;
    FILE *names = tmpfile();
    uint64_t length;
    int rc = -1;

    verify_source(&source, &fd);
    if (names == NULL)
        (void)err_sys(err, "spool", errno, "a temporary file");
    else if (chunk_reader_new(&r, &source, err) == 0 &&
             chunk_reader_open(r, w->keys.secret_key, w->keys.passphrase, err) == 0 &&
             unpack_section(r, &control, names, &figures, err) == 0 &&
             unpack_section(r, &tenants, o->manifest, &figures, err) == 0)
        rc = chunk_reader_finish(r, &length, NULL, err);
    chunk_reader_free(r);
    if (names != NULL)
        (void)fclose(names);
    return rc;
}

static int read_one(struct cli *cli, struct opened *o, const struct snapshot_words *w,
                    const char *what, struct err *err)
{
    int fd = -1, store = -1, rc = -1;

    if (snapshot_fetch(cli, what, false, &o->fetched, err) == -1)
        return -1;
    (void)str_copy(o->folder, sizeof o->folder, "/tmp/sett-diff-XXXXXX");
    if (mkdtemp(o->folder) == NULL) {
        o->folder[0] = '\0';
        return err_sys(err, "diff_folder", errno, "/tmp");
    }
    if ((fd = open(o->fetched.path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) == -1)
        (void)err_set(err, ERR_NOT_FOUND, "file_missing", "%s cannot be opened", o->fetched.path);
    else if ((store = open(o->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 ||
             (o->manifest = tmpfile()) == NULL)
        (void)err_sys(err, "diff_folder", errno, o->folder);
    else
        rc = read_sections(o, w, fd, store, err);
    if (rc == 0)
        o->has_store = faccessat(store, "db/data.mdb", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    if (store != -1)
        (void)close(store);
    if (fd != -1)
        (void)close(fd);
    return rc;
}

static void close_one(struct opened *o)
{
    db_read_end(o->txn);
    if (o->manifest != NULL)
        (void)fclose(o->manifest);
    if (o->folder[0] != '\0')
        (void)file_remove_tree(o->folder, NULL);
    snapshot_fetched_remove(&o->fetched);
}

/* ---- telling ---- */

static const char *word_of(char sign)
{
    return sign == '+' ? "added" : sign == '-' ? "removed" : "changed";
}

/* A line: of a record (a table and a name) or of a file (its kind and size). */
static void tell(const struct cli *cli, char sign, const char *table, const char *name, char kind,
                 uint64_t size)
{
    struct json_out j;
    struct buf b;

    if (cli->output != CLI_JSON) {
        if (table != NULL)
            printf("%c %-24s  %s\n", sign, table, name);
        else
            printf("%c %c %12llu  %s\n", sign, kind, (unsigned long long)size, name);
        return;
    }
    buf_init(&b, 1u << 16);
    json_out_init(&j, &b);
    json_out_object(&j);
    json_out_key_text(&j, "object", table != NULL ? "record" : "file");
    json_out_key_text(&j, "change", word_of(sign));
    if (table != NULL)
        json_out_key_text(&j, "table", table);
    json_out_key_text(&j, "name", name);
    if (table == NULL)
        json_out_key_u64(&j, "size", size);
    json_out_end_object(&j);
    printf("%s\n", buf_string(&b));
    buf_free(&b);
}

/* What it comes to, for a table or a tenant's part. */
static void sum(const struct cli *cli, const char *of, const struct tally *t, bool sized)
{
    if (t->added + t->removed + t->changed == 0)
        return;
    if (cli->output == CLI_JSON)
        printf("{\"object\":\"sum\",\"of\":\"%s\",\"added\":%llu,\"removed\":%llu,"
               "\"changed\":%llu,\"bytes\":%lld}\n",
               of, (unsigned long long)t->added, (unsigned long long)t->removed,
               (unsigned long long)t->changed, (long long)t->bytes);
    else if (sized)
        printf("= %s: %llu added, %llu removed, %llu changed, %+lld bytes\n", of,
               (unsigned long long)t->added, (unsigned long long)t->removed,
               (unsigned long long)t->changed, (long long)t->bytes);
    else
        printf("= %s: %llu added, %llu removed, %llu changed\n", of, (unsigned long long)t->added,
               (unsigned long long)t->removed, (unsigned long long)t->changed);
}

/* ---- records ---- */

/* What a person calls it; its key, if nothing better is there. */
static void name_of(const struct table *table, const void *record, char *out, size_t size)
{
    static const char *const names[] = {"subdomain", "hostname", "name", "unicode", "label"};
    const struct field *field = NULL;

    for (size_t i = 0; field == NULL && i < sizeof names / sizeof names[0]; i++) {
        field = fields_find(&table->fields, names[i]);
        if (field != NULL &&
            (field->type != FIELD_TEXT || ((const char *)record)[field->offset] == '\0'))
            field = NULL;
    }
    if (field == NULL)
        field = fields_find(&table->fields, table->key[0]);
    if (field->type == FIELD_TEXT || field->type == FIELD_ID)
        (void)str_format(out, size, "%.200s", (const char *)record + field->offset);
    else
        (void)str_format(out, size, "%llu", (unsigned long long)fields_get_u64(field, record));
}

/* Records of ${from} that ${to} has not, or, with ${both}, has otherwise. */
static int one_way(const struct cli *cli, const struct table *table, struct txn *from,
                   struct txn *to, bool both, void *records[2], struct tally *t, struct err *err)
{
    size_t size = table->fields.struct_size;
    uint64_t told = 0;
    struct scan scan;
    char name[256];
    int got, there;

    if (scan_start(&scan, from, table, NULL, NULL, 0, false, err) == -1)
        return -1;
    memset(records[0], 0, size);
    while ((got = scan_next(&scan, records[0], err)) == 1) {
        memcpy(records[1], records[0], size);
        if ((there = record_get(to, table, records[1], err)) == -1)
            return -1;
        if (there == 1 && (!both || fields_equal(&table->fields, records[0], records[1])))
            continue;
        if (!both)
            t->removed++;
        else if (there == 1)
            t->changed++;
        else
            t->added++;
        if (told++ >= TOLD_MOST)
            continue;
        name_of(table, records[0], name, sizeof name);
        tell(cli, !both ? '-' : there == 1 ? '*' : '+', table->name, name, 0, 0);
    }
    return got;
}

static int compare_table(const struct cli *cli, const struct table *table, struct opened *o,
                         struct err *err)
{
    void *records[2] = {calloc(1, table->fields.struct_size), calloc(1, table->fields.struct_size)};
    struct tally t = {0};
    int rc = -1;

    if (records[0] == NULL || records[1] == NULL)
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory");
    else if (one_way(cli, table, o[0].txn, o[1].txn, false, records, &t, err) == 0 &&
             one_way(cli, table, o[1].txn, o[0].txn, true, records, &t, err) == 0) {
        sum(cli, table->name, &t, false);
        rc = 0;
    }
    free(records[0]);
    free(records[1]);
    return rc;
}

static int compare_stores(const struct cli *cli, struct opened *o, struct err *err)
{
    const struct restore_program program = restore_this_program();
    uint32_t migrated;

    for (size_t i = 0; i < 2; i++)
        if (restore_open_store(&o[i].db, &program, o[i].folder, &migrated, err) == -1 ||
            db_read(&o[i].txn, o[i].db, err) == -1)
            return -1;
    for (size_t i = 0; i < sett_schema.table_count; i++)
        if (sett_schema.tables[i] != &feed_table && /* it tells of the others' changes */
            compare_table(cli, sett_schema.tables[i], o, err) == -1)
            return -1;
    return 0;
}

/* ---- files ---- */

struct side {
    struct manifest_reader reader;
    struct manifest_entry at;
    int got;
};

static int advance(struct side *s, struct err *err)
{
    s->got = manifest_next(&s->reader, &s->at, err);
    return s->got == -1 ? -1 : 0;
}

static bool differs(const struct manifest_entry *a, const struct manifest_entry *b)
{
    return a->type != b->type || a->mode != b->mode || a->uid != b->uid || a->gid != b->gid ||
           a->size != b->size || a->has_hash != b->has_hash ||
           (a->has_hash && memcmp(a->hash, b->hash, sizeof a->hash) != 0) ||
           !str_equal(a->target, b->target);
}

/* "tenants/3" of "tenants/3/data/x". */
static void unit_of(const char *name, char out[UNIT_MOST])
{
    const char *slash = strchr(name, '/');
    size_t len = slash == NULL ? strlen(name) : (size_t)(slash + 1 - name);

    if (slash != NULL)
        len += strcspn(slash + 1, "/");
    (void)str_copy_n(out, UNIT_MOST, name, len < UNIT_MOST ? len : UNIT_MOST - 1);
}

/* One line of either, or of both; what its unit comes to, once another one begins. */
static void count(const struct cli *cli, const struct side *s, int order, char unit[UNIT_MOST],
                  struct tally *t)
{
    const struct manifest_entry *e = order < 0 ? &s[0].at : &s[1].at;
    char now[UNIT_MOST];

    unit_of(e->name, now);
    if (!str_equal(now, unit)) {
        sum(cli, unit, t, true);
        memset(t, 0, sizeof *t);
        (void)str_copy(unit, UNIT_MOST, now);
    }
    if (order == 0 && !differs(&s[0].at, &s[1].at))
        return;
    t->removed += order < 0;
    t->added += order > 0;
    t->changed += order == 0;
    t->bytes += (order >= 0 ? (int64_t)s[1].at.size : 0) - (order <= 0 ? (int64_t)s[0].at.size : 0);
    tell(cli, order < 0 ? '-' : order > 0 ? '+' : '*', NULL, e->name, e->type, e->size);
}

/* Both are sorted alike, so one pass over the two tells all. */
static int compare_files(const struct cli *cli, struct opened *o, struct err *err)
{
    struct side *s = calloc(2, sizeof *s);
    char unit[UNIT_MOST] = "";
    struct tally t = {0};
    int rc = -1;

    if (s == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory");
    for (size_t i = 0; i < 2; i++) {
        rewind(o[i].manifest);
        if (manifest_open(&s[i].reader, o[i].manifest, err) == -1 || advance(&s[i], err) == -1)
            goto done;
    }
    while (s[0].got == 1 || s[1].got == 1) {
        int order = s[0].got != 1   ? 1
                    : s[1].got != 1 ? -1
                                    : manifest_order(s[0].at.name, s[1].at.name);
        count(cli, s, order, unit, &t);
        if ((order <= 0 && advance(&s[0], err) == -1) || (order >= 0 && advance(&s[1], err) == -1))
            goto done;
    }
    sum(cli, unit, &t, true);
    rc = 0;
done:
    free(s);
    return rc;
}

/* ---- the command ---- */

int cli_snapshot_diff(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct opened *o = calloc(2, sizeof *o);
    struct snapshot_words w;
    int rc = -1;

    if (o == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory");
    if (snapshot_words_read(&w, argc, argv, 2, 2,
                            "sett snapshot diff FILE|ID FILE|ID --recovery-file FILE", err) == 0) {
        if (!w.has_secret)
            (void)err_field(err, "recovery-file", "required",
                            "what is in a snapshot is read with --recovery-file FILE");
        else if (read_one(cli, &o[0], &w, w.words[0], err) == 0 &&
                 read_one(cli, &o[1], &w, w.words[1], err) == 0 &&
                 (!o[0].has_store || !o[1].has_store || compare_stores(cli, o, err) == 0))
            rc = compare_files(cli, o, err);
    }
    close_one(&o[0]);
    close_one(&o[1]);
    free(o);
    sodium_memzero(&w, sizeof w);
    return rc;
}
