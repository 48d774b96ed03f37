/*
 * The outside's side of a move. Apart from the other steps of a runtime because each call says
 * which of the two it means: the one that runs, or the one that is to.
 */
#include "steps_move.h"

#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "outside.h"
#include "steps.h"
#include "str.h"

#define LOOK_MS   15000
#define STOP_MS   90000
#define CREATE_MS 900000 /* an image may have to be pulled */
#define ANSWER_MS 500    /* between looks whether the old one answers */
#define PROBE_S   5
#define BODY_MAX  65536

/* ---- what can go where ---- */

enum place { PLACE_BOX, PLACE_CLUSTER };
#define HOLDS_MEMORY  0x1u
#define HOLDS_CPU     0x2u
#define HOLDS_PIDS    0x4u
#define HOLDS_NOFILE  0x8u
#define HOLDS_STORAGE 0x10u

/* Runtimes of one place share the tenants' folders: between them the data stays where it is. */
static const struct kind {
    const char *runtime;
    enum place place;
    unsigned holds; /* limits that it brings into force */
} kinds[] = {
    {"process", PLACE_BOX, HOLDS_MEMORY | HOLDS_PIDS | HOLDS_NOFILE},
    {"docker", PLACE_BOX, HOLDS_MEMORY | HOLDS_CPU | HOLDS_PIDS | HOLDS_NOFILE},
    {"lxc", PLACE_BOX, HOLDS_MEMORY | HOLDS_CPU | HOLDS_PIDS | HOLDS_NOFILE},
    {"swarm", PLACE_BOX, HOLDS_MEMORY | HOLDS_CPU | HOLDS_PIDS | HOLDS_NOFILE},
    {"proxmox", PLACE_CLUSTER, HOLDS_MEMORY | HOLDS_CPU | HOLDS_STORAGE},
};

static const struct {
    unsigned bit;
    const char *fact, *words;
} limits[] = {
    {HOLDS_MEMORY, "memory_bytes", "memory"},    {HOLDS_CPU, "cpu_millis", "processor time"},
    {HOLDS_PIDS, "pids", "processes"},           {HOLDS_NOFILE, "nofile", "open files"},
    {HOLDS_STORAGE, "storage_bytes", "storage"},
};

static const struct kind *kind_of(const char *runtime)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (str_equal(kinds[i].runtime, runtime))
            return &kinds[i];
    return NULL;
}

/* The names that a blueprint for another runtime is looked for under: the one that was said, else
 * the present one itself, "NAME-RUNTIME", or NAME without the runtime that it ends with. */
static int candidate(const struct step_call *call, unsigned i, char out[32])
{
    const char *wanted = kv_get(&call->job->args, "blueprint");
    const char *runtime = kv_get_or(&call->job->args, "runtime", "");
    const char *now = kv_get_or(call->facts, FACT_OLD_BLUEPRINT, "");
    char end[20];

    if (wanted != NULL)
        return i == 0 ? str_copy(out, 32, wanted) : -1;
    if (i == 0)
        return str_copy(out, 32, now);
    if (i == 1)
        return str_format(out, 32, "%s-%s", now, runtime);
    (void)str_format(end, sizeof end, "-%s", kv_get_or(call->facts, FACT_OLD_RUNTIME, ""));
    if (i == 2 && str_ends(now, end) && strlen(now) > strlen(end))
        return str_copy_n(out, 32, now, strlen(now) - strlen(end));
    return -1;
}

/* Whether there is such a runtime at all. Return 0 or -1. */
static int runtime_known(const char *runtime, struct err *err)
{
    char list[120] = "";

    for (size_t i = 0, used = 0; i < sizeof kinds / sizeof *kinds; i++, used = strlen(list)) {
        if (str_equal(kinds[i].runtime, runtime))
            return 0;
        (void)str_format(list + used, sizeof list - used, "%s%s", i == 0 ? "" : ", ",
                         kinds[i].runtime);
    }
    return err_field(err, "runtime", "runtime_unknown", "there is no runtime %s: it is one of %s",
                     runtime, list);
}

