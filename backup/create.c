/*
 * What goes into a snapshot, and in which order. Apart from the packing: the store comes first and
 * is of one moment, so that whatever else is in the file can be held against it.
 */
#include "create.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "str.h"

#define INDEX_MAX (16u * 1024u * 1024u) /* some 400,000 tenants */

struct creation {
    const struct create_order *order;
    struct chunk_writer *writer;
    struct section *section;
    char unit[64];
    uint64_t *listed;
    size_t count;        /* of the tenants */
    char (*numbers)[24]; /* theirs, sorted as text */
};

static int spool_fd(const char *folder, struct err *err)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    return fd == -1 ? err_sys(err, "spool", errno, folder) : fd;
}

static int begin(struct creation *c, const char *index, struct err *err)
{
    const struct create_order *o = c->order;
    struct section_setup setup = {.writer = c->writer,
                                  .scratch = o->scratch,
                                  .progress = o->progress,
                                  .progress_arg = o->arg};

    memcpy(setup.id, o->header->id, SEAL_ID);
    if (c->section != NULL) { /* the second: what can be incremental */
        section_free(c->section);
        c->section = NULL;
        setup.base = o->base;
        setup.catalog = o->catalog;
    } else { /* of a store's copy this takes two fifths off: indexes lie far from their records */
        setup.far = true;
    }
    return section_begin(&c->section, &setup, index, err);
}

/* ---- control ---- */

static int put_store(struct creation *c, struct err *err)
{
    int fd = spool_fd(c->order->scratch, err), rc;

    if (fd == -1)
        return -1;
    rc = db_copy(c->order->db, fd, err);
    if (rc == 0 && lseek(fd, 0, SEEK_SET) == -1)
        rc = err_sys(err, "spool", errno, "the store's copy");
    if (rc == 0)
        rc = section_file(c->section, "db/data.mdb", fd, err);
    (void)close(fd);
    return rc;
}

/* An entry of the hands' folder, or of one that this process may read itself. */
static int put_entry(void *arg, const struct volume_entry *e, int fd, struct err *err)
{
    struct creation *c = arg;

    if (e->type == 's' && str_equal(c->unit, "keys")) /* without one of them nothing can be read */
        return err_set(err, ERR_INTERNAL, "key_unread", "the box's key %s cannot be read: %s",
                       e->name, e->target);
    return section_entry(c->section, c->unit, e, fd, err);
}

static int put_folder(struct creation *c, const char *unit, const char *folder, struct err *err)
{
    (void)str_copy(c->unit, sizeof c->unit, unit);
    return volumes_walk(folder, put_entry, c, err);
}

static int put_conf(struct creation *c, struct err *err)
{
    const struct paths *p = c->order->paths;
    int fd = open(p->conf, O_RDONLY | O_CLOEXEC), rc;

    if (put_folder(c, "etc/blueprints", p->blueprints, err) == -1)
        return -1;
    if (fd == -1)
        return errno == ENOENT ? 0 : err_sys(err, "conf_read", errno, p->conf);
    rc = section_file(c->section, "etc/sett.conf", fd, err);
    (void)close(fd);
    return rc;
}

/* Of one tenant alone: nothing that opens anything of the rest of the box. */
static int put_records(struct creation *c, struct err *err)
{
    static const char index[] =
        "etc\tthe tenant's blueprint\nrecords\tthe tenant's records, as text\n";
    const struct create_order *o = c->order;
    char blueprint[32] = "", path[PATHS_SIZE + 64], name[64];
    int fd = spool_fd(o->scratch, err), from, rc;

    if (fd == -1)
        return -1;
    rc = o->records(o->arg, fd, blueprint, err);
    if (rc == 0)
        rc = begin(c, index, err);
    (void)str_format(path, sizeof path, "%s/%s.conf", o->paths->blueprints, blueprint);
    (void)str_format(name, sizeof name, "etc/blueprints/%s.conf", blueprint);
    if (rc == 0 && (from = open(path, O_RDONLY | O_CLOEXEC)) != -1) {
        rc = section_file(c->section, name, from, err);
        (void)close(from);
    }
    if (rc == 0 && lseek(fd, 0, SEEK_SET) == -1)
        rc = err_sys(err, "spool", errno, "the tenant's records");
    if (rc == 0)
        rc = section_file(c->section, "records/tenant.txt", fd, err);
    (void)close(fd);
    return rc;
}

/* Units in the order of their names. */
static int put_control(struct creation *c, struct err *err)
{
    static const char index[] = "db\tthe store\netc\tconfiguration and blueprints\n"
                                "hands\twhat the hands keep: tokens of connectors, routes\n"
                                "keys\tthe box's keys\n";

    if (c->order->records != NULL)
        return put_records(c, err);
    if (begin(c, index, err) == -1 || put_store(c, err) == -1 || put_conf(c, err) == -1)
        return -1;
    (void)str_copy(c->unit, sizeof c->unit, "hands");
    if (volumes_fetch(c->order->paths->hands_sock, 0, "", put_entry, c, err) == -1)
        return -1;
    return put_folder(c, "keys", c->order->paths->keys, err);
}

