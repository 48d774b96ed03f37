/*
 * What an administrator can have done now that the box otherwise does by itself or not at all.
 * Apart from the rounds, each of which has its own time; here somebody waits for the result.
 */
#include "acts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alert_stock.h"
#include "audit.h"
#include "clock.h"
#include "domain_check.h"
#include "events_read.h"
#include "job_start.h"
#include "json_out.h"
#include "keep.h"
#include "maintain.h"
#include "post_test.h"
#include "schedule_tick.h"
#include "str.h"

#define PRUNE_BITE      50
#define PRUNE_ROUNDS    2000
#define HANDS_MS        5000
#define EVENT_DAYS      4 /* Stripe tries for three */
#define EVENT_DAYS_MOST 30
#define DAY_MS          INT64_C(86400000)

/* One act under way. */
struct act {
    const struct answer_setup *setup;
    const struct kv *params;
    struct json_out *out; /* inside the object of the answer */
};

/* The signal that ends this program in an orderly way; whoever supervises it starts it again. */
static int restart_worker(struct act *a, struct err *err)
{
    (void)a;
    return kill(getpid(), SIGTERM) == 0 ? 0 : err_sys(err, "signal", errno, "the worker");
}

static int restart_hands(struct act *a, struct err *err)
{
    struct hands_request request = {.verb = HANDS_RETIRE};
    struct hands_reply reply;

    if (outside_hands(a->setup->outside, &request, HANDS_MS, &reply, NULL, err) == OUTCOME_OK)
        return 0;
    return err->kind == ERR_NONE
               ? err_set(err, ERR_UNAVAILABLE, "hands_down", "the hands do not answer")
               : -1;
}

static int check_alerts(struct act *a, struct err *err)
{
    struct alert_stock stock;
    int written;

    if (alert_stock_init(&stock, a->setup->context, err) != 0)
        return -1;
    written = alert_stock_round(&stock, err);
    alert_stock_free(&stock);
    if (written < 0)
        return -1;
    json_out_key_u64(a->out, "changes", (uint64_t)written);
    return 0;
}

struct pruning {
    const struct conf *conf;
    int done;
};

static int prune_bite(struct txn *txn, void *arg, struct err *err)
{
    struct pruning *p = arg;
    int other = schedule_prune(txn, PRUNE_BITE, err), records;

    if (other < 0 || (records = keep_prune(txn, p->conf, PRUNE_BITE, err)) < 0)
        return -1;
    p->done = other + records;
    return 0;
}

static int prune(struct act *a, struct err *err)
{
    struct pruning p = {&a->setup->context->conf, 1};
    uint64_t total = 0;

    for (int i = 0; i < PRUNE_ROUNDS && p.done > 0; i++) {
        if (db_write(a->setup->context->db, prune_bite, &p, err) != 0)
            return -1;
        total += (uint64_t)p.done;
    }
    json_out_key_u64(a->out, "removed", total);
    return 0;
}

struct findings {
    uint64_t count;
    char first[400];
};

static void on_finding(void *arg, const char *table, const char *key, const char *what)
{
    struct findings *f = arg;

    if (f->count++ == 0)
        (void)str_format(f->first, sizeof f->first, "%.60s %.100s: %.200s", table, key, what);
}

/* All that `sett fsck` looks at, without stopping anything. */
static int check_store(struct act *a, struct err *err)
{
    struct db *db = a->setup->context->db;
    struct findings found = {0};
    struct txn *txn;
    int result;

    if (db_fsck(db, on_finding, &found, err) < 0 || db_read(&txn, db, err) != 0)
        return -1;
    result = domain_check(txn, on_finding, &found, err) < 0 ? -1 : 0;
    db_read_end(txn);
    if (result != 0)
        return -1;
    json_out_key_u64(a->out, "findings", found.count);
    if (found.count > 0)
        json_out_key_text(a->out, "first", found.first);
    return 0;
}

/* A compact copy walks every page that is in use; it goes nowhere. */
static int check_copy(struct act *a, struct err *err)
{
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC), result;

    if (fd == -1)
        return err_sys(err, "null", errno, "/dev/null");
    result = db_copy(a->setup->context->db, fd, err);
    (void)close(fd);
    return result;
}

static int test_mail(struct act *a, struct err *err)
{
    struct kv params;
    struct buf said;
    int result;

    kv_clear(&params);
    (void)kv_set(&params, "to", kv_get_or(a->params, "argument", ""));
    buf_init(&said, 4096);
    if ((result = post_test_mail(a->setup, &params, &said, err)) == 0) {
        json_out_key(a->out, "test");
        json_out_raw(a->out, said.data, said.len);
    }
    buf_free(&said);
    return result;
}

static int unstick(struct act *a, struct err *err)
{
    const char *path = a->setup->context->paths.ballast;
    struct stat st;
    uint64_t freed = 0;

    if (stat(path, &st) == 0)
        freed = (uint64_t)st.st_blocks * 512;
    if (unlink(path) == -1 && errno != ENOENT)
        return err_sys(err, "ballast", errno, path);
    json_out_key_u64(a->out, "freed_bytes", freed);
    return 0;
}

/* When webhooks did not arrive, for longer than Stripe sends them again. */
static int read_events(struct act *a, struct err *err)
{
    const char *given = kv_get_or(a->params, "argument", "");
    uint64_t days = EVENT_DAYS;
    uint32_t fresh;
    int rc;

    if (given[0] != '\0' && str_u64(given, 1, EVENT_DAYS_MOST, &days) == -1)
        return err_field(err, "argument", "days", "argument is a number of days, 1 to %d",
                         EVENT_DAYS_MOST);
    rc = events_read(a->setup->context, a->setup->outside, clock_wall_ms() - (int64_t)days * DAY_MS,
                     "act", &fresh, err);
    if (rc == 0) {
        (void)err_set(err, ERR_CONFLICT, "stripe_unset",
                      "there is no key of Stripe's to read with");
        return err_hint(err, "sett secret set stripe.secret_key --value-file FILE");
    }
    if (rc == 1 && fresh > 0)
        job_wake(a->setup->context->paths.wake_sock);
    if (rc == 1)
        json_out_key_u64(a->out, "events", fresh);
    return rc == -1 ? -1 : 0;
}

static const struct {
    const char *action;
    int (*run)(struct act *a, struct err *err);
} acts[] = {
    {"restart-worker", restart_worker}, {"restart-hands", restart_hands},
    {"check-alerts", check_alerts},     {"check-store", check_store},
    {"check-copy", check_copy},         {"prune", prune},
    {"test-mail", test_mail},           {"unstick", unstick},
    {"read-events", read_events},
};

int acts_answer(const struct answer_setup *setup, const struct kv *params, struct buf *out,
                struct err *err)
{
    const char *action = kv_get_or(params, "action", "");
    struct json_out j;
    struct act a = {.setup = setup, .params = params, .out = &j};

    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        if (!str_equal(acts[i].action, action))
            continue;
        json_out_init(&j, out);
        json_out_object(&j);
        json_out_key_text(&j, "object", "act");
        json_out_key_text(&j, "action", action);
        if (acts[i].run(&a, err) != 0) {
            buf_reset(out);
            return -1;
        }
        json_out_end_object(&j);
        return 0;
    }
    return err_set(err, ERR_NOT_FOUND, "act_unknown", "nobody here does %.40s", action);
}
