/* Events out of records. Apart from events.c, which knows connections and threads. */
#include "stream.h"
#include "change_show.h"
#include "job.h"
#include "order_progress.h"
#include "request.h"
#include "str.h"
#include "url.h"

#define ROWS_A_LOOK    200  /* journal rows told at once; the rest comes with the next look */
#define CHANGES_A_LOOK 25   /* with ten looks a second, so many times ten changes */
#define CHANGES_BEHIND 1000 /* of more than these nobody is told one by one: look at all anew */

static const char *const job_members[] = {"id",         "saga",      "state",      "undo",
                                          "cancel",     "step_name", "attempt",    "cause_class",
                                          "cause",      "remedy",    "wake_at",    "created_at",
                                          "started_at", "ended_at",  "updated_at", NULL};

/* FNV-1a over the members that are told: whether an object looks as it did. */
static uint64_t mark_of(const char *text, size_t len)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < len; i++) {
        h = (h ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
    }
    return h == 0 ? 1 : h;
}

static void event_begin(struct buf *out, const char *event, uint32_t id)
{
    if (id > 0) {
        buf_format(out, "id: %u\n", id);
    }
    buf_format(out, "event: %s\ndata: ", event);
}

static void event_end(struct buf *out)
{
    buf_text(out, "\n\n");
}

static void members_write(struct buf *out, const struct fields *f, const char *const *names,
                          const char *object, const void *record)
{
    struct json_out j;
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "object", object);
    for (; *names != NULL; names++) {
        const struct field *field = fields_find(f, *names);
        if (field != NULL) {
            json_out_key(&j, field->name);
            fields_json_one(field, record, &j);
        }
    }
    json_out_end_object(&j);
}

/* End the event that was begun at ${before}, with its data from ${data} on, or take it back when
 * the data look as ${mark} says; the mark follows. */
static void event_end_if_new(struct buf *out, size_t before, size_t data, uint64_t *mark)
{
    uint64_t now = out->failed ? *mark : mark_of(out->data + data, out->len - data);
    if (now == *mark) {
        if (!out->failed) {
            out->len = before;
            out->data[before] = '\0';
        }
        return;
    }
    *mark = now;
    event_end(out);
}

/* An event about an object, unless it looks as ${mark} says. */
static void object_tell(struct buf *out, const char *event, const struct fields *f,
                        const char *const *names, const void *record, uint64_t *mark)
{
    size_t before = out->len;
    event_begin(out, event, 0);
    size_t data = out->len;
    members_write(out, f, names, event, record);
    event_end_if_new(out, before, data, mark);
}

static void step_tell(struct buf *out, const struct job_step *row, uint32_t id)
{
    struct json_out j;
    event_begin(out, "step", id);
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "object", "job_step");
    fields_json(&job_step_table.fields, row, &j);
    json_out_end_object(&j);
    event_end(out);
}

static int steps_look(struct stream *s, struct txn *txn, const struct job *job, struct buf *out,
                      struct err *err)
{
    struct job_step row;
    for (unsigned i = 0; i < ROWS_A_LOOK; i++) {
        memset(&row, 0, sizeof(row));
        (void)str_copy(row.job_id, sizeof(row.job_id), s->job_id);
        row.number = s->told + 1;
        int got = record_get(txn, &job_step_table, &row, err);
        if (got <= 0) {
            return got;
        }
        if (row.ended_at == 0 && job->live) {
            if (s->begun != row.number) {
                s->begun = row.number;
                step_tell(out, &row, 0);
            }
            return 0;
        }
        s->told = row.number;
        step_tell(out, &row, row.number);
    }
    return 1; /* there may be more */
}

