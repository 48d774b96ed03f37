/*
 * A vault that is an S3-compatible bucket. What is decided here: parts, what is tried again, what
 * of an upload that was cut off still counts, and when a copy is believed: when the server answered
 * for each part with the SHA-256 of what it has, and else when all of it was read back.
 */
#include "place_s3.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "crash.h"
#include "file.h"
#include "log.h"
#include "place_compare.h"
#include "s3.h"
#include "str.h"

#define PARTS_MAX 9000u
#define MIB       (UINT64_C(1) << 20)
#define PART      (16 * MIB)
#define TRIES     4
#define WAIT_MS   300 /* before the first repetition; then four times as long each */

struct bucket {
    struct s3 *s3;
    uint64_t part_bytes; /* 0: by the file's length */
    uint32_t wait_ms;
    bool append_only;
};

/* A file on its way. */
struct sending {
    struct bucket *b;
    const char *name;
    int fd;
    uint64_t length, part_bytes;
    transfer_told *told;
    void *arg;
    uint64_t done, at; /* bytes of whole parts; of the present one in this try */
    uint64_t shown;    /* of all; what is sent again is not told again */
    char id[S3_UPLOAD_MAX];
    int64_t id_begun;
    struct s3_part *parts;
    bool *there;
    uint32_t count;
    bool proven; /* the server said the SHA-256 of all that it has */
};

/* ---- trying again ---- */

static bool passes(const struct err *err)
{
    return err->kind == ERR_NETWORK || err->kind == ERR_TIMEOUT || err->kind == ERR_UNAVAILABLE ||
           err->kind == ERR_RATE;
}

/* Whether it is to be tried once more; waits before it says so. */
static bool once_more(const struct bucket *b, unsigned attempt, const struct err *err)
{
    if (attempt + 1 >= TRIES || !passes(err))
        return false;
    clock_sleep_ms((int64_t)b->wait_ms << (2 * attempt));
    return true;
}

/* ---- sending ---- */

static int tell(void *arg, uint64_t bytes, struct err *err)
{
    struct sending *s = arg;
    uint64_t at;

    s->at += bytes;
    at = s->done + s->at;
    if (at <= s->shown)
        return 0;
    bytes = at - s->shown;
    s->shown = at;
    CP("place.sent");
    return s->told == NULL ? 0 : s->told(s->arg, bytes, err);
}

static int send_one(struct sending *s, struct s3_part *part, struct err *err)
{
    int rc = -1;

    for (unsigned attempt = 0; rc == -1; attempt++) {
        bool proven = false;
        s->at = 0;
        rc = s->id[0] == '\0'
                 ? s3_put(s->b->s3, s->name, s->fd, part, tell, s, &proven, err)
                 : s3_upload_part(s->b->s3, s->name, s->id, s->fd, part, tell, s, &proven, err);
        if (rc == 0)
            s->proven = s->proven && proven;
        else if (!once_more(s->b, attempt, err))
            return -1;
    }
    s->done += part->length;
    s->at = 0;
    return 0;
}

static uint64_t part_size(const struct bucket *b, uint64_t length)
{
    uint64_t size = b->part_bytes == 0 ? PART : b->part_bytes;

    while (length / size >= PARTS_MAX)
        size *= 2;
    return size;
}