/* The blueprint of the new place. Return 0 or -1. */
static int find_blueprint(const struct step_call *call, struct blueprint *b, struct err *err)
{
    const char *folder = call->outside->paths.blueprints;
    const char *runtime = kv_get(&call->job->args, "runtime");
    bool said = kv_get(&call->job->args, "blueprint") != NULL;
    char name[32];

    if (runtime != NULL && runtime_known(runtime, err) != 0)
        return -1;
    for (unsigned i = 0; i < 3; i++) {
        if (candidate(call, i, name) == -1)
            continue;
        if (blueprint_load(b, folder, name, err) == -1) {
            if (said || err->kind != ERR_NOT_FOUND)
                return -1;
            continue;
        }
        if (runtime == NULL || str_equal(b->runtime, runtime))
            return 0;
        if (said)
            return err_field(err, "blueprint", "blueprint_runtime",
                             "blueprint %s is for runtime %s, not %s", name, b->runtime, runtime);
    }
    (void)err_field(err, "runtime", "blueprint_missing",
                    "there is no blueprint of the tenant's for runtime %s",
                    runtime == NULL ? "?" : runtime);
    return err_hint(err, "write %s/%s-%s.conf, or say which with --blueprint", folder,
                    kv_get_or(call->facts, FACT_OLD_BLUEPRINT, "NAME"),
                    runtime == NULL ? "RUNTIME" : runtime);
}

static bool has_volume(const struct blueprint *b, const char *name)
{
    for (uint32_t i = 0; i < b->volume_count; i++)
        if (str_equal(b->volumes[i].name, name))
            return true;
    return false;
}

/* All that the tenant has must have its place in the new blueprint. */
static int same_data(const struct blueprint *old, const struct blueprint *b, struct err *err)
{
    if (old->database && !b->database)
        return err_set(err, ERR_CONFLICT, "database_missing",
                       "the tenant has a database, and blueprint %s knows of none", b->name);
    if (!old->database && b->database)
        return err_set(err, ERR_CONFLICT, "database_wanted",
                       "blueprint %s wants a database, and the tenant has none", b->name);
    for (uint32_t i = 0; i < old->volume_count; i++)
        if (!has_volume(b, old->volumes[i].name)) {
            (void)err_set(err, ERR_CONFLICT, "volume_missing",
                          "blueprint %s has no volume \"%s\", which holds the tenant's files",
                          b->name, old->volumes[i].name);
            return err_hint(err, "name it under [volumes] of that blueprint");
        }
    return 0;
}

/* A limit that is in force must not be lost on the way. */
static int same_limits(const struct step_call *call, const struct kind *from, const struct kind *to,
                       struct err *err)
{
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        if ((from->holds & limits[i].bit) != 0 && (to->holds & limits[i].bit) == 0 &&
            kv_get(call->facts, limits[i].fact) != NULL)
            return err_set(err, ERR_CONFLICT, "limit_not_held",
                           "runtime %s cannot hold the tenant's limit of %s", to->runtime,
                           limits[i].words);
    return 0;
}

static int not_carried(const char *from, const char *to, struct err *err)
{
    (void)err_field(err, "runtime", "move_not_possible",
                    "a tenant's data cannot be carried from runtime %s to %s", from, to);
    return err_hint(err, "nothing puts files into a container there, or gets them out: make a new "
                         "tenant and restore its data inside");
}

static int not_carried_far(struct err *err)
{
    (void)err_field(err, "runtime", "move_not_possible",
                    "a tenant's data cannot be carried to or from an engine on another machine");
    return err_hint(err, "its volumes are that engine's own: make a new tenant and carry its data "
                         "over inside");
}