static int job_look(struct stream *s, struct txn *txn, struct buf *out, struct err *err)
{
    struct job job;
    memset(&job, 0, sizeof(job));
    (void)str_copy(job.id, sizeof(job.id), s->job_id);
    int got = record_get(txn, &job_table, &job, err);
    if (got < 0) {
        return -1;
    }
    if (got == 0) {
        s->over = true;
        return 0;
    }
    int more;
    while ((more = steps_look(s, txn, &job, out, err)) == 1 && !out->failed) {
    }
    if (more < 0) {
        return -1;
    }
    object_tell(out, "job", &job_table.fields, job_members, &job, &s->job_mark);
    if (!job.live) {
        buf_format(out, "event: end\ndata: {\"object\":\"end\",\"id\":\"%s\",\"state\":\"%s\"}\n\n",
                   job.id, job_state_names[job.state]);
        s->over = true;
    }
    return 0;
}

/* ---- what changes, whatever it is ---- */

static void place_tell(const struct stream *s, struct buf *out)
{
    char text[FEED_PLACE_SIZE];
    feed_place_text(&s->place, text);
    buf_format(out, "id: %s\n", text);
}

/* "ready": from here on everything is told. "reset": what came before is not all known. */
static void greet(struct stream *s, const char *event, struct buf *out)
{
    place_tell(s, out);
    buf_format(out, "event: %s\ndata: {\"object\":\"%s\"}\n\n", event, event);
    s->greeted = true;
    s->lost = false;
}

static void change_tell(const struct stream *s, const struct feed_row *row, struct buf *out)
{
    struct json_out j;
    place_tell(s, out);
    buf_text(out, "event: change\ndata: ");
    json_out_init(&j, out);
    change_write(row, &j);
    event_end(out);
}

/* Whether a later one of those at hand tells of the same. */
static bool told_later(const struct feed_row *rows, unsigned at, unsigned count)
{
    for (unsigned i = at + 1; i < count; i++) {
        if (str_equal(rows[i].id, rows[at].id) && str_equal(rows[i].object, rows[at].object)) {
            return true;
        }
    }
    return false;
}

static int bite_tell(struct stream *s, struct txn *txn, const struct actor *actor, struct buf *out,
                     struct err *err)
{
    struct feed_row rows[CHANGES_A_LOOK];
    struct feed_place end = s->place;
    unsigned count = 0;
    int got = 0;
    while (count < CHANGES_A_LOOK && (got = feed_next(txn, &end, &rows[count], err)) == 1) {
        count++;
    }
    for (unsigned i = 0; got >= 0 && i < count; i++) {
        s->place = (struct feed_place){.number = rows[i].number, .at = rows[i].at};
        if (told_later(rows, i, count)) {
            continue;
        }
        int told = change_told(txn, actor, s->topics, &rows[i], err);
        if (told < 0) {
            return -1;
        }
        if (told == 1) {
            change_tell(s, &rows[i], out);
        }
    }
    return got;
}

static int changes_look(struct stream *s, struct txn *txn, const struct actor *actor,
                        struct buf *out, struct err *err)
{
    uint64_t behind;
    int known = s->lost ? 0 : feed_known(txn, &s->place, &behind, err);
    if (known < 0) {
        return -1;
    }
    if (known == 0 || behind > CHANGES_BEHIND) {
        if (feed_now(txn, &s->place, err) < 0) {
            return -1;
        }
        greet(s, "reset", out);
        return 0;
    }
    if (!s->greeted) {
        greet(s, "ready", out);
    }
    return bite_tell(s, txn, actor, out, err);
}

/* A value of the query, decoded; "" when it is not there. */
static int query_value(const char *query, const char *name, char *out, size_t size)
{
    char raw[2 * STREAM_TOPICS], value[STREAM_TOPICS];
    size_t len;
    out[0] = '\0';
    return str_copy(raw, sizeof(raw), query) < 0 ||
                   (request_query_take(raw, name, value, sizeof(value)) == 1 &&
                    url_unescape(value, strlen(value), out, size, &len) < 0)
               ? -1
               : 0;
}

/* Where it goes on: behind Last-Event-ID, which a browser sends when it comes again by itself, or
 * behind "after", which a page says that had a stream before. */
