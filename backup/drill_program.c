/*
 * A drill's program. Apart from the drill, which proves bytes: this proves that something lives on
 * them, by the same steps that make and ask a tenant's program, under a number of its own.
 */
#include "drill_program.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"
#include "clock.h"
#include "crash.h"
#include "drift.h"
#include "enc.h"
#include "facts.h"
#include "file.h"
#include "folder.h"
#include "log.h"
#include "postgres_dump.h"
#include "steps.h"
#include "steps_restore.h"
#include "str.h"

#define TENANT    "drill" /* whose it says it is */
#define NOTE      "drill.program"
#define STEP_MS   900000
#define REMOVE_MS 90000
#define WAIT_MS   120000 /* more than this no program is waited for */

/* What a saga would have. */
struct trying {
    struct backup_world *world;
    const struct chain_fetch *fetch;
    struct tenant tenant;
    struct job job;
    struct kv secret;
    struct step_call call;
};

/* ---- which ---- */

static uint64_t size_of(const struct chain_fetch *f, uint64_t number)
{
    char path[PATHS_SIZE + 200];
    struct err ignored = {0};
    uint64_t bytes = 0;
    struct stat st;

    (void)str_format(path, sizeof path, "%s/data/databases/%llu", f->path,
                     (unsigned long long)number);
    if (stat(path, &st) == 0)
        bytes = (uint64_t)st.st_size;
    (void)str_format(path, sizeof path, "%s/data/tenants/%llu", f->path,
                     (unsigned long long)number);
    if (stat(path, &st) == -1)
        return UINT64_MAX;
    number = 0;
    return folder_bytes(path, &number, &ignored) == -1 ? UINT64_MAX : bytes + number;
}

/* 1, 0: nobody, -1. */
static int choose(struct trying *t, struct txn *txn, int64_t made_at, struct err *err)
{
    uint64_t least = UINT64_MAX, bytes;
    struct tenant tenant;
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &tenant_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &tenant, err)) == 1) {
        if ((tenant.state != TENANT_ACTIVE && tenant.state != TENANT_PAST_DUE) ||
            tenant.created_at > made_at || tenant_elsewhere(&tenant) ||
            (bytes = size_of(t->fetch, tenant.number)) >= least)
            continue;
        least = bytes;
        t->tenant = tenant;
    }
    return got == -1 ? -1 : least != UINT64_MAX;
}

static int free_port(uint64_t *port, struct err *err)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), rc = -1;

    if (fd != -1 && bind(fd, (struct sockaddr *)&at, len) == 0 &&
        getsockname(fd, (struct sockaddr *)&at, &len) == 0)
        rc = 0;
    else
        (void)err_sys(err, "drill_port", errno, "a port for a drill");
    if (fd != -1)
        (void)close(fd);
    *port = ntohs(at.sin_port);
    return rc;
}

/* Facts and secrets as its sagas have them, then what is other about this one. */
static int prepare(struct trying *t, int64_t made_at, struct err *err)
{
    const struct saga_context *c = t->world->context;
    struct txn *txn;
    uint64_t port;
    int got;

    if (db_read(&txn, c->db, err) == -1)
        return -1;
    got = choose(t, txn, made_at, err);
    if (got == 1) {
        void *context = (void *)(uintptr_t)c;
        (void)str_copy(t->job.id, sizeof t->job.id, TENANT);
        (void)kv_set(&t->job.args, "tenant_id", t->tenant.id);
        if (facts_tenant(txn, &t->job, c, &t->tenant, err) == -1 ||
            steps_blueprint(&t->call, err) == -1 ||
            steps_database_recall(txn, &t->job, context, &t->secret, err) == -1)
            got = -1;
    }
    db_read_end(txn);
    if (got != 1)
        return got;
    if (free_port(&port, err) == -1)
        return -1;
    (void)kv_set(&t->job.args, "tenant_id", TENANT);
    if (facts_set_u64(&t->job, FACT_NUMBER, DRIFT_DRILL, err) == -1 ||
        facts_set_u64(&t->job, FACT_PORT, port, err) == -1 ||
        facts_set(&t->job, FACT_ADDRESS, "", err) == -1 ||
        facts_set(&t->job, FACT_GENERATION, "", err) == -1 ||
        facts_set(&t->job, FACT_HOSTNAME, "drill.invalid", err) == -1 ||
        facts_set(&t->job, FACT_URL, "http://drill.invalid/", err) == -1)
        return -1;
    return 1;
}