static int may_move(const struct step_call *call, const struct blueprint *old,
                    const struct blueprint *b, struct err *err)
{
    const struct kind *from = kind_of(old->runtime), *to = kind_of(b->runtime);

    if (b->engine[0] != '\0' ||
        (str_equal(old->runtime, "docker") && kv_get_or(call->facts, FACT_OLD_NODE, "")[0] != '\0'))
        return not_carried_far(err);
    if (from == NULL || to == NULL || from->place != to->place)
        return not_carried(old->runtime, b->runtime, err);
    if (from == to && to->place == PLACE_CLUSTER)
        return str_equal(old->name, b->name)
                   ? 0
                   : err_field(err, "blueprint", "same_runtime",
                               "a container goes from one machine to another as it is");
    if (kv_get(&call->job->args, "node") != NULL)
        return err_field(err, "node", "node_not_possible",
                         "runtime %s has no machines to choose from", b->runtime);
    if (from == to)
        return err_field(err, "runtime", "same_runtime", "the tenant is in runtime %s already",
                         to->runtime);
    if (same_data(old, b, err) == -1)
        return -1;
    return same_limits(call, from, to, err);
}

/* ---- asking ---- */

/* A copy of the facts as they were at the old place. */
static void old_facts(const struct step_call *call, struct kv *out)
{
    static const char *const names[][2] = {
        {FACT_BLUEPRINT, FACT_OLD_BLUEPRINT}, {FACT_RUNTIME, FACT_OLD_RUNTIME},
        {FACT_PORT, FACT_OLD_PORT},           {FACT_ADDRESS, FACT_OLD_ADDRESS},
        {FACT_NODE, FACT_OLD_NODE},
    };

    *out = *call->facts;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (kv_get(call->facts, names[i][1]) == NULL)
            kv_unset(out, names[i][0]);
        else
            (void)kv_set(out, names[i][0], kv_get(call->facts, names[i][1]));
}

static enum outcome ask_old(struct step_call *call, enum hands_verb verb, bool flag, int timeout_ms,
                            struct err *err)
{
    struct step_call view = *call;
    struct hands_reply reply;
    struct kv facts;

    old_facts(call, &facts);
    view.facts = &facts;
    return steps_runtime_ask(&view, verb, flag, timeout_ms, &reply, err);
}

static enum outcome ask_new(struct step_call *call, enum hands_verb verb, bool flag, int timeout_ms,
                            struct err *err)
{
    struct hands_reply reply;

    return steps_runtime_ask(call, verb, flag, timeout_ms, &reply, err);
}

/* Whether the old one says anything at all. */
static bool old_answers(struct step_call *call)
{
    static const char *const headers[] = {"Connection: close", NULL};
    struct http_request request = {
        .profile = HTTP_PROBE, .method = "GET", .timeout_s = PROBE_S, .headers = headers};
    char url[300], origin[TENANT_ORIGIN_SIZE];
    struct http_answer answer;
    struct err err = {0};
    struct kv facts;
    bool answers;

    old_facts(call, &facts);
    facts_origin(&facts, origin);
    if (str_format(url, sizeof url, "http://%s%s", origin,
                   kv_get_or(call->facts, FACT_OLD_HEALTH_PATH, "/")) == -1)
        return false;
    request.url = url;
    http_answer_init(&answer, BODY_MAX);
    answers = (http_call(call->outside->probe, &request, &answer, &err) == 0 ||
               err.kind == ERR_TOO_LARGE) &&
              answer.status < 500;
    http_answer_free(&answer);
    return answers;
}

/* ---- steps ---- */

static int note_target(struct step_call *call, const struct blueprint *old,
                       const struct blueprint *b, struct err *err)
{
    struct kv *facts = call->facts;

    if (kv_set(facts, FACT_BLUEPRINT, b->name) == -1 ||
        kv_set(facts, FACT_RUNTIME, b->runtime) == -1 ||
        kv_set(facts, FACT_HEALTH_PATH, b->health_path) == -1 ||
        kv_set(facts, FACT_OLD_HEALTH_PATH, old->health_path) == -1 ||
        kv_set(facts, FACT_OLD_RUNTIME, old->runtime) == -1 ||
        kv_set_u64(facts, FACT_HEALTH_S, b->health_timeout_s) == -1 ||
        (b->database && kv_set(facts, FACT_DATABASE, "1") == -1) ||
        (!old_answers(call) && kv_set(facts, FACT_OLD_SILENT, "1") == -1))
        return err_set(err, ERR_TOO_LARGE, "facts_full", "the job's facts are full");
    return 0;
}