static int plan_parts(struct sending *s, struct err *err)
{
    s->count = (uint32_t)((s->length + s->part_bytes - 1) / s->part_bytes);
    s->parts = calloc(s->count, sizeof *s->parts);
    s->there = calloc(s->count, sizeof *s->there);
    if (s->parts == NULL || s->there == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the parts of a snapshot");
    for (uint32_t i = 0; i < s->count; i++) {
        struct s3_part *p = &s->parts[i];
        p->number = i + 1;
        p->offset = i * s->part_bytes;
        p->length = s->length - p->offset < s->part_bytes ? s->length - p->offset : s->part_bytes;
    }
    return 0;
}

/* The newest upload of this very name. */
static int seen_upload(void *arg, const struct s3_upload *upload, struct err *err)
{
    struct sending *s = arg;

    (void)err;
    if (str_equal(upload->key, s->name) && (s->id[0] == '\0' || upload->begun_at >= s->id_begun)) {
        (void)str_copy(s->id, sizeof s->id, upload->id);
        s->id_begun = upload->begun_at;
    }
    return 0;
}

/* A part that arrived before: it counts if its SHA-256 is that of our bytes; if the server keeps
 * none, if it is as long, and then all is read back in the end. */
static int seen_part(void *arg, const struct s3_part *part, struct err *err)
{
    struct sending *s = arg;
    struct s3_part *ours;
    uint8_t hash[32];

    if (part->number < 1 || part->number > s->count)
        return 0;
    ours = &s->parts[part->number - 1];
    if (part->length != ours->length || part->etag[0] == '\0')
        return 0;
    if (s3_hash(s->fd, ours, hash, err) == -1)
        return -1;
    if (part->checksum[0] != '\0' && !str_equal(part->checksum, ours->checksum))
        return 0;
    s->proven = s->proven && part->checksum[0] != '\0';
    (void)str_copy(ours->etag, sizeof ours->etag, part->etag);
    s->there[part->number - 1] = true;
    s->done += ours->length;
    return 0;
}

/* Go on with what was cut off, if there is something and the server can say what. */
static int take_up(struct sending *s, struct err *err)
{
    struct s3 *s3 = s->b->s3;
    int rc;

    if (s3_uploads(s3, s->name, seen_upload, s, err) == -1)
        return str_equal(err->code, "s3_not_implemented") || err->kind == ERR_FORBIDDEN ? 0 : -1;
    if (s->id[0] == '\0')
        return 0;
    rc = s3_parts(s3, s->name, s->id, seen_part, s, err);
    if (rc == 0)
        return tell(s, 0, err);
    if (err->kind != ERR_NOT_FOUND && err->kind != ERR_PRECONDITION)
        return -1;
    (void)s3_upload_abort(s3, s->name, s->id, NULL);
    memset(s->there, 0, s->count * sizeof *s->there);
    s->id[0] = '\0';
    s->done = 0;
    s->proven = true;
    return 0;
}

static int begin_upload(struct sending *s, struct err *err)
{
    for (unsigned attempt = 0;; attempt++) {
        if (take_up(s, err) == 0 &&
            (s->id[0] != '\0' || s3_upload_begin(s->b->s3, s->name, s->id, err) == 0))
            return 0;
        s->id[0] = '\0';
        s->done = 0;
        if (!once_more(s->b, attempt, err))
            return -1;
    }
}

/* An end whose answer was lost is seen by the object being there and the upload gone. */
static int end_upload(struct sending *s, struct err *err)
{
    struct s3 *s3 = s->b->s3;
    struct err ignored = {0};
    uint64_t bytes = 0;

    for (unsigned attempt = 0;; attempt++) {
        if (s3_upload_end(s3, s->name, s->id, s->parts, s->count, err) == 0)
            return 0;
        if ((err->kind == ERR_NOT_FOUND || err->kind == ERR_CONFLICT || passes(err)) &&
            s3_head(s3, s->name, &bytes, &ignored) == 1 && bytes == s->length) {
            s->proven = false; /* it may be another's */
            return 0;
        }
        if (!once_more(s->b, attempt, err))
            return -1;
    }
}

static int send_parts(struct sending *s, struct err *err)
{
    if (plan_parts(s, err) == -1 || begin_upload(s, err) == -1)
        return -1;
    for (uint32_t i = 0; i < s->count; i++)
        if (!s->there[i] && send_one(s, &s->parts[i], err) == -1)
            return -1;
    return end_upload(s, err);
}

static int send_all(struct sending *s, struct err *err)
{
    struct s3_part whole = {.length = s->length};
    struct err ignored = {0};
    int rc;

    s->proven = true;
    if (s->length <= s->part_bytes)
        return send_one(s, &whole, err);
    rc = send_parts(s, err);
    if (rc == -1 && s->id[0] != '\0' && !passes(err)) /* else it is taken up again */
        (void)s3_upload_abort(s->b->s3, s->name, s->id, &ignored);
    free(s->parts);
    free(s->there);
    return rc;
}

/* ---- reading back ---- */

static int read_back(struct bucket *b, const char *name, int fd, uint64_t length, struct err *err)
{
    struct place_compare c;

    place_compare_begin(&c, fd, length);
    for (unsigned attempt = 0;; attempt++) {
        if (c.at == length || s3_get(b->s3, name, c.at, place_compare_take, &c, err) == 0)
            return place_compare_end(&c, name, err);
        if (!once_more(b, attempt, err))
            return -1;
    }
}

static int head(struct bucket *b, const char *name, uint64_t *bytes, struct err *err)
{
    for (unsigned attempt = 0;; attempt++) {
        int found = s3_head(b->s3, name, bytes, err);
        if (found != -1 || !once_more(b, attempt, err))
            return found;
    }
}

/* ---- the driver ---- */

static int bucket_put(void *self, const char *name, int fd, uint64_t length, transfer_told *told,
                      void *arg, struct err *err)
{
    struct bucket *b = self;
    struct sending s = {.b = b, .name = name, .fd = fd, .length = length, .told = told, .arg = arg};
    uint64_t bytes = 0;
    int found;

    if (place_name_check(name, err) == -1 || (found = head(b, name, &bytes, err)) == -1)
        return -1;
    if (found == 1)
        return bytes == length ? read_back(b, name, fd, length, err)
                               : err_set(err, ERR_CONFLICT, "vault_taken",
                                         "the bucket has another %s, which stays", name);
    s.part_bytes = part_size(b, length);
    if (send_all(&s, err) == -1 || (found = head(b, name, &bytes, err)) == -1)
        return -1;
    if (found == 0 || bytes != length)
        return err_set(err, ERR_CORRUPT, "vault_short", "%s has %llu bytes there, and not %llu",
                       name, (unsigned long long)bytes, (unsigned long long)length);
    return s.proven ? 0 : read_back(b, name, fd, length, err);
}

static int bucket_get(void *self, const char *name, uint64_t from, int fd, struct err *err)
{
    struct bucket *b = self;
    struct place_fetch f = {.fd = fd};
    uint64_t bytes = 0;
    int found;

    if (place_name_check(name, err) == -1 || (found = head(b, name, &bytes, err)) == -1)
        return -1;
    if (found == 0)
        return err_set(err, ERR_NOT_FOUND, "vault_missing", "%s is not in the bucket", name);
    for (unsigned attempt = 0; from + f.got < bytes; attempt++)
        if (s3_get(b->s3, name, from + f.got, place_fetch_take, &f, err) == -1 &&
            !once_more(b, attempt, err))
            return -1;
    return 0;
}

static int bucket_head(void *self, const char *name, struct place_head *h, struct err *err)
{
    struct bucket *b = self;

    if (place_name_check(name, err) == -1)
        return -1;
    for (unsigned attempt = 0;; attempt++) {
        h->got = 0;
        if (s3_get(b->s3, name, 0, place_head_take, h, err) == 0 || h->got == h->len)
            return 0;
        if (!once_more(b, attempt, err))
            return -1;
    }
}

struct listing {
    place_each *each;
    void *arg;
};

static int listed(void *arg, const struct s3_object *object, struct err *err)
{
    struct listing *l = arg;
    struct place_file file = {.bytes = object->bytes, .stored_at = object->stored_at};

    if (place_name_check(object->key, NULL) == -1)
        return 0;
    (void)str_copy(file.name, sizeof file.name, object->key);
    return l->each(l->arg, &file, err);
}

static int bucket_list(void *self, const char *prefix, place_each *each, void *arg, struct err *err)
{
    struct bucket *b = self;
    struct listing l = {each, arg};

    return s3_list(b->s3, prefix, listed, &l, err);
}

static int bucket_remove(void *self, const char *name, struct err *err)
{
    struct bucket *b = self;
    bool marked = false;

    if (b->append_only)
        return err_set(err, ERR_FORBIDDEN, "vault_append_only", "nothing is deleted in this vault");
    if (place_name_check(name, err) == -1)
        return -1;
    for (unsigned attempt = 0; s3_remove(b->s3, name, &marked, err) == -1; attempt++)
        if (!once_more(b, attempt, err))
            return -1;
    if (marked)
        log_info("%s: the bucket keeps its older version, for as long as it is told to", name);
    return 0;
}

struct tidying {
    struct bucket *b;
    int64_t before_ms;
};

static int tidy_one(void *arg, const struct s3_upload *upload, struct err *err)
{
    struct tidying *t = arg;

    if (upload->begun_at == 0 || upload->begun_at >= t->before_ms)
        return 0;
    log_info("%s: an upload that was cut off is given up", upload->key);
    return s3_upload_abort(t->b->s3, upload->key, upload->id, err);
}

static int bucket_tidy(void *self, const char *prefix, int64_t before_ms, struct err *err)
{
    struct tidying t = {self, before_ms};

    return s3_uploads(t.b->s3, prefix, tidy_one, &t, err) == 0 ||
                   str_equal(err->code, "s3_not_implemented")
               ? 0
               : -1;
}

static void bucket_free(void *self)
{
    struct bucket *b = self;

    s3_free(b->s3);
    free(b);
}

int place_s3(struct place *out, const struct vault_place *vault, const char *secret,
             const struct place_s3_terms *terms, struct err *err)
{
    struct bucket *b = calloc(1, sizeof *b);
    struct s3_setup setup = {
        .address = vault->address,
        .transfer = {.region = vault->region[0] == '\0' ? "us-east-1" : vault->region,
                     .access_key = vault->access_key,
                     .secret_key = secret,
                     .ca_file = terms->ca_file,
                     .bytes_per_s = vault->bytes_per_s,
                     .silence_s = terms->silence_s},
    };

    memset(out, 0, sizeof *out);
    if (b == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a vault");
    if (s3_new(&b->s3, &setup, err) == -1) {
        free(b);
        return -1;
    }
    b->append_only = vault->append_only;
    b->part_bytes = terms->part_bytes;
    b->wait_ms = terms->wait_ms == 0 ? WAIT_MS : terms->wait_ms;
    *out = (struct place){.kind = "s3",
                          .self = b,
                          .put = bucket_put,
                          .get = bucket_get,
                          .head = bucket_head,
                          .list = bucket_list,
                          .remove = bucket_remove,
                          .tidy = bucket_tidy,
                          .free = bucket_free};
    return 0;
}
