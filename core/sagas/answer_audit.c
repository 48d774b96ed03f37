/*
 * The audit as a file for somebody who takes it away over the API. Its lines are made twice, once
 * to know how long they are and once to send them: the entries never change, and so neither a disk
 * nor memory has to hold them all. Here and not in the front, which may not keep a transaction for
 * as long as somebody reads slowly.
 */
#include "answer_about.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "audit_export.h"
#include "clock.h"
#include "file.h"
#include "json_out.h"
#include "str.h"

#define AT_ONCE   512 /* entries of one transaction */
#define BLOCK_MAX (8u << 20)

struct exporting {
    struct db *db;
    enum audit_format format;
    struct audit_span span;
    struct buf block;
    uint64_t skip, bytes; /* what is still to be passed over; how much there is so far */
    int fd;               /* -1: only counted */
};

/* ${skip} bytes of the block are not wanted. */
static int put_block(struct exporting *e, struct err *err)
{
    size_t skip = e->skip < e->block.len ? (size_t)e->skip : e->block.len;

    e->bytes += e->block.len;
    if (e->fd == -1 || e->block.len == 0)
        return 0;
    e->skip -= skip;
    if (file_write_all(e->fd, e->block.data + skip, e->block.len - skip) == 0)
        return 0;
    return err_set(err, ERR_UNAVAILABLE, "peer_gone", "who asked is gone");
}

static int run(struct exporting *e, struct err *err)
{
    buf_reset(&e->block);
    audit_export_head(e->format, &e->block);
    for (;;) {
        struct txn *txn;
        int rc = put_block(e, err);
        if (rc == -1 || e->span.next > e->span.last)
            return rc;
        buf_reset(&e->block);
        if (db_read(&txn, e->db, err) == -1)
            return -1;
        rc = audit_export_some(txn, e->format, &e->span, AT_ONCE, &e->block, err);
        db_read_end(txn);
        if (rc == -1)
            return -1;
    }
}

static int find(struct exporting *e, const struct kv *params, struct err *err)
{
    struct txn *txn;
    int rc;

    if (db_read(&txn, e->db, err) == -1)
        return -1;
    rc = audit_span_find(txn, (int64_t)kv_get_u64(params, "from_ms", 0),
                         (int64_t)kv_get_u64(params, "until_ms", 0), &e->span, err);
    db_read_end(txn);
    return rc;
}

static void say(const struct exporting *e, struct buf *out)
{
    char name[96], now[CLOCK_TEXT_SIZE];
    struct json_out j;

    clock_text(now, clock_wall_ms());
    (void)str_format(name, sizeof name, "sett-audit-%.10s.%s", now, audit_format_names[e->format]);
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "name", name);
    json_out_key_text(&j, "type",
                      e->format == AUDIT_CSV ? "text/csv; charset=utf-8" : "application/x-ndjson");
    json_out_key_u64(&j, "bytes", e->bytes);
    json_out_end_object(&j);
}

static int hand_out(const struct answer_setup *s, struct exporting *e, struct buf *out,
                    struct err *err)
{
    int ends[2], rc;

    if (pipe2(ends, O_CLOEXEC) == -1)
        return err_sys(err, "pipe", errno, "an export");
    say(e, out);
    rc = s->file(s->progress_arg, out, ends[0]);
    (void)close(ends[0]);
    e->fd = ends[1];
    e->bytes = 0;
    rc = rc == 0 ? run(e, err) : err_set(err, ERR_UNAVAILABLE, "peer_gone", "who asked is gone");
    (void)close(ends[1]);
    return rc;
}

int answer_audit_export(const struct answer_setup *s, const struct kv *params, struct buf *out,
                        struct err *err)
{
    struct exporting e = {.db = s->context->db, .fd = -1, .skip = kv_get_u64(params, "from", 0)};
    struct audit_span span;
    int rc = -1;

    e.format = str_equal(kv_get_or(params, "format", ""), "csv") ? AUDIT_CSV : AUDIT_NDJSON;
    buf_init(&e.block, BLOCK_MAX);
    if (find(&e, params, err) == -1)
        return -1;
    span = e.span;
    if (run(&e, err) == 0) {
        e.span = span;
        rc = s->file == NULL || (e.skip > 0 && e.skip >= e.bytes)
                 ? err_set(err, ERR_INVALID, "range", "there is nothing behind that")
                 : hand_out(s, &e, out, err);
    }
    buf_free(&e.block);
    return rc;
}
