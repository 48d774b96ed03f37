/*
 * Whether a name can be had, before anybody asks for it: for the form of a new tenant and for the
 * public order page. Apart from tenants because whoever asks need not be signed in, so it is never
 * said here who has a name, only that somebody does.
 */
#include "name.h"

#include "name_reserved.h"
#include "nouns.h"
#include "params.h"
#include "plan.h"
#include "str.h"
#include "tenant.h"

#define SUGGESTIONS 3

struct name_params {
    char name[160], plan[96];
};
static const struct field name_rows[] = {
    FIELD(struct name_params, name, FIELD_TEXT, .flags = FIELD_PATH | FIELD_REQUIRED,
          .help = "the name that is wished for, as it was typed"),
    FIELD(struct name_params, plan, FIELD_TEXT, .help = "for this plan, which must be on offer"),
};

enum standing { AVAILABLE, TAKEN, RESERVED, INVALID };
static const char *const standing_names[] = {"available", "taken", "reserved", "invalid", NULL};

static const struct field name_shape_rows[] = {
    {.name = "name", .type = FIELD_TEXT, .size = 160, .help = "as it was asked"},
    {.name = "available", .type = FIELD_BOOL, .size = 1, .help = "can be had now"},
    {.name = "state",
     .type = FIELD_ENUM,
     .size = 4,
     .names = standing_names,
     .help = "available, or why it is not"},
    {.name = "code", .type = FIELD_TEXT, .size = 32, .help = "invalid: what is wrong, as a word"},
    {.name = "reason", .type = FIELD_TEXT, .size = 160, .help = "why it cannot be had"},
    {.name = "url", .type = FIELD_TEXT, .size = 160, .help = "the address that it would give"},
};
static const struct fields name_shape_fields = {
    name_shape_rows, sizeof name_shape_rows / sizeof name_shape_rows[0], 0};

/* How a label stands now, or -1. */
static int standing(struct op_call *call, const char *label, struct err *err)
{
    char owner[ID_SIZE];
    int held;

    if (name_fault(label) != NULL)
        return INVALID;
    if (name_is_reserved(label))
        return RESERVED;
    if ((held = name_owner(call->txn, label, owner, err)) < 0)
        return -1;
    return held ? TAKEN : AVAILABLE;
}

/* "acme" with ${suffix} behind it, shortened so that it fits. */
static void suffixed(char out[NAME_LABEL_MAX + 1], const char *base, const char *suffix)
{
    size_t keep = strlen(base), most = NAME_LABEL_MAX - strlen(suffix);

    if (keep > most)
        keep = most;
    while (keep > 0 && base[keep - 1] == '-')
        keep--;
    (void)str_format(out, NAME_LABEL_MAX + 1, "%.*s%s", (int)keep, base, suffix);
}

/* The first of these that are free; the name itself, written as a label, when it was not one. */
static int suggest(struct op_call *call, const char *name, enum standing state, struct err *err)
{
    static const char *const suffixes[] = {"",   "-2", "-online", "-app", "-team", "-hq",
                                           "-3", "-4", "-5",      "-6",   "-7",    "-8"};
    char base[NAME_LABEL_MAX + 1], label[NAME_LABEL_MAX + 1];
    unsigned found = 0;

    json_out_key(call->out, "suggestions");
    json_out_array(call->out);
    name_from(base, sizeof base, name);
    for (size_t i = 0;
         state != AVAILABLE && found < SUGGESTIONS && i < sizeof suffixes / sizeof suffixes[0];
         i++) {
        int how;

        suffixed(label, base, suffixes[i]);
        if ((how = standing(call, label, err)) < 0)
            return -1;
        if (how != AVAILABLE)
            continue;
        json_out_text(call->out, label);
        found++;
    }
    json_out_end_array(call->out);
    return 0;
}

/* That whoever asks could have the plan. */
static int on_offer(struct op_call *call, const char *text, struct err *err)
{
    struct plan plan = {0};
    int found = plan_resolve(call->txn, text, &plan, err);

    if (found < 0)
        return -1;
    if (!found || (!plan.offered && call->actor.role < ROLE_VIEWER))
        return err_field(err, "plan", "plan_not_found", "there is no plan %.80s", text);
    return 0;
}

static void say_why(struct json_out *j, const char *name, enum standing state)
{
    const struct name_fault *fault = name_fault(name);
    char text[160];

    json_out_key(j, "code");
    if (state == AVAILABLE)
        json_out_null(j);
    else
        json_out_text(j, state == INVALID ? fault->code : standing_names[state]);
    json_out_key(j, "reason");
    if (state == AVAILABLE) {
        json_out_null(j);
        return;
    }
    (void)str_format(text, sizeof text, "the name \"%.64s\" %s", name,
                     state == INVALID ? fault->text
                     : state == TAKEN ? "is taken"
                                      : "is reserved");
    json_out_text(j, text);
}

static int name_check_run(struct op_call *call, struct err *err)
{
    const struct name_params *p = call->params;
    struct json_out *j = call->out;
    char url[160] = "";
    int state;

    if (p->plan[0] != '\0' && on_offer(call, p->plan, err) != 0)
        return -1;
    if ((state = standing(call, p->name, err)) < 0 ||
        (state != INVALID &&
         tenant_url(call->txn, &call->box->conf, p->name, url, sizeof url, err) != 0))
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "name");
    json_out_key_text(j, "name", p->name);
    json_out_key_bool(j, "available", state == AVAILABLE);
    json_out_key_text(j, "state", standing_names[state]);
    say_why(j, p->name, (enum standing)state);
    json_out_key_text(j, "url", url);
    if (suggest(call, p->name, (enum standing)state, err) != 0)
        return -1;
    json_out_end_object(j);
    return 0;
}

const struct op name_ops[] = {
    {.name = "name.check",
     .role = ROLE_PUBLIC,
     .flags = OP_READ,
     .params = PARAMS(name_rows, struct name_params),
     .help = "Say whether a name can be had as a subdomain, and which like it could",
     .example = "acme --plan demo",
     .result = &name_shape_fields,
     .run = name_check_run},
    {.name = NULL},
};