bool steps_move_within(const struct job *job)
{
    const struct kind *kind = kind_of(kv_get_or(&job->facts, FACT_RUNTIME, ""));

    return kind != NULL && kind->place == PLACE_CLUSTER;
}

bool steps_move_between(const struct job *job)
{
    return !steps_move_within(job);
}

/* A job's work with its container, for outside_guests. */
struct carrying {
    const struct step_call *call;
    const char *to; /* "": to be chosen */
};

static int choose(struct providers *p, const struct runtime_order *o, const struct blueprint *b,
                  void *arg, struct hands_reply *reply, struct err *err)
{
    const struct carrying *c = arg;

    return runtime_proxmox_place(&p->guests, o, b, c->to[0] == '\0' ? p->guest_nodes : c->to,
                                 o->node, reply->status.node, err);
}

static int carry(struct providers *p, const struct runtime_order *o, const struct blueprint *b,
                 void *arg, struct hands_reply *reply, struct err *err)
{
    const struct carrying *c = arg;

    return runtime_proxmox_migrate(&p->guests, o, b, c->to, &reply->status, err);
}

static enum outcome with_guest(struct step_call *call, const char *to,
                               int (*work)(struct providers *p, const struct runtime_order *o,
                                           const struct blueprint *b, void *arg,
                                           struct hands_reply *reply, struct err *err),
                               struct hands_reply *reply, struct err *err)
{
    struct carrying c = {call, to};
    struct hands_request request;
    struct outside_where where;

    facts_request(call, HANDS_RUNTIME_START, &request);
    facts_where(call->facts, &where);
    return outside_guests(call->outside, &where, &request, work, &c, reply, err);
}

/* The machine that it goes to, if it goes to another. */
static enum outcome choose_node(struct step_call *call, struct err *err)
{
    struct job view = {.facts = *call->facts};
    struct hands_reply reply;
    enum outcome outcome;

    if (!steps_move_within(&view))
        return OUTCOME_OK;
    outcome = with_guest(call, kv_get_or(&call->job->args, "node", ""), choose, &reply, err);
    if (outcome == OUTCOME_OK && kv_set(call->facts, FACT_TARGET_NODE, reply.status.node) == -1) {
        (void)err_set(err, ERR_TOO_LARGE, "facts_full", "the job's facts are full");
        outcome = OUTCOME_FAIL;
    }
    return outcome;
}

static enum outcome carry_to(struct step_call *call, const char *node, struct err *err)
{
    struct hands_reply reply;
    enum outcome outcome = with_guest(call, node, carry, &reply, err);

    if (outcome != OUTCOME_OK)
        return outcome;
    if (kv_set(call->facts, FACT_NODE, reply.status.node) == -1 ||
        kv_set(call->facts, FACT_ADDRESS, reply.status.address) == -1) {
        (void)err_set(err, ERR_TOO_LARGE, "facts_full", "the job's facts are full");
        return OUTCOME_FAIL;
    }
    (void)str_format(call->note, sizeof call->note, "on %s", reply.status.node);
    return OUTCOME_OK;
}

enum outcome steps_move_migrate(struct step_call *call, struct err *err)
{
    return carry_to(call, kv_get_or(call->facts, FACT_TARGET_NODE, ""), err);
}

/* Whoever was there before answers as before. */
static enum outcome old_again(struct step_call *call, struct err *err)
{
    if (kv_get(call->facts, FACT_OLD_SILENT) != NULL || old_answers(call))
        return OUTCOME_OK;
    (void)err_set(err, ERR_NETWORK, "old_silent", "the old one was started and does not answer");
    (void)err_hint(err, "sett tenant logs %s tells what it says",
                   kv_get_or(&call->job->args, "tenant_id", ""));
    call->wait_ms = ANSWER_MS;
    return OUTCOME_AGAIN;
}

