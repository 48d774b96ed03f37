/*
 * A vault that is a folder of an SSH server. A file is sent under NAME.part, read back, and only
 * then given its name; one that was cut off is gone on with, which the reading back makes safe.
 */
#include "place_sftp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "crash.h"
#include "file.h"
#include "place_compare.h"
#include "sftp.h"
#include "str.h"

#define PART    ".part"
#define TRIES   4
#define WAIT_MS 300

struct away {
    struct sftp *sftp;
    bool append_only;
};

static bool passes(const struct err *err)
{
    return err->kind == ERR_NETWORK || err->kind == ERR_TIMEOUT || err->kind == ERR_UNAVAILABLE;
}

static bool once_more(unsigned attempt, const struct err *err)
{
    if (attempt + 1 >= TRIES || !passes(err))
        return false;
    clock_sleep_ms((int64_t)WAIT_MS << (2 * attempt));
    return true;
}

/* ---- what is there ---- */

struct search {
    const char *name;
    char part[PLACE_NAME_MAX + 8];
    bool found, part_found;
    uint64_t bytes, part_bytes;
};

static int seen(void *arg, const struct sftp_file *file, struct err *err)
{
    struct search *s = arg;

    (void)err;
    if (str_equal(file->name, s->name)) {
        s->found = true;
        s->bytes = file->bytes;
    } else if (str_equal(file->name, s->part)) {
        s->part_found = true;
        s->part_bytes = file->bytes;
    }
    return 0;
}

static int look(struct away *a, const char *name, struct search *s, struct err *err)
{
    for (unsigned attempt = 0;; attempt++) {
        *s = (struct search){.name = name};
        (void)str_format(s->part, sizeof s->part, "%s" PART, name);
        if (sftp_list(a->sftp, seen, s, err) == 0)
            return 0;
        if (!once_more(attempt, err))
            return -1;
    }
}

static int compare(struct away *a, const char *name, int fd, uint64_t length, struct err *err)
{
    struct place_compare c;

    place_compare_begin(&c, fd, length);
    for (unsigned attempt = 0;; attempt++) {
        if (c.at == length || sftp_get(a->sftp, name, c.at, place_compare_take, &c, err) == 0)
            return place_compare_end(&c, name, err);
        if (!once_more(attempt, err))
            return -1;
    }
}

/* ---- sending ---- */

/* What is sent again is not told again. */
struct telling {
    transfer_told *told;
    void *arg;
    uint64_t at, shown;
};

static int tell(void *arg, uint64_t bytes, struct err *err)
{
    struct telling *t = arg;

    t->at += bytes;
    CP("place.sent");
    if (t->at <= t->shown)
        return 0;
    bytes = t->at - t->shown;
    t->shown = t->at;
    return t->told == NULL ? 0 : t->told(t->arg, bytes, err);
}

static int send_part(struct away *a, const char *name, int fd, uint64_t length, struct telling *t,
                     struct search *s, struct err *err)
{
    for (unsigned attempt = 0;; attempt++) {
        if (look(a, name, s, err) == -1)
            return -1;
        if (s->part_found && s->part_bytes > length) {
            if (sftp_remove(a->sftp, s->part, err) == -1)
                return -1;
            s->part_bytes = 0;
        }
        t->at = s->part_bytes;
        if (s->part_found && s->part_bytes == length)
            return tell(t, 0, err);
        if (sftp_put(a->sftp, s->part, fd, s->part_bytes, length, tell, t, err) == 0)
            return look(a, name, s, err);
        if (!once_more(attempt, err))
            return -1;
    }
}

/* A rename whose answer was lost is seen by what is there. */
static int give_name(struct away *a, const char *name, uint64_t length, struct search *s,
                     struct err *err)
{
    for (unsigned attempt = 0;; attempt++) {
        struct err why = {0};
        if (sftp_rename(a->sftp, s->part, name, &why) == 0)
            return 0;
        if (look(a, name, s, err) == -1)
            return -1;
        if (s->found && !s->part_found && s->bytes == length)
            return 0;
        *err = why;
        if (!once_more(attempt, err))
            return -1;
    }
}

