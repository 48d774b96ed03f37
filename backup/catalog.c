/*
 * The memory of the last snapshot's files. Apart from the manifest, which is for strangers and
 * other machines: what stands here means something on this file system only.
 */
#include "catalog.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "enc.h"
#include "str.h"

#define FIRST "SETT-CATALOG 1 "
#define LAST  "END\n"

static int written(FILE *out, struct err *err)
{
    return ferror(out) ? err_sys(err, "catalog", errno, "the catalog") : 0;
}

static int corrupt(struct err *err)
{
    return err_set(err, ERR_CORRUPT, "catalog_corrupt",
                   "the catalog of the last snapshot is damaged");
}

int catalog_begin(FILE *out, const uint8_t id[SEAL_ID], const uint8_t hash[SEAL_HASH],
                  struct err *err)
{
    char id_text[2 * SEAL_ID + 1], hash_text[2 * SEAL_HASH + 1];

    enc_hex(id_text, id, SEAL_ID);
    enc_hex(hash_text, hash, SEAL_HASH);
    (void)fprintf(out, FIRST "%s %s\n", id_text, hash_text);
    return written(out, err);
}

int catalog_write(FILE *out, const struct catalog_entry *e, struct err *err)
{
    char hash[65], from[2 * SEAL_ID + 1];

    enc_hex(hash, e->hash, sizeof e->hash);
    enc_hex(from, e->from, sizeof e->from);
    (void)fprintf(out,
                  "%" PRId64 " %" PRIu32 " %" PRId64 " %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64
                  " %s %s ",
                  e->mtime_s, e->mtime_ns, e->ctime_s, e->ctime_ns, e->size, e->device, e->inode,
                  hash, from);
    manifest_put_name(out, e->name);
    (void)fputc('\n', out);
    return written(out, err);
}

int catalog_end(FILE *out, struct err *err)
{
    (void)fputs(LAST, out);
    if (fflush(out) == 0 && fsync(fileno(out)) == 0)
        return written(out, err);
    return err_sys(err, "catalog", errno, "the catalog");
}

static int next(struct catalog *c, struct err *err)
{
    struct catalog_entry *e = &c->at;
    char hash[65], from[2 * SEAL_ID + 1], *name;
    size_t len;
    int used = 0;

    c->more = false;
    if (fgets(c->line, sizeof c->line, c->in) == NULL)
        return corrupt(err);
    if (str_equal(c->line, LAST))
        return 0;
    len = strlen(c->line);
    if (sscanf(c->line,
               "%" SCNd64 " %" SCNu32 " %" SCNd64 " %" SCNu32 " %" SCNu64 " %" SCNu64 " %" SCNu64
               " %64s %32s %n",
               &e->mtime_s, &e->mtime_ns, &e->ctime_s, &e->ctime_ns, &e->size, &e->device,
               &e->inode, hash, from, &used) != 9 ||
        used == 0 || c->line[len - 1] != '\n')
        return corrupt(err);
    c->line[len - 1] = '\0';
    name = c->line + used;
    if (enc_unhex(e->hash, sizeof e->hash, hash) == -1 ||
        enc_unhex(e->from, sizeof e->from, from) == -1 || manifest_take_name(e->name, name) == -1)
        return corrupt(err);
    c->more = true;
    return 0;
}

int catalog_open(struct catalog *c, FILE *in, struct err *err)
{
    char id[2 * SEAL_ID + 1], hash[2 * SEAL_HASH + 1], last[sizeof LAST];

    memset(c, 0, sizeof *c);
    c->in = in;
    if (fseek(in, -(long)strlen(LAST), SEEK_END) == -1 || fgets(last, sizeof last, in) == NULL ||
        !str_equal(last, LAST) || fseek(in, 0, SEEK_SET) == -1 ||
        fgets(c->line, sizeof c->line, in) == NULL ||
        sscanf(c->line, FIRST "%32s %64s", id, hash) != 2 ||
        enc_unhex(c->id, sizeof c->id, id) == -1 || enc_unhex(c->hash, sizeof c->hash, hash) == -1)
        return corrupt(err);
    return next(c, err);
}

static bool same(const struct catalog_entry *a, const struct volume_entry *e)
{
    return a->size == e->size && a->mtime_s == e->mtime_s && a->mtime_ns == e->mtime_ns &&
           a->ctime_s == e->ctime_s && a->ctime_ns == e->ctime_ns && a->device == e->device &&
           a->inode == e->inode;
}

int catalog_find(struct catalog *c, const char *name, const struct volume_entry *e, bool *found,
                 struct err *err)
{
    int order = 1;

    *found = false;
    while (c->more && (order = manifest_order(c->at.name, name)) < 0)
        if (next(c, err) == -1)
            return -1;
    *found = c->more && order == 0 && same(&c->at, e);
    return 0;
}