/* ---- its parts ---- */

static enum outcome ask(struct trying *t, enum hands_verb verb, bool flag, struct err *err)
{
    struct hands_reply reply;

    return steps_runtime_ask(&t->call, verb, flag,
                             verb == HANDS_RUNTIME_REMOVE ? REMOVE_MS : STEP_MS, &reply, err);
}

static int fine(enum outcome outcome)
{
    return outcome == OUTCOME_OK || outcome == OUTCOME_ABSENT ? 0 : -1;
}

static int database(struct trying *t, struct err *err)
{
    struct providers *providers = outside_use(t->world->outside);
    struct postgres p = {providers->database_admin, providers->database_password};
    const char *password = steps_database_password(&t->secret);
    struct postgres_login login = {.port = 0};
    char mark[STEPS_DATABASE_MARK], name[64];
    int rc = -1, fd = -1;

    steps_database_mark(&t->call, mark);
    postgres_name(login.name, DRIFT_DRILL, 1);
    (void)str_format(name, sizeof name, "databases/%llu", (unsigned long long)t->tenant.number);
    if (str_copy(login.password, sizeof login.password, password) == 0 &&
        (fd = beneath_open(t->fetch->data, name, err)) != -1 &&
        postgres_address(&p, login.host, sizeof login.host, &login.port, err) == 0 &&
        postgres_drop(&p, login.name, mark, err) != -1 &&
        postgres_make(&p, login.name, mark, password, err) == 0)
        rc = postgres_load(&login, fd, err);
    outside_done(t->world->outside, providers);
    if (fd != -1)
        (void)close(fd);
    sodium_memzero(&login, sizeof login);
    return rc;
}

static int remove_database(struct backup_world *world, const char *mark, struct err *err)
{
    struct providers *providers = outside_use(world->outside);
    struct postgres p = {providers->database_admin, providers->database_password};
    char name[POSTGRES_NAME_SIZE];
    int rc;

    postgres_name(name, DRIFT_DRILL, 1);
    rc = p.admin[0] == '\0' ? 0 : postgres_drop(&p, name, mark, err);
    outside_done(world->outside, providers);
    return rc == -1 ? -1 : 0;
}

static int start(struct trying *t, struct err *err)
{
    char unit[64];

    (void)str_format(unit, sizeof unit, "tenants/%llu", (unsigned long long)t->tenant.number);
    if (fine(steps_restore_hand(&t->call, t->fetch, unit, err)) == -1 ||
        fine(ask(t, HANDS_EXCHANGE, false, err)) == -1)
        return -1;
    CP("drill.files");
    if (steps_database_password(&t->secret) != NULL && database(t, err) == -1)
        return -1;
    CP("drill.database");
    return fine(ask(t, HANDS_RUNTIME_CREATE, true, err)) == -1 ||
                   fine(ask(t, HANDS_RUNTIME_START, false, err)) == -1
               ? -1
               : 0;
}

/* Until it answers or may take no longer. 0 or -1. */
static int answers(struct trying *t, struct err *err)
{
    int64_t began_ms = clock_mono_ms();
    enum outcome outcome;

    for (t->call.attempt = 1;; t->call.attempt++) {
        t->call.elapsed_ms = clock_mono_ms() - began_ms;
        outcome = steps_healthy_make(&t->call, err);
        if (outcome != OUTCOME_AGAIN)
            return outcome == OUTCOME_OK ? 0 : -1;
        if (t->call.elapsed_ms >= WAIT_MS)
            return -1;
        clock_sleep_ms((int)t->call.wait_ms);
    }
}

/* ---- what is left of it ---- */

static void note_path(const struct paths *p, char out[PATHS_SIZE + 32])
{
    (void)str_format(out, PATHS_SIZE + 32, "%s/" NOTE, p->snapshots);
}

