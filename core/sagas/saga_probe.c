/*
 * A probe as a job: its journal's rows are the findings, its facts what they were drawn from. Apart
 * from the tunnels' sagas because it changes nothing, and so holds nothing but itself: what is
 * stuck is what a probe is wanted for.
 */
#include "sagas.h"

#include <string.h>

#include "probe.h"
#include "str.h"

/* A stage's findings in one row, with semicolons; what does not fit is left out at its end. */
static void add(void *arg, enum probe_sign sign, const char *text)
{
    struct step_call *call = arg;
    size_t have = strlen(call->note);

    (void)sign;
    (void)str_format(call->note + have, sizeof call->note - have, "%s%s", have > 0 ? "; " : "",
                     text);
}

static enum outcome look(struct step_call *call, size_t stage)
{
    struct probe_notes notes = {.add = add, .arg = call};

    probe_stages[stage].look(call->outside, call->facts, &notes);
    return OUTCOME_OK;
}

static enum outcome look_service(struct step_call *call, struct err *err)
{
    (void)err;
    return look(call, 0);
}

static enum outcome look_connector(struct step_call *call, struct err *err)
{
    (void)err;
    return look(call, 1);
}

static enum outcome look_way(struct step_call *call, struct err *err)
{
    (void)err;
    return look(call, 2);
}

static enum outcome look_name(struct step_call *call, struct err *err)
{
    (void)err;
    return look(call, 3);
}

static enum outcome look_door(struct step_call *call, struct err *err)
{
    (void)err;
    return look(call, 4);
}

static bool needless(const struct job *job, size_t stage)
{
    return probe_stages[stage].needless != NULL && probe_stages[stage].needless(&job->facts);
}

static bool without_connector(const struct job *job)
{
    return needless(job, 1);
}

static bool without_way(const struct job *job)
{
    return needless(job, 2);
}

static bool without_name(const struct job *job)
{
    return needless(job, 3);
}

static bool without_door(const struct job *job)
{
    return needless(job, 4);
}

static int read_target(struct txn *txn, struct job *job, void *context, struct err *err)
{
    return probe_read(txn, context, job, err);
}

static enum outcome draw(struct step_call *call, struct err *err)
{
    struct probe_verdict v;
    struct kv *f = call->facts;

    (void)err;
    probe_verdict(f, &v);
    probe_fact(f, "verdict", v.code);
    probe_fact(f, "verdict.cause", v.cause);
    probe_fact(f, "verdict.change", v.change);
    probe_fact(f, "verdict.command", v.command);
    add(call, PROBE_NOTE, v.cause);
    add(call, PROBE_NOTE, v.command[0] != '\0' ? v.command : v.change);
    return OUTCOME_OK;
}

/* clang-format off */
static const struct step probe[] = {
    {.name = "target", .title = "Read what is to be probed", .apply = read_target,
     .flags = STEP_QUIET},
    {.name = "service", .title = "Ask the service itself", .make = look_service},
    {.name = "connector", .title = "Look at the connector", .needless = without_connector,
     .make = look_connector},
    {.name = "way", .title = "Look at rule and record", .needless = without_way, .make = look_way},
    {.name = "name", .title = "Ask the DNS", .needless = without_name, .make = look_name},
    {.name = "door", .title = "Ask at the front door", .needless = without_door, .make = look_door},
    {.name = "verdict", .title = "Draw the conclusion", .make = draw},
};
const struct saga saga_tunnel_probe = {
    .name = "tunnel.probe", .title = "Probe a tunnel", .subject = "probe",
    .steps = probe, .step_count = sizeof probe / sizeof probe[0],
};