/* ---- tenants ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int sort_numbers(struct creation *c, struct err *err)
{
    const uint64_t *tenants = c->order->tenants;
    size_t count = c->order->tenant_count;

    if (c->order->list != NULL) {
        if (c->order->list(c->order->arg, &c->listed, &count, err) == -1)
            return -1;
        tenants = c->listed;
    }
    c->count = count;
    if (count == 0)
        return 0;
    if ((c->numbers = calloc(count, sizeof *c->numbers)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the tenants' numbers");
    for (size_t i = 0; i < count; i++)
        (void)str_format(c->numbers[i], sizeof c->numbers[i], "%llu",
                         (unsigned long long)tenants[i]);
    qsort(c->numbers, count, sizeof *c->numbers, by_text);
    return 0;
}

static uint64_t number_of(const struct creation *c, size_t i)
{
    uint64_t number = 0;

    (void)str_u64(c->numbers[i], 0, UINT64_MAX, &number);
    return number;
}

/* One tenant's into *${fd}, if it has one: then the file is the section's, and *${fd} -1. */
static int put_database(struct creation *c, size_t i, int *fd, struct err *err)
{
    int rc = c->order->dump(c->order->arg, number_of(c, i), *fd, err);
    char name[64];

    if (rc != 1)
        return rc;
    (void)str_format(name, sizeof name, "databases/%s", c->numbers[i]);
    rc = lseek(*fd, 0, SEEK_SET) == -1 ? err_sys(err, "spool", errno, "a database's dump")
                                       : section_file(c->section, name, *fd, err);
    (void)close(*fd);
    *fd = -1;
    return rc;
}

/* A file to dump into is made for each that has a database: one without a name costs more on a
 * large disk than all else that is done for a tenant that has nothing. */
static int put_databases(struct creation *c, struct err *err)
{
    int fd = -1, rc = 0;

    for (size_t i = 0; rc == 0 && c->order->dump != NULL && i < c->count; i++) {
        if (fd == -1 && (fd = spool_fd(c->order->scratch, err)) == -1)
            return -1;
        rc = put_database(c, i, &fd, err);
    }
    if (fd != -1)
        (void)close(fd);
    return rc;
}

/* Seen from here: the hands need not be asked, nor anybody be quiet. */
static bool has_no_files(const struct creation *c)
{
    char path[PATHS_SIZE + 32];

    (void)str_format(path, sizeof path, "%s/%s", c->order->paths->tenants,
                     c->unit + sizeof "tenants/" - 1);
    return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == -1 && errno == ENOENT;
}

static int put_volumes(struct creation *c, size_t i, struct err *err)
{
    const struct create_order *o = c->order;
    char blueprint[32] = "";
    struct err why = {0};
    int rc, quiet = 0;

    (void)str_format(c->unit, sizeof c->unit, "tenants/%s", c->numbers[i]);
    if (has_no_files(c))
        return 0;
    if (o->blueprint != NULL && o->blueprint(o->arg, number_of(c, i), blueprint, err) == -1)
        return -1;
    if (o->quiet != NULL && (quiet = o->quiet(o->arg, number_of(c, i), true, err)) == -1)
        return -1;
    rc = volumes_fetch(o->paths->hands_sock, number_of(c, i), blueprint, put_entry, c, err);
    if (quiet == 0)
        return rc;
    if (rc == 0)
        rc = section_settle(c->section, err);
    /* Whatever became of the reading, the tenant goes on. */
    if (o->quiet(o->arg, number_of(c, i), false, rc == 0 ? err : &why) == -1)
        rc = -1;
    return rc;
}

static int put_tenants(struct creation *c, struct err *err)
{
    size_t count = c->count;
    struct buf index;
    int rc = 0;

    buf_init(&index, INDEX_MAX);
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (buf_format(&index, "tenants/%s\tvolumes of tenant %s\n", c->numbers[i],
                       c->numbers[i]) == -1)
            rc = err_set(err, ERR_TOO_LARGE, "snapshot_index",
                         "a snapshot lists no more than %zu tenants, and here are %zu", i, count);
    if (rc == 0)
        rc = begin(c, buf_string(&index), err);
    buf_free(&index);
    if (rc == 0)
        rc = put_databases(c, err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = put_volumes(c, i, err);
    return rc;
}

int create_snapshot(const struct create_order *order, struct create_figures *figures,
                    struct err *err)
{
    struct creation c = {.order = order};
    int rc = -1;

    memset(figures, 0, sizeof *figures);
    if (chunk_writer_new(&c.writer, order->header, order->file_key, order->signing_key, order->sink,
                         err) == 0 &&
        (order->catalog == NULL ||
         catalog_begin(order->catalog, order->header->id, order->header->hash, err) == 0) &&
        put_control(&c, err) == 0 && section_end(c.section, &figures->control, err) == 0 &&
        sort_numbers(&c, err) == 0 && put_tenants(&c, err) == 0 &&
        section_end(c.section, &figures->tenants, err) == 0 &&
        chunk_writer_finish(c.writer, &figures->length, err) == 0)
        rc = order->catalog == NULL ? 0 : catalog_end(order->catalog, err);
    section_free(c.section);
    chunk_writer_free(c.writer);
    free(c.numbers);
    free(c.listed);
    figures->tenant_count = c.count;
    return rc;
}
