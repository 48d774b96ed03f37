/*
 * Logs of everything, together. Apart from tenants' and tunnels' own logs because here they are
 * searched, put in one order and taken away.
 */
#include "ask.h"
#include "enquire.h"
#include "log_line.h"
#include "log_ops.h"
#include "nouns.h"
#include "params.h"
#include "str.h"

#include <stdlib.h>
#include <string.h>

#define WAIT_MS     40000
#define LEVEL_PLACE 1 /* of the row level */

static const char *const level_names[] = {"error", "warning", "info", "debug", NULL};
static const char *const format_names[] = {"json", "csv", "text", NULL};

struct log_params {
    char source[400], q[200];
    uint32_t level, format, limit;
    int64_t since, until;
    char starting_after[48], ending_before[48];
};
static const struct field log_rows[] = {
    FIELD(struct log_params, source, FIELD_TEXT,
          .help =
              "front, worker, hands, web, connectors, tunnel:ID, tenant:ID; several with commas; "
              "none: all of the box's own"),
    FIELD(struct log_params, level, FIELD_ENUM, .names = level_names,
          .help = "only lines that are at least so grave"),
    FIELD(struct log_params, q, FIELD_TEXT, .help = "only lines with this in them"),
    FIELD(struct log_params, since, FIELD_TIME, .help = "only from this time on"),
    FIELD(struct log_params, until, FIELD_TIME, .help = "only up to this time"),
    FIELD(struct log_params, limit, FIELD_U32, .min = 1, .max = 5000,
          .help = "how many lines, the newest (200)"),
    FIELD(struct log_params, starting_after, FIELD_TEXT,
          .help = "only older than the line of this id"),
    FIELD(struct log_params, ending_before, FIELD_TEXT,
          .help = "only newer than the line of this id, those that come next"),
    FIELD(struct log_params, format, FIELD_ENUM, .names = format_names,
          .help = "json: a list, newest first; csv and text: to take away, in order"),
};

static const struct field line_rows[] = {
    {.name = "id", .type = FIELD_TEXT, .size = 48, .help = "place, for starting_after"},
    {.name = "at", .type = FIELD_TIME, .size = 8, .help = "when; null: the line does not say"},
    {.name = "source", .type = FIELD_TEXT, .size = 64, .help = "who wrote it; tunnel:NUMBER"},
    {.name = "level", .type = FIELD_TEXT, .size = 8, .help = "error, warning, info or debug"},
    {.name = "text", .type = FIELD_TEXT, .size = 2048, .help = "what it says, without secrets"},
};
static const struct fields shape = {line_rows, sizeof line_rows / sizeof line_rows[0], 0};

/* "17645…-0a1b2c3d", as the worker made it. */
static int check_place(const char *field, const char *id, struct err *err)
{
    if (id[strspn(id, "0123456789abcdef-")] == '\0')
        return 0;
    return err_field(err, field, "not_a_place", "%s is not the id of a line", field);
}

/* A closed list, but for tenants and tunnels. */
static int check_sources(const char *list, struct err *err)
{
    static const char *const own[] = {"front", "worker", "hands", "web", "connectors", NULL};
    char one[120];

    for (const char *at = list; *at != '\0';) {
        size_t len = strcspn(at, ",");
        const char *colon;

        if (str_copy_n(one, sizeof one, at, len) == -1 ||
            one[strspn(one, "abcdefghijklmnopqrstuvwxyz0123456789_:-.")] != '\0')
            return err_field(err, "source", "source_unknown", "there is no such source");
        colon = strchr(one, ':');
        if (enum_find(own, one) == -1 &&
            (colon == NULL || colon[1] == '\0' ||
             (!str_starts(one, "tenant:") && !str_starts(one, "tunnel:"))))
            return err_field(err, "source", "source_unknown", "there is no log of %.60s", one);
        at += len + (at[len] == ',');
    }
    return 0;
}

/* What the worker is asked. */
static int wish_of(const struct log_params *p, bool level, const char *format, const char *after,
                   struct kv *params, struct err *err)
{
    if (check_place("starting_after", p->starting_after, err) == -1 ||
        check_place("ending_before", after, err) == -1 || check_sources(p->source, err) == -1)
        return -1;
    kv_clear(params);
    (void)kv_set(params, "source", p->source);
    (void)kv_set(params, "q", p->q);
    (void)kv_set(params, "level", level ? level_names[p->level] : "debug");
    (void)kv_set(params, "format", format);
    (void)kv_set(params, "before", p->starting_after);
    (void)kv_set(params, "after", after);
    (void)kv_set_u64(params, "since_ms", p->since > 0 ? (uint64_t)p->since : 0);
    (void)kv_set_u64(params, "until_ms", p->until > 0 ? (uint64_t)p->until : 0);
    (void)kv_set_u64(params, "limit", p->limit == 0 ? 200 : p->limit);
    return 0;
}

static int log_slow(struct op_call *call, struct err *err)
{
    const struct log_params *p = call->params;
    struct kv params;

    return wish_of(p, op_given(call, "level"), format_names[p->format], p->ending_before, &params,
                   err) == -1
               ? -1
               : ask(call->box->paths.ask_sock, "log", &params, WAIT_MS, &call->answer, err);
}

/* The id in the last "id: " of what was appended. */
static void last_id(const struct buf *out, size_t from, char after[48])
{
    const char *begin = out->data + from, *at = begin;

    while (out->len > from && (at = strstr(at, "id: ")) != NULL) {
        if (at == begin || at[-1] == '\n')
            (void)str_copy_n(after, 48, at + 4, strcspn(at + 4, "\n"));
        at += 4;
    }
}

int log_events(const struct op_box *box, const char *query, char after[48], struct buf *out,
               struct err *err)
{
    const struct op *op = op_find("log.list");
    struct log_params *p = calloc(1, sizeof *p);
    size_t before = out->len;
    uint64_t given = 0;
    struct kv params;
    int rc = -1;

    if (p == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a stream");
    if (params_form(op->params, query, strlen(query), p, &given, err) == 0 &&
        wish_of(p, (given & 1u << LEVEL_PLACE) != 0, "events",
                after[0] != '\0' ? after : p->ending_before, &params, err) == 0)
        rc = ask(box->paths.ask_sock, "log", &params, WAIT_MS, out, err);
    if (rc == 0)
        last_id(out, before, after);
    free(p);
    return rc;
}

static int log_run(struct op_call *call, struct err *err)
{
    const struct log_params *p = call->params;

    if (p->format == 0)
        return enquire_reply_json(call, err);
    (void)str_copy(call->content_type, sizeof call->content_type,
                   p->format == 1 ? "text/csv; charset=utf-8" : "text/plain; charset=utf-8");
    return buf_add(call->out->buf, call->answer.data, call->answer.len) == 0
               ? 0
               : err_set(err, ERR_TOO_LARGE, "log_too_large", "that are too many lines");
}

const struct op log_ops[] = {
    {.name = "log.list",
     .role = ROLE_OPERATOR,
     .flags = OP_READ | OP_ASK | OP_LIST | OP_BARE,
     .params = PARAMS(log_rows, struct log_params),
     .help = "Lines of the logs of front, worker, hands, web server, connectors and tenants",
     .example = "--source worker,hands --level warning --q tunnel",
     .result = &shape,
     .slow = log_slow,
     .run = log_run},
    {.name = NULL},
};
