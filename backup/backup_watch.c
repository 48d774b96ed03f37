/*
 * The clock of snapshots. Apart from what it sets going, each of which can be asked for by hand as
 * well. One thing at a time: snapshots and removals are jobs with one subject, the rest is done
 * here, on this thread.
 */
#include "backup_watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check_copies.h"
#include "clock.h"
#include "drill.h"
#include "drill_program.h"
#include "job_start.h"
#include "log.h"
#include "notice.h"
#include "retention.h"
#include "setting.h"
#include "snapshot_round.h"
#include "snapshot_schedule.h"
#include "steps_remove.h"
#include "str.h"
#include "top_up.h"
#include "vault_open.h"

#define LOOK_MS     1000
#define QUIET_MS    20000 /* between looks while nothing was committed */
#define DAY_MS      (INT64_C(86400) * 1000)
#define AGE_MS      (INT64_C(26) * 3600 * 1000) /* without a verified one: an alarm */
#define MONTH_MS    (30 * DAY_MS)
#define UPLOAD_OLD  (2 * DAY_MS)
#define TENANTS_MS  20000 /* between looks at all tenants for their own times */
#define TOP_UP_MOST 4     /* before other things have their turn */
#define TOP_UP_MS   5000  /* first wait after what could not be brought to a vault, */
#define TOP_UP_MAX  (INT64_C(3600) * 1000) /* and the longest */
#define FIRST_LOOK  (INT64_C(3600) * 1000) /* copies are not looked at sooner than that */

struct backup_watch {
    struct backup_world *world;
    const struct saga_context *context;
    uint64_t seen_txn;
    int64_t looked_ms;        /* monotonic */
    int64_t tenants_ms;       /* monotonic: from when on tenants' own times are looked at again */
    int64_t wall_ms, mono_ms; /* at the start, or when a jump was seen last */
    int64_t top_up_ms, top_up_wait_ms; /* monotonic: next to be tried; the last wait */
    bool top_up_open; /* vaults may lack something: looked at in quiet times, too */
    bool jumped;
    int64_t pass_ms;        /* wall: the pass of removals under way began; 0: none is */
    uint64_t removed_below; /* of that pass: only older ones are still to be tried; 0: none yet */
};

/* What one look at the store says is to be done. */
struct look {
    struct snapshot_round round;
    char at[512], drill_at[512], zone[512];
    char tenant_id[ID_SIZE]; /* whose own snapshot is due; "": the box's, or none */
    bool run, full, prune, drill, check, whole, idle;
    char remove[ID_SIZE];
    uint64_t remove_number;
    int64_t now;
};

bool backup_watch_jumped(int64_t wall_ms, int64_t mono_ms)
{
    int64_t apart = wall_ms - mono_ms;

    return apart > DAY_MS || apart < -DAY_MS;
}

/* ---- alarms ---- */

static int tell_age(struct txn *txn, const struct snapshot_round *round, int64_t now,
                    struct err *err)
{
    struct snapshot match = {.state = SNAPSHOT_DONE}, s;
    int64_t newest = 0;
    struct scan scan;
    char text[200];
    int got;

    if (scan_start(&scan, txn, &snapshot_table, "state", &match, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &s, err)) == 1)
        if (s.tenant_id[0] == '\0' && s.verified && s.verified_at > newest)
            newest = s.verified_at;
    if (got == -1)
        return -1;
    if (now - (newest == 0 ? round->began_at : newest) < AGE_MS)
        return notice_clear(txn, "backup.age", NULL, err);
    if (newest == 0)
        (void)str_format(text, sizeof text, "this box has no snapshot%s%.120s",
                         round->problem[0] == '\0' ? "" : ": ", round->problem);
    else
        (void)str_format(
            text, sizeof text, "the newest verified snapshot is older than %lld hours%s%.120s",
            (long long)(AGE_MS / 3600000), round->problem[0] == '\0' ? "" : ": ", round->problem);
    return notice_raise(txn, "backup.age", NULL, NOTICE_USUAL, text, err);
}

