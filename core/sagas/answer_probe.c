/*
 * A probe answered now: each finding is told as it is made, the answer is all of them and what they
 * come to. Apart from the saga because this one leaves nothing in the store.
 */
#include "answer_about.h"

#include <string.h>

#include "json_out.h"
#include "probe.h"
#include "str.h"

#define PUBLIC_PER_MINUTE 20
#define BUSY_S            5

/* The findings so far, and who listens. */
struct report {
    const struct answer_setup *setup;
    struct json_out *j;
    const char *stage;
};

static void add(void *arg, enum probe_sign sign, const char *text)
{
    static const char *const signs[] = {[PROBE_GOOD] = "✓", [PROBE_NOTE] = "·", [PROBE_BAD] = "✗"};
    struct report *r = arg;
    char line[512];

    json_out_object(r->j);
    json_out_key_text(r->j, "stage", r->stage);
    json_out_key_text(r->j, "sign", probe_sign_names[sign]);
    json_out_key_text(r->j, "text", text);
    json_out_end_object(r->j);
    if (r->setup->progress == NULL)
        return;
    (void)str_format(line, sizeof line, "%s %-9s %s", signs[sign], r->stage, text);
    r->setup->progress(r->setup->progress_arg, line);
}

static void write_verdict(struct json_out *j, const struct kv *facts)
{
    struct probe_verdict v;

    probe_verdict(facts, &v);
    json_out_key_bool(j, "fine", v.fine);
    json_out_key_text(j, "code", v.code);
    json_out_key_text(j, "cause", v.cause);
    json_out_key_text(j, "change", v.change);
    json_out_key_text(j, "command", v.command);
}

static int read_facts(const struct answer_setup *s, const struct kv *params, struct job *job,
                      struct err *err)
{
    struct txn *txn;
    int result;

    job->args = *params;
    if (db_read(&txn, s->context->db, err) == -1)
        return -1;
    result = probe_read(txn, s->context, job, err);
    db_read_end(txn);
    return result;
}

static int refuse(struct err *err, enum err_kind kind, const char *code, const char *text,
                  uint32_t wait_s)
{
    (void)err_set(err, kind, code, "%s", text);
    err->retry_after_s = wait_s;
    return -1;
}

/* What a customer names is somebody else's, who is not to be asked all the time. */
static int enter(const struct answer_setup *s, const struct kv *params, struct err *err)
{
    uint32_t wait_s = kv_get(params, "public") == NULL
                          ? 0
                          : outside_gate(s->outside, "probe.public", PUBLIC_PER_MINUTE);

    if (wait_s != 0)
        return refuse(err, ERR_RATE, "probe_rate", "too many addresses were probed", wait_s);
    if (!outside_probe_enter(s->outside))
        return refuse(err, ERR_UNAVAILABLE, "busy_probing", "too many probes at once", BUSY_S);
    return 0;
}

static int probe(const struct answer_setup *s, const struct kv *params, struct buf *out,
                 struct err *err)
{
    struct job *job = calloc(1, sizeof *job);
    struct report report = {.setup = s};
    struct probe_notes notes = {.add = add, .arg = &report};
    struct json_out j;
    int result = -1;

    if (job == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a probe");
    if (read_facts(s, params, job, err) == 0) {
        json_out_init(&j, out);
        json_out_object(&j);
        json_out_key_text(&j, "object", "probe");
        json_out_key_text(&j, "tunnel_id", kv_get_or(&job->facts, FACT_TUNNEL, ""));
        json_out_key_text(
            &j, "service",
            kv_get_or(&job->facts, PROBE_URL, kv_get_or(&job->facts, FACT_SERVICE, "")));
        json_out_key_text(&j, "path", kv_get_or(&job->facts, PROBE_PATH, ""));
        json_out_key(&j, "findings");
        json_out_array(&j);
        report.j = &j;
        for (size_t i = 0; i < probe_stage_count; i++) {
            report.stage = probe_stages[i].name;
            if (probe_stages[i].needless == NULL || !probe_stages[i].needless(&job->facts))
                probe_stages[i].look(s->outside, &job->facts, &notes);
        }
        json_out_end_array(&j);
        write_verdict(&j, &job->facts);
        json_out_end_object(&j);
        result = 0;
    }
    free(job);
    return result;
}

int answer_tunnel_probe(const struct answer_setup *s, const struct kv *params, struct buf *out,
                        struct err *err)
{
    int result;

    if (enter(s, params, err) == -1)
        return -1;
    result = probe(s, params, out, err);
    outside_probe_leave(s->outside);
    return result;
}