/* For whoever sweeps: how it is found again. On the disk before anything is made. */
static int note(struct trying *t, struct err *err)
{
    char path[PATHS_SIZE + 32], mark[STEPS_DATABASE_MARK], text[300];

    note_path(&t->world->context->paths, path);
    steps_database_mark(&t->call, mark);
    (void)str_format(text, sizeof text, "%s\n%s\n%s\n",
                     kv_get_or(&t->job.facts, FACT_BLUEPRINT, ""),
                     kv_get_or(&t->job.facts, FACT_BOX, ""), mark);
    return file_write(path, text, strlen(text), 0600, err);
}

/* All of it goes, by what the note says. 0 or -1. */
static int clear(struct backup_world *world, struct err *err)
{
    const struct paths *p = &world->context->paths;
    struct hands_request request = {.number = DRIFT_DRILL, .flag = true};
    char path[PATHS_SIZE + 32], *lines[3] = {"", "", ""}, *at;
    struct hands_reply reply;
    struct buf text;
    int rc = -1;

    note_path(p, path);
    buf_init(&text, 1024);
    if (file_exists(path) && file_read(path, &text, err) == 0) {
        at = text.data;
        for (size_t i = 0; i < 3 && at != NULL; i++) {
            lines[i] = at;
            if ((at = strchr(at, '\n')) != NULL)
                *at++ = '\0';
        }
        (void)str_copy(request.blueprint, sizeof request.blueprint, lines[0]);
        (void)str_copy(request.box_id, sizeof request.box_id, lines[1]);
        (void)str_copy(request.tenant_id, sizeof request.tenant_id, TENANT);
        request.verb = HANDS_RUNTIME_REMOVE;
        if (fine(hands_call(p->hands_sock, &request, REMOVE_MS, &reply, NULL, err)) == 0) {
            request.verb = HANDS_DISCARD;
            rc = fine(hands_call(p->hands_sock, &request, REMOVE_MS, &reply, NULL, err)) == 0
                     ? remove_database(world, lines[2], err)
                     : -1;
        }
        if (rc == 0 && unlink(path) == -1)
            rc = err_sys(err, "drill_note", errno, path);
    } else {
        rc = file_exists(path) ? -1 : 0;
    }
    buf_free(&text);
    return rc;
}

int drill_program_sweep(struct backup_world *world)
{
    struct err err = {0};

    return clear(world, &err);
}

/* ---- all of it ---- */

static enum drill_program try_it(struct trying *t, int64_t made_at, struct err *err)
{
    int got;

    if (clear(t->world, err) == -1 || (got = prepare(t, made_at, err)) == -1)
        return DRILL_PROGRAM_UNTRIED;
    if (got == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "drill_nobody",
                      "no tenant runs here whose files are in the snapshot");
        return DRILL_PROGRAM_NONE;
    }
    if (note(t, err) == -1)
        return DRILL_PROGRAM_UNTRIED;
    if (start(t, err) == -1) /* what ended at once did start, and has nothing to say */
        return str_ends(err->code, "_ended") && err->kind != ERR_INVALID ? DRILL_PROGRAM_SILENT
                                                                         : DRILL_PROGRAM_UNTRIED;
    CP("drill.started");
    return answers(t, err) == 0 ? DRILL_PROGRAM_ANSWERED : DRILL_PROGRAM_SILENT;
}

void drill_program(struct backup_world *world, const struct chain_fetch *fetch, int64_t made_at,
                   struct drill *drill)
{
    struct trying *t = calloc(1, sizeof *t);
    int64_t began_ms = clock_mono_ms();
    struct err err = {0}, why = {0};

    if (t == NULL)
        return;
    t->world = world;
    t->fetch = fetch;
    kv_clear(&t->secret);
    t->call = (struct step_call){.job = &t->job,
                                 .facts = &t->job.facts,
                                 .secret = &t->secret,
                                 .outside = world->outside,
                                 .attempt = 1};
    drill->program = try_it(t, made_at, &err);
    drill->program_ms = clock_mono_ms() - began_ms;
    (void)str_copy(drill->program_tenant_id, sizeof drill->program_tenant_id, t->tenant.id);
    if (drill->program != DRILL_PROGRAM_ANSWERED)
        (void)str_format(drill->program_note, sizeof drill->program_note, "%.230s", err.text);
    if (clear(world, &why) == -1)
        log_warning("drill: its program could not be removed: %s", why.text);
    sodium_memzero(t, sizeof *t);
    free(t);
}