static int tell_failed(struct txn *txn, struct err *err)
{
    struct snapshot s;
    struct scan scan;
    char text[400];
    int got;

    if (scan_start(&scan, txn, &snapshot_table, "number", NULL, 0, true, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &s, err)) == 1) /* a tenant's own tell of themselves */
        if (s.tenant_id[0] == '\0' && (s.state == SNAPSHOT_DONE || s.state == SNAPSHOT_FAILED))
            break;
    if (got != 1)
        return got;
    if (s.state == SNAPSHOT_DONE)
        return notice_clear(txn, "backup.failed", NULL, err);
    (void)str_format(text, sizeof text, "snapshot %llu failed: %s", (unsigned long long)s.number,
                     s.state_reason);
    return notice_raise(txn, "backup.failed", NULL, NOTICE_USUAL, text, err);
}

static int tell_vaults(struct txn *txn, struct err *err)
{
    struct vault_place vault;
    struct scan scan;
    char text[400];
    int got;

    if (scan_start(&scan, txn, &vault_place_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &vault, err)) == 1) {
        if (!vault.enabled || vault.problem[0] == '\0') {
            if (notice_clear(txn, "backup.vault", vault.name, err) == -1)
                return -1;
            continue;
        }
        (void)str_format(text, sizeof text, "vault %s cannot be used: %s", vault.name,
                         vault.problem);
        if (notice_raise(txn, "backup.vault", vault.name, NOTICE_USUAL, text, err) == -1)
            return -1;
    }
    return got;
}

static int tell(struct txn *txn, void *arg, struct err *err)
{
    struct look *l = arg;

    if (snapshot_round_get(txn, &l->round, err) == -1)
        return -1;
    if (l->round.began_at == 0) {
        l->round.began_at = txn_time_ms(txn);
        if (snapshot_round_put(txn, &l->round, err) == -1)
            return -1;
    }
    return tell_age(txn, &l->round, l->now, err) == -1 || tell_failed(txn, err) == -1
               ? -1
               : tell_vaults(txn, err);
}

/* ---- what is due ---- */

static int full_due(struct txn *txn, const struct conf *conf, int64_t now, struct err *err)
{
    int64_t days = (int64_t)setting_u64(txn, conf, "snapshot.full_days");
    struct snapshot s;
    struct scan scan;
    int got;

    if (days == 0)
        return 0;
    if (scan_start(&scan, txn, &snapshot_table, "number", NULL, 0, true, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &s, err)) == 1)
        if (s.state == SNAPSHOT_DONE && s.tenant_id[0] == '\0' && s.base_id[0] == '\0')
            return now - s.created_at >= days * DAY_MS - DAY_MS / 2;
    return got;
}

/* The next one that goes: the newest first, so that no chain ever lacks what it builds on. */
static int choose_removal(struct backup_watch *w, struct txn *txn, struct look *l, struct err *err)
{
    struct retention_item *items = NULL;
    struct retention_rules rules;
    size_t count = 0;
    int go;

    retention_rules_read(txn, &w->context->conf, &rules);
    if (retention_read(txn, &items, &count, err) == -1)
        return -1;
    if ((go = retention_decide(items, count, &rules, err)) > 0)
        for (size_t i = count; i-- > 0 && l->remove[0] == '\0';)
            if (!items[i].keep && (w->removed_below == 0 || items[i].number < w->removed_below)) {
                (void)str_copy(l->remove, sizeof l->remove, items[i].id);
                l->remove_number = items[i].number;
            }
    free(items);
    return go == -1 ? -1 : 0;
}

static int newest_done(struct txn *txn, int64_t *at, struct err *err)
{
    struct snapshot s;
    int got = snapshot_newest(txn, "", &s, err);

    *at = got == 1 ? s.done_at : 0;
    return got == -1 ? -1 : 0;
}

/* A tenant whose own time has come; the box's come first. Once one was found the next is looked for
 * at once, when it is made. */
static int due_tenant(struct backup_watch *w, struct txn *txn, struct look *l, struct err *err)
{
    int64_t mono = clock_mono_ms();
    int got;

    if (mono < w->tenants_ms)
        return 0;
    if ((got = snapshot_schedule_tenant(txn, l->zone, l->now, l->tenant_id, err)) == -1)
        return -1;
    l->run = got == 1;
    if (got == 0)
        w->tenants_ms = mono + TENANTS_MS;
    return 0;
}