static int away_put(void *self, const char *name, int fd, uint64_t length, transfer_told *told,
                    void *arg, struct err *err)
{
    struct away *a = self;
    struct telling t = {.told = told, .arg = arg};
    struct err ignored = {0};
    struct search s;

    if (place_name_check(name, err) == -1 || look(a, name, &s, err) == -1)
        return -1;
    if (s.found)
        return s.bytes == length ? compare(a, name, fd, length, err)
                                 : err_set(err, ERR_CONFLICT, "vault_taken",
                                           "there is another %s, which stays", name);
    if (send_part(a, name, fd, length, &t, &s, err) == -1)
        return -1;
    if (!s.part_found || s.part_bytes != length)
        return err_set(err, ERR_NETWORK, "vault_short", "%s has %llu bytes there, and not %llu",
                       s.part, (unsigned long long)s.part_bytes, (unsigned long long)length);
    if (compare(a, s.part, fd, length, err) == -1) {
        if (err->kind == ERR_CORRUPT)
            (void)sftp_remove(a->sftp, s.part, &ignored);
        return -1;
    }
    CP("place.compared");
    return give_name(a, name, length, &s, err);
}

static int away_get(void *self, const char *name, uint64_t from, int fd, struct err *err)
{
    struct away *a = self;
    struct place_fetch f = {.fd = fd};
    struct search s;

    if (place_name_check(name, err) == -1 || look(a, name, &s, err) == -1)
        return -1;
    if (!s.found)
        return err_set(err, ERR_NOT_FOUND, "vault_missing", "%s is not in the vault", name);
    for (unsigned attempt = 0; from + f.got < s.bytes; attempt++)
        if (sftp_get(a->sftp, name, from + f.got, place_fetch_take, &f, err) == -1 &&
            !once_more(attempt, err))
            return -1;
    return 0;
}

static int away_head(void *self, const char *name, struct place_head *h, struct err *err)
{
    struct away *a = self;

    if (place_name_check(name, err) == -1)
        return -1;
    for (unsigned attempt = 0;; attempt++) {
        h->got = 0;
        if (sftp_get(a->sftp, name, 0, place_head_take, h, err) == 0 || h->got == h->len)
            return 0;
        if (!once_more(attempt, err))
            return -1;
    }
}

struct listing {
    const char *prefix;
    place_each *each;
    void *arg;
};

static int listed(void *arg, const struct sftp_file *found, struct err *err)
{
    const struct listing *l = arg;
    struct place_file file = {.bytes = found->bytes};

    if (!str_starts(found->name, l->prefix) || str_ends(found->name, PART) ||
        place_name_check(found->name, NULL) == -1)
        return 0;
    (void)str_copy(file.name, sizeof file.name, found->name);
    return l->each(l->arg, &file, err);
}

static int away_list(void *self, const char *prefix, place_each *each, void *arg, struct err *err)
{
    struct away *a = self;
    struct listing l = {prefix, each, arg};

    return sftp_list(a->sftp, listed, &l, err);
}

static int away_remove(void *self, const char *name, struct err *err)
{
    struct away *a = self;
    struct search s;

    if (a->append_only)
        return err_set(err, ERR_FORBIDDEN, "vault_append_only", "nothing is deleted in this vault");
    if (place_name_check(name, err) == -1 || look(a, name, &s, err) == -1)
        return -1;
    return s.found ? sftp_remove(a->sftp, name, err) : 0;
}

static void away_free(void *self)
{
    struct away *a = self;

    sftp_free(a->sftp);
    free(a);
}

int place_sftp(struct place *out, const struct vault_place *vault, const char *secret,
               uint32_t silence_s, struct err *err)
{
    struct away *a = calloc(1, sizeof *a);
    struct sftp_setup setup = {.address = vault->address,
                               .host_key = vault->host_key,
                               .secret = secret,
                               .bytes_per_s = vault->bytes_per_s,
                               .silence_s = silence_s};

    memset(out, 0, sizeof *out);
    if (a == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a vault");
    if (sftp_new(&a->sftp, &setup, err) == -1) {
        free(a);
        return -1;
    }
    a->append_only = vault->append_only;
    *out = (struct place){.kind = "sftp",
                          .self = a,
                          .put = away_put,
                          .get = away_get,
                          .head = away_head,
                          .list = away_list,
                          .remove = away_remove,
                          .free = away_free};
    return 0;
}
