/*
 * Looking after engines on other machines. Apart from the rounds of health, which ask the tenants:
 * here it is seen that a machine is gone before its tenants are blamed for it, and that the way to
 * it is there again when it is back.
 */
#include "engine_watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "answer_engine.h"
#include "clock.h"
#include "log.h"
#include "runtime_docker.h"
#include "str.h"

#define LOOK_MS  1000
#define ROUND_MS 30000
#define NOTE_MS  300000
#define STOP_MS  20000
#define NUMBERS  256 /* of links that an earlier run may have left */

struct engine_watch {
    const struct saga_context *context;
    struct outside *outside;
    uint64_t numbers[ENGINES_MOST]; /* of the links of the last round */
    unsigned count;
    bool swept;
};

static bool has(const struct engines *e, uint64_t number)
{
    for (unsigned i = 0; e != NULL && i < e->count; i++)
        if (e->at[i].record.number == number && e->at[i].record.kind == ENGINE_SSH)
            return true;
    return false;
}

/* Return 0, or -1: the hands do not answer. */
static int end_link(struct engine_watch *w, uint64_t number)
{
    struct hands_request *request = calloc(1, sizeof *request);
    struct hands_reply *reply = calloc(1, sizeof *reply);
    enum outcome outcome = OUTCOME_AGAIN;
    struct err err = {0};

    if (request != NULL && reply != NULL) {
        request->verb = HANDS_LINK_STATUS;
        request->number = number;
        outcome = outside_hands(w->outside, request, STOP_MS, reply, NULL, &err);
        if (outcome == OUTCOME_OK) {
            request->verb = HANDS_LINK_STOP;
            outcome = outside_hands(w->outside, request, STOP_MS, reply, NULL, &err);
            if (outcome == OUTCOME_OK)
                log_info("the link %llu leads to no engine any more and was ended",
                         (unsigned long long)number);
        }
    }
    free(request);
    free(reply);
    return outcome == OUTCOME_OK || outcome == OUTCOME_ABSENT ? 0 : -1;
}

/* Links whose engine was removed: of the last round, and once what an earlier run left. */
static void sweep(struct engine_watch *w, const struct engines *e)
{
    unsigned kept = 0;

    for (uint64_t n = 1; !w->swept && n <= NUMBERS; n++)
        if (!has(e, n) && end_link(w, n) == -1)
            return;
    w->swept = true;
    for (unsigned i = 0; i < w->count; i++)
        if (!has(e, w->numbers[i]) && end_link(w, w->numbers[i]) == -1)
            return;
    for (unsigned i = 0; e != NULL && i < e->count; i++)
        if (e->at[i].record.kind == ENGINE_SSH)
            w->numbers[kept++] = e->at[i].record.number;
    w->count = kept;
}

/* What is as it was need be noted only now and then. */
static bool worth_noting(struct engine_at *e, const char *said, bool fine)
{
    int64_t now_ms = clock_mono_ms();
    char text[sizeof e->noted];

    str_cut(text, sizeof text, said);
    if (e->noted_ms != 0 && now_ms - e->noted_ms < NOTE_MS && e->noted_fine == fine &&
        str_equal(e->noted, text))
        return false;
    e->noted_ms = now_ms;
    e->noted_fine = fine;
    (void)str_copy(e->noted, sizeof e->noted, text);
    return true;
}

static void look_at(struct engine_watch *w, struct engine_at *e)
{
    struct err why = {0}, err = {0};
    char version[64] = "";
    int fine = engine_at_reach(w->outside, e, &why);

    if (fine == 0 && (fine = runtime_docker_version(&e->docker, version, sizeof version, &why)))
        (void)engine_at_explain(w->outside, e, &why);
    if (worth_noting(e, fine == 0 ? version : why.text, fine == 0) &&
        answer_engine_note(w->context, e->record.id, version, fine == 0 ? NULL : &why, &err) == -1)
        log_warning("what engine %s says cannot be noted: %s", e->record.name, err.text);
}

/* Whether an engine came, went or was changed since the last look. */
static bool changed(const struct engine_watch *w, const struct engines *e)
{
    unsigned ssh = 0;

    for (unsigned i = 0; e != NULL && i < e->count; i++) {
        ssh += e->at[i].record.kind == ENGINE_SSH;
        if (e->at[i].noted_ms == 0)
            return true;
    }
    return ssh != w->count;
}

static void *watch_main(void *arg)
{
    struct engine_watch *w = arg;
    int64_t due_ms = 0;

    for (;; clock_sleep_ms(LOOK_MS)) {
        struct providers *p = outside_use(w->outside);

        if (w->outside->refreshed && (clock_mono_ms() >= due_ms || changed(w, p->engines))) {
            sweep(w, p->engines);
            for (unsigned i = 0; p->engines != NULL && i < p->engines->count; i++)
                look_at(w, &p->engines->at[i]);
            due_ms = clock_mono_ms() + ROUND_MS;
        }
        outside_done(w->outside, p);
    }
    return NULL;
}

int engine_watch_start(const struct saga_context *context, struct outside *outside, struct err *err)
{
    struct engine_watch *w = calloc(1, sizeof *w); /* the thread's, for ever */
    pthread_t thread;
    int rc;

    if (w == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to look after engines");
    w->context = context;
    w->outside = outside;
    if ((rc = pthread_create(&thread, NULL, watch_main, w)) != 0) {
        free(w);
        return err_sys(err, "thread", rc, "the thread that looks after engines");
    }
    (void)pthread_detach(thread);
    return 0;
}