static int read_due(struct backup_watch *w, struct txn *txn, struct look *l, struct err *err)
{
    const struct conf *conf = &w->context->conf;
    struct snapshot_round *r = &l->round;
    struct job job;
    int64_t done;
    int busy;

    if (snapshot_round_get(txn, r, err) == -1 ||
        setting_text(txn, conf, "snapshot.at", l->at, sizeof l->at, err) == -1 ||
        setting_text(txn, conf, "snapshot.drill_at", l->drill_at, sizeof l->drill_at, err) == -1 ||
        setting_text(txn, conf, "box.time_zone", l->zone, sizeof l->zone, err) == -1 ||
        newest_done(txn, &done, err) == -1 ||
        (busy = job_of_subject(txn, "snapshots", "box", &job, err)) == -1)
        return -1;
    if (busy == 1 || r->began_at == 0)
        return 0;
    l->idle = true;
    l->run =
        snapshot_schedule_due(l->at, l->zone, r->run_at == 0 ? r->began_at : r->run_at, l->now);
    if (l->run && (busy = full_due(txn, conf, l->now, err)) == -1)
        return -1;
    l->full = l->run && busy == 1;
    if (!l->run && due_tenant(w, txn, l, err) == -1)
        return -1;
    l->prune = !w->jumped && !l->run && (r->prune_wanted || done > r->pruned_at);
    if (l->prune && choose_removal(w, txn, l, err) == -1)
        return -1;
    l->drill = done > 0 &&
               (r->drill_wanted ||
                (snapshot_schedule_due(l->drill_at, l->zone,
                                       r->drilled_at == 0 ? r->began_at : r->drilled_at, l->now) &&
                 (r->drilled_at == 0 || l->now - r->drilled_at >= DRILL_EVERY_MS)));
    l->check = done > 0 && l->now - r->began_at >= FIRST_LOOK && l->now - r->checked_at >= DAY_MS;
    l->whole = l->check && l->now - r->read_at >= MONTH_MS;
    return 0;
}

/* ---- doing it ---- */

static int begin_run(struct txn *txn, void *arg, struct err *err)
{
    struct backup_watch *w = ((void **)arg)[0];
    struct look *l = ((void **)arg)[1];
    struct job job = {.actor = "worker"};
    struct snapshot s;
    struct snapshot_round round;

    if (snapshot_start(txn, &w->context->conf, l->tenant_id, "", l->full, &s, &job, err) == -1 ||
        job_start(txn, &job, err) == -1)
        return -1;
    (void)str_copy(s.job_id, sizeof s.job_id, job.id);
    if (snapshot_put(txn, &s, err) == -1 || snapshot_round_get(txn, &round, err) == -1)
        return -1;
    if (l->tenant_id[0] == '\0')
        round.run_at = l->now;
    round.problem[0] = '\0';
    return snapshot_round_put(txn, &round, err);
}

static int note_problem(struct txn *txn, void *arg, struct err *err)
{
    const struct err *why = arg;
    struct snapshot_round round;

    if (snapshot_round_get(txn, &round, err) == -1)
        return -1;
    if (str_equal(round.problem, why->text))
        return 0;
    (void)str_format(round.problem, sizeof round.problem, "%.230s", why->text);
    return snapshot_round_put(txn, &round, err);
}

static void run(struct backup_watch *w, struct look *l)
{
    void *both[2] = {w, l};
    struct err err = {0}, ignored = {0};

    if (db_write(w->context->db, begin_run, both, &err) == 0) {
        job_wake(w->context->paths.wake_sock);
        return;
    }
    w->tenants_ms = clock_mono_ms() + TENANTS_MS;
    if (!str_equal(err.code, "busy")) /* what is missing is tried again, and told by its age */
        (void)db_write(w->context->db, note_problem, &err, &ignored);
}

static int begin_removal(struct txn *txn, void *arg, struct err *err)
{
    return steps_remove_start(txn, arg, err);
}

static int end_prune(struct txn *txn, void *arg, struct err *err)
{
    const struct backup_watch *w = arg;
    struct snapshot_round round;

    if (snapshot_round_get(txn, &round, err) == -1)
        return -1;
    round.prune_wanted = false;
    round.pruned_at = w->pass_ms; /* what was made since is looked at again */
    return snapshot_round_put(txn, &round, err);
}

static void prune(struct backup_watch *w, struct look *l)
{
    struct err err = {0};

    if (w->pass_ms == 0)
        w->pass_ms = l->now;
    if (l->remove[0] == '\0') {
        if (db_write(w->context->db, end_prune, w, &err) == -1)
            log_event(LOG_SNAPSHOT_FAILED, LOG_LEVEL_WARNING, "snapshots: %s", err.text);
        w->removed_below = 0;
        w->pass_ms = 0;
        return;
    }
    if (db_write(w->context->db, begin_removal, l->remove, &err) == 0) {
        w->removed_below = l->remove_number;
        job_wake(w->context->paths.wake_sock);
    } else if (!str_equal(err.code, "busy")) {
        log_event(LOG_SNAPSHOT_FAILED, LOG_LEVEL_WARNING, "snapshots: %s", err.text);
    }
}