static void note_old_address(struct step_call *call)
{
    const char *address = kv_get_or(call->facts, FACT_ADDRESS, "");
    char service[TENANT_ORIGIN_SIZE + 16];

    (void)kv_set(call->facts, FACT_OLD_ADDRESS, address);
    (void)str_format(service, sizeof service, "http://%s", address);
    if (kv_get(call->facts, FACT_OLD_SERVICE) != NULL)
        (void)kv_set(call->facts, FACT_OLD_SERVICE, service);
}

enum outcome steps_move_unmigrate(struct step_call *call, struct err *err)
{
    enum outcome outcome = carry_to(call, kv_get_or(call->facts, FACT_OLD_NODE, ""), err);

    if (outcome == OUTCOME_OK) /* its address may be another by now */
        note_old_address(call);
    return outcome == OUTCOME_OK ? old_again(call, err) : outcome;
}

enum outcome steps_move_target(struct step_call *call, struct err *err)
{
    struct blueprint *both = calloc(2, sizeof *both);
    enum outcome outcome = OUTCOME_FAIL;

    if (both == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a blueprint");
        return OUTCOME_AGAIN;
    }
    if (blueprint_load(&both[0], call->outside->paths.blueprints,
                       kv_get_or(call->facts, FACT_OLD_BLUEPRINT, ""), err) == 0 &&
        find_blueprint(call, &both[1], err) == 0 && may_move(call, &both[0], &both[1], err) == 0 &&
        note_target(call, &both[0], &both[1], err) == 0)
        outcome = ask_new(call, HANDS_RUNTIME_FIT, false, LOOK_MS, err);
    if (outcome == OUTCOME_OK || outcome == OUTCOME_ABSENT)
        outcome = choose_node(call, err);
    free(both);
    return outcome;
}

bool steps_move_uncreated(const struct job *job)
{
    return str_equal(kv_get_or(&job->facts, FACT_RUNTIME, ""), "process") || steps_move_within(job);
}

enum outcome steps_move_create(struct step_call *call, struct err *err)
{
    return ask_new(call, HANDS_RUNTIME_CREATE, false, CREATE_MS, err);
}

enum outcome steps_move_uncreate(struct step_call *call, struct err *err)
{
    return ask_new(call, HANDS_RUNTIME_REMOVE, false, STOP_MS, err);
}

enum outcome steps_move_stop(struct step_call *call, struct err *err)
{
    return ask_old(call, HANDS_RUNTIME_STOP, false, STOP_MS, err);
}

/* The files are its own again, it starts, and it answers as it did. */
enum outcome steps_move_unstop(struct step_call *call, struct err *err)
{
    enum outcome outcome = ask_old(call, HANDS_RUNTIME_CREATE, true, CREATE_MS, err);

    if (outcome == OUTCOME_OK)
        outcome = ask_old(call, HANDS_RUNTIME_START, false, CREATE_MS, err);
    return outcome == OUTCOME_OK ? old_again(call, err) : outcome;
}

enum outcome steps_move_clear(struct step_call *call, struct err *err)
{
    return ask_old(call, HANDS_RUNTIME_REMOVE, false, STOP_MS, err);
}

enum outcome steps_move_start(struct step_call *call, struct err *err)
{
    enum outcome outcome = ask_new(call, HANDS_RUNTIME_CREATE, true, CREATE_MS, err);

    if (outcome == OUTCOME_OK)
        outcome = ask_new(call, HANDS_RUNTIME_START, false, CREATE_MS, err);
    return outcome;
}

enum outcome steps_move_unstart(struct step_call *call, struct err *err)
{
    return ask_new(call, HANDS_RUNTIME_STOP, false, STOP_MS, err);
}