static int changes_start(struct stream *s, struct txn *txn, const char *query, const char *last_id,
                         struct err *err)
{
    char after[FEED_PLACE_SIZE];
    if (query_value(query, "topics", s->topics, sizeof(s->topics)) < 0 ||
        query_value(query, "after", after, sizeof(after)) < 0) {
        return err_field(err, "topics", "bad_query", "the query cannot be read");
    }
    if (change_topics_check(s->topics, err) < 0) {
        return -1;
    }
    const char *place = last_id[0] != '\0' ? last_id : after;
    if (place[0] == '\0') {
        return feed_now(txn, &s->place, err);
    }
    s->lost = feed_place_read(place, &s->place) < 0;
    return 0;
}

int stream_start(struct stream *s, struct txn *txn, const char *job_id, const char *query,
                 const char *last_id, struct err *err)
{
    struct job job;
    uint64_t told = 0;
    memset(s, 0, sizeof(*s));
    if (job_id == NULL) {
        return changes_start(s, txn, query, last_id, err);
    }
    memset(&job, 0, sizeof(job));
    if (str_copy(job.id, sizeof(job.id), job_id) < 0) {
        return err_set(err, ERR_NOT_FOUND, "job_not_found", "there is no such job");
    }
    int got = record_get(txn, &job_table, &job, err);
    if (got < 0) {
        return -1;
    }
    if (got == 0) {
        return err_set(err, ERR_NOT_FOUND, "job_not_found", "there is no job %s", job.id);
    }
    (void)str_copy(s->job_id, sizeof(s->job_id), job.id);
    if (last_id[0] != '\0' && str_u64(last_id, 0, UINT32_MAX, &told) < 0) {
        return err_set(err, ERR_MALFORMED, "last_event_id",
                       "Last-Event-ID is not a number of ours");
    }
    s->told = (uint32_t)told;
    return 0;
}

int stream_start_order(struct stream *s, struct txn *txn, const char *secret, struct err *err)
{
    struct order order;
    memset(s, 0, sizeof(*s));
    if (order_by_secret(txn, secret, &order, err) < 0) {
        return -1;
    }
    (void)str_copy(s->order_id, sizeof(s->order_id), order.id);
    return 0;
}

static int order_look(struct stream *s, struct txn *txn, struct buf *out, struct err *err)
{
    struct order_progress *p = calloc(1, sizeof(*p));
    struct order order;
    struct json_out j;
    if (p == NULL) {
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for an order");
    }
    memset(&order, 0, sizeof(order));
    (void)str_copy(order.id, sizeof(order.id), s->order_id);
    int got = record_get(txn, &order_table, &order, err);
    if (got == 1 && order_progress(txn, &order, p, err) < 0) {
        got = -1;
    }
    if (got == 1) {
        size_t before = out->len;
        event_begin(out, "order", 0);
        size_t data = out->len;
        json_out_init(&j, out);
        order_progress_json(p, &j);
        event_end_if_new(out, before, data, &s->job_mark);
        s->over = order_progress_over(p);
    }
    free(p);
    s->over = s->over || got == 0;
    if (s->over) {
        buf_format(out, "event: end\ndata: {\"object\":\"end\",\"id\":\"%s\"}\n\n", s->order_id);
    }
    return got < 0 ? -1 : 0;
}

int stream_look(struct stream *s, struct txn *txn, const struct actor *actor, struct buf *out,
                struct err *err)
{
    if (s->order_id[0] != '\0') {
        return order_look(s, txn, out, err);
    }
    return s->job_id[0] != '\0' ? job_look(s, txn, out, err)
                                : changes_look(s, txn, actor, out, err);
}

void stream_beat(const struct stream *s, struct buf *out)
{
    if (s->greeted) {
        place_tell(s, out);
        buf_text(out, "event: beat\ndata: {\"object\":\"beat\"}\n\n");
    } else {
        buf_text(out, ": still here\n\n");
    }
}