/* All enabled vaults, at most so many. */
#define VAULTS_MAX 64
static size_t read_vaults(struct backup_watch *w, struct vault_place *out)
{
    struct err err = {0};
    struct scan scan;
    struct txn *txn;
    size_t count = 0;

    if (db_read(&txn, w->context->db, &err) == -1)
        return 0;
    if (scan_start(&scan, txn, &vault_place_table, NULL, NULL, 0, false, &err) == 0)
        while (count < VAULTS_MAX && scan_next(&scan, &out[count], &err) == 1)
            count += out[count].enabled;
    db_read_end(txn);
    return count;
}

static int end_drill(struct txn *txn, void *arg, struct err *err)
{
    struct snapshot_round round;

    (void)arg;
    if (snapshot_round_get(txn, &round, err) == -1)
        return -1;
    round.drill_wanted = false;
    round.drilled_at = txn_time_ms(txn);
    return snapshot_round_put(txn, &round, err);
}

static void drill_all(struct backup_watch *w)
{
    struct vault_place *vaults = calloc(VAULTS_MAX + 1, sizeof *vaults);
    size_t count = vaults == NULL ? 0 : read_vaults(w, vaults);
    struct err err = {0};

    for (size_t i = 0; i < count; i++) {
        struct drill drill;
        struct err why = {0};
        int rc = drill_vault(w->world, &vaults[i], &drill, &why);
        if (rc == 0)
            continue;
        if (rc == 1)
            log_info("drill: snapshot %llu of vault %s restores: %llu files in %lld ms",
                     (unsigned long long)drill.number, vaults[i].name,
                     (unsigned long long)drill.files, (long long)drill.took_ms);
        else
            log_event(LOG_DRILL_FAILED, LOG_LEVEL_WARNING, "drill: vault %s: %s", vaults[i].name,
                      why.text);
        if (drill_note(w->context, &drill, why.kind == ERR_CORRUPT, &err) == -1)
            log_event(LOG_DRILL_FAILED, LOG_LEVEL_WARNING, "drill: %s", err.text);
    }
    free(vaults);
    if (db_write(w->context->db, end_drill, NULL, &err) == -1)
        log_event(LOG_DRILL_FAILED, LOG_LEVEL_WARNING, "drill: %s", err.text);
}

static int end_check(struct txn *txn, void *arg, struct err *err)
{
    const struct look *l = arg;
    struct snapshot_round round;

    if (snapshot_round_get(txn, &round, err) == -1)
        return -1;
    round.checked_at = txn_time_ms(txn);
    if (l->whole)
        round.read_at = round.checked_at;
    return snapshot_round_put(txn, &round, err);
}

/* Uploads of this box that were cut off and that nobody takes up any more. */
static void tidy_vaults(struct backup_watch *w)
{
    struct vault_place *vaults = calloc(VAULTS_MAX + 1, sizeof *vaults);
    size_t count = vaults == NULL ? 0 : read_vaults(w, vaults);
    char box[512] = "", prefix[80];
    struct err err = {0};
    struct txn *txn;

    if (db_read(&txn, w->context->db, &err) == 0) {
        (void)setting_text(txn, &w->context->conf, "box.id", box, sizeof box, &err);
        db_read_end(txn);
    }
    (void)str_format(prefix, sizeof prefix, "sett-%.40s-", box);
    for (size_t i = 0; box[0] != '\0' && i < count; i++) {
        struct place place = {0};
        if (vault_open_id(w->context, vaults[i].id, &place, &err) == 0 && place.tidy != NULL &&
            place.tidy(place.self, prefix, clock_wall_ms() - UPLOAD_OLD, &err) == -1)
            log_event(LOG_VAULT_AWAY, LOG_LEVEL_WARNING, "vault %s: %s", vaults[i].name, err.text);
        place_free(&place);
    }
    free(vaults);
}

