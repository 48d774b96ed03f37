/*
 * Looking for a second box behind the same tunnels. Apart from the rounds of health, for which a
 * tunnel that answers is well, whoever answers.
 */
#include "twin_watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "cloudflare_connectors.h"
#include "connector.h"
#include "hands.h"
#include "log.h"
#include "notice.h"
#include "setting.h"
#include "str.h"
#include "tunnel.h"

#define ASK_MS 10000

struct twin_watch {
    const struct saga_context *context;
    struct outside *outside;
    char last[ID_SIZE]; /* the tunnel that was looked at last */
    unsigned seen;      /* so many looks at it in a row saw somebody else */
    char address[48];   /* from where, as Cloudflare sees it; "" while it does not say */
};

/* A tunnel that this box alone is to connect. */
static bool ours(const struct tunnel *t)
{
    return t->state == TUNNEL_ACTIVE && t->cf_tunnel[0] != '\0' && t->carrier_id[0] == '\0' &&
           !t->adopted && !t->elsewhere;
}

/* The one that was suspicious, or the next after it in their order; *${wait_s}: until the look
 * after this one. Return 1, 0 if there is none, or -1. */
static int choose(struct twin_watch *w, struct tunnel *out, uint32_t *wait_s, struct err *err)
{
    struct tunnel from = {0};
    struct scan scan;
    struct txn *txn;
    int got = 0;

    (void)str_copy(from.id, sizeof from.id, w->last);
    if (db_read(&txn, w->context->db, err) == -1)
        return -1;
    *wait_s = (uint32_t)setting_u64(txn, &w->context->conf, "box.twin_s");
    if (scan_start(&scan, txn, &tunnel_table, NULL, NULL, 0, false, err) == -1 ||
        (w->last[0] != '\0' &&
         (w->seen > 0 ? scan_from(&scan, &from, 1, err) : scan_after(&scan, &from, err)) == -1))
        got = -1;
    while (got != -1 && (got = scan_next(&scan, out, err)) == 1 && !ours(out))
        continue;
    db_read_end(txn);
    if (got == 0)
        w->last[0] = '\0'; /* from the first, next time */
    return got;
}

/* The id under which our own connector is known; "" if it does not run. */
static void own_connector(const struct twin_watch *w, const struct tunnel *t, char out[40])
{
    struct hands_request request = {.verb = HANDS_CONNECTOR_STATUS, .number = t->number};
    struct connector_ready ready;
    struct hands_reply reply;
    struct err ignored;

    out[0] = '\0';
    if (hands_call(w->context->paths.hands_sock, &request, ASK_MS, &reply, NULL, &ignored) ==
            OUTCOME_OK &&
        reply.running && connector_ready(w->outside->probe, reply.port, &ready, &ignored) == 0)
        (void)str_copy(out, 40, ready.connector_id);
}

/* Whether somebody else connects it. 1, 0, or -1: that could not be told. */
static int look(struct twin_watch *w, const struct tunnel *t, struct err *err)
{
    struct cloudflare_connector list[CLOUDFLARE_CONNECTORS_MAX];
    struct providers *p = outside_use(w->outside);
    char own[40];
    uint32_t count = 0;
    int rc;

    own_connector(w, t, own);
    rc = p->cloudflare_set
             ? cloudflare_connectors_list(&p->cloudflare, t->cf_tunnel, list, &count, err)
             : 0;
    outside_done(w->outside, p);
    for (uint32_t i = 0; rc == 0 && i < count; i++)
        if (!str_equal(list[i].id, own) && list[i].connections > 0) {
            (void)str_copy(w->address, sizeof w->address, list[i].origin_ip);
            rc = 1;
        }
    return rc;
}

struct verdict {
    const struct twin_watch *w;
    const struct tunnel *tunnel;
};

static int note(struct txn *txn, void *arg, struct err *err)
{
    const struct verdict *v = arg;
    char text[300];

    if (v->w->seen == 0)
        return notice_clear(txn, "box.twin", v->tunnel->id, err);
    (void)str_format(text, sizeof text,
                     "somebody else runs the tunnel %s, too, from %s: is the box that this one was "
                     "still on?",
                     v->tunnel->name, v->w->address[0] == '\0' ? "elsewhere" : v->w->address);
    return notice_raise(txn, "box.twin", v->tunnel->id, NOTICE_CRITICAL, text, err);
}

static void *watch_main(void *arg)
{
    struct twin_watch *w = arg;
    struct tunnel tunnel;
    struct err err = {0};
    uint32_t wait_s = 300;
    int got, twin;

    for (;;) {
        if ((got = choose(w, &tunnel, &wait_s, &err)) == 1 &&
            (twin = look(w, &tunnel, &err)) != -1) {
            struct verdict v = {w, &tunnel};

            (void)str_copy(w->last, sizeof w->last, tunnel.id);
            w->seen = twin == 1 ? w->seen + 1 : 0;
            /* Once may be a connector of ours that has just begun anew. */
            if (w->seen != 1)
                got = db_write(w->context->db, note, &v, &err);
            if (w->seen > 1)
                w->seen = 0; /* said; on to the next */
            else if (w->seen == 1 && wait_s > 30)
                wait_s = 30;
        }
        if (got == -1)
            log_warning("cannot look for a second box: %s", err.text);
        clock_sleep_ms((int)wait_s * 1000);
    }
    return NULL;
}

int twin_watch_start(const struct saga_context *context, struct outside *outside, struct err *err)
{
    struct twin_watch *w = calloc(1, sizeof *w); /* the thread's, for ever */
    pthread_t thread;
    int rc;

    if (w == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to look for a second box");
    w->context = context;
    w->outside = outside;
    if ((rc = pthread_create(&thread, NULL, watch_main, w)) != 0) {
        free(w);
        return err_sys(err, "thread", rc, "the thread that looks for a second box");
    }
    (void)pthread_detach(thread);
    return 0;
}
