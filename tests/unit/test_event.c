/* Webhook events: kept whole, once, and applied again on demand. */
#include "billing_world.h"

#include "buf.h"
#include "event.h"

struct storing {
    struct event event;
    const char *body;
    size_t len;
    bool fresh;
};

static int store(struct txn *txn, void *arg, struct err *err)
{
    struct storing *s = arg;
    return event_store(txn, &s->event, s->body, s->len, "req_1", &s->fresh, err);
}

static int replay(struct txn *txn, void *arg, struct err *err)
{
    char job[ID_SIZE];
    return event_replay(txn, arg, "cli:root", "", job, err);
}

static void events_are_kept_whole(void **state)
{
    static char body[100000];
    struct storing s;
    struct buf out;
    struct err err;

    (void)state;
    for (size_t i = 0; i + 3 < sizeof body; i += 3) /* characters that straddle the parts */
        memcpy(body + i, "\xe2\x82\xac", 3);
    memset(&s, 0, sizeof s);
    s.body = body;
    s.len = strlen(body);
    (void)str_copy(s.event.id, sizeof s.event.id, "evt_big");
    (void)str_copy(s.event.type, sizeof s.event.type, "invoice.paid");
    must_write(w, store, &s);
    assert_true(s.fresh);
    assert_true(s.event.parts > 6);
    must_write(w, store, &s);
    assert_false(s.fresh);
    assert_int_equal(count(&job_table), 1);
    struct txn *txn = must_read(w);
    buf_init(&out, sizeof body);
    assert_int_equal(event_body(txn, &s.event, &out, &err), 0);
    assert_int_equal(out.len, s.len);
    assert_memory_equal(out.data, body, out.len);
    buf_free(&out);
    db_read_end(txn);
    refuse_write(w, replay, "evt_big", "busy");
    refuse_write(w, replay, "evt_none", "event_not_found");
    must_write(w, finish_all, NULL);
    must_write(w, replay, "evt_big");
    assert_int_equal(count(&job_table), 2);
    world_sound(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(events_are_kept_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