static void check(struct backup_watch *w, struct look *l)
{
    struct err err = {0};

    if (check_copies(w->context, l->whole, &err) == -1)
        log_event(LOG_VAULT_AWAY, LOG_LEVEL_WARNING,
                  "snapshots: their copies could not be looked at: %s", err.text);
    if (!w->jumped)
        tidy_vaults(w);
    if (db_write(w->context->db, end_check, l, &err) == -1)
        log_event(LOG_SNAPSHOT_FAILED, LOG_LEVEL_WARNING, "snapshots: %s", err.text);
}

/* What vaults lack, now and then; a vault that stays away is asked more and more seldom. */
static void bring_up(struct backup_watch *w)
{
    struct err err = {0};
    int sent = top_up(w->context, TOP_UP_MOST, &err);

    w->top_up_open = sent != 0;
    if (sent >= 0) {
        w->top_up_wait_ms = 0;
        w->top_up_ms = clock_mono_ms() + (sent == 0 ? TOP_UP_MS : 0);
        return;
    }
    if (w->top_up_wait_ms == 0)
        log_event(LOG_VAULT_AWAY, LOG_LEVEL_WARNING,
                  "snapshots: a vault cannot be brought up to date: %s", err.text);
    w->top_up_wait_ms = w->top_up_wait_ms == 0 ? TOP_UP_MS : 2 * w->top_up_wait_ms;
    if (w->top_up_wait_ms > TOP_UP_MAX)
        w->top_up_wait_ms = TOP_UP_MAX;
    w->top_up_ms = clock_mono_ms() + w->top_up_wait_ms;
}

/* A clock that was set is believed again once it has been right for as long as the worker runs on;
 * a start begins anew. */
static void watch_clock(struct backup_watch *w)
{
    int64_t wall = clock_wall_ms(), mono = clock_mono_ms();

    if (!backup_watch_jumped(wall - w->wall_ms, mono - w->mono_ms))
        return;
    if (!w->jumped)
        log_warning("snapshots: the clock moved by more than a day; nothing is removed until the "
                    "worker is started anew");
    w->jumped = true;
}

static void look(struct backup_watch *w)
{
    uint64_t last = db_last_txn(w->context->db);
    int64_t mono = clock_mono_ms();
    struct look l = {.now = clock_wall_ms()};
    struct err err = {0};
    struct txn *txn;
    int rc;

    if (last == w->seen_txn && mono - w->looked_ms < QUIET_MS &&
        !(w->top_up_open && mono >= w->top_up_ms))
        return;
    watch_clock(w);
    if (db_write(w->context->db, tell, &l, &err) == -1 ||
        db_read(&txn, w->context->db, &err) == -1) {
        log_event(LOG_SNAPSHOT_FAILED, LOG_LEVEL_WARNING, "snapshots: %s", err.text);
        w->looked_ms = mono;
        return;
    }
    w->seen_txn = db_last_txn(w->context->db);
    w->looked_ms = mono;
    rc = read_due(w, txn, &l, &err);
    db_read_end(txn);
    if (rc == -1)
        log_event(LOG_SNAPSHOT_FAILED, LOG_LEVEL_WARNING, "snapshots: %s", err.text);
    if (l.run)
        run(w, &l);
    else if (rc == 0 && l.prune)
        prune(w, &l);
    if (l.drill)
        drill_all(w);
    if (l.check)
        check(w, &l);
    if (clock_mono_ms() < w->top_up_ms)
        return;
    if (l.idle && !l.run && !l.prune)
        bring_up(w);
    else /* no time for it now */
        w->top_up_ms = clock_mono_ms() + TOP_UP_MS;
}

static void *watch_main(void *arg)
{
    struct backup_watch *w = arg;
    bool swept = false;

    for (;;) {
        clock_sleep_ms(LOOK_MS);
        swept = swept || drill_program_sweep(w->world) == 0;
        look(arg);
    }
    return NULL;
}

int backup_watch_start(struct backup_world *world, struct err *err)
{
    struct backup_watch *w = calloc(1, sizeof *w); /* the thread's, for ever */
    pthread_t thread;
    int rc;

    if (w == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to look after snapshots");
    w->world = world;
    w->context = world->context;
    w->wall_ms = clock_wall_ms();
    w->mono_ms = clock_mono_ms();
    w->top_up_ms = w->mono_ms + TOP_UP_MS;
    w->top_up_open = true;
    if ((rc = pthread_create(&thread, NULL, watch_main, w)) != 0) {
        free(w);
        return err_sys(err, "thread", rc, "the thread that looks after snapshots");
    }
    (void)pthread_detach(thread);
    return 0;
}
