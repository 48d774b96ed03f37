/*
 * Writing to many. Apart from the other operations on mails because the selection is counted before
 * anything is written: an operator sees how many, and who, and there is a bound.
 */
#include "mail_send.h"

#include "clock.h"
#include "customer.h"
#include "letter_text.h"
#include "mailing.h"
#include "object.h"
#include "params.h"
#include "plan.h"
#include "str.h"
#include "tenant.h"

#include <stdlib.h>
#include <string.h>

#define SEEN_MOST (2 * (size_t)MAILING_MOST)
#define LOOK_MOST 200000 /* tenants looked at */

enum kind { KIND_MESSAGE, KIND_MAINTENANCE };
static const char *const kind_names[] = {"message", "maintenance", NULL};

struct send_params {
    uint32_t kind, state;
    char plan[64], customer[96], subject[200], text[MAILING_TEXT], reason[400];
    int64_t from, until;
};
static const struct field rows[] = {
    FIELD(struct send_params, kind, FIELD_ENUM, .names = kind_names,
          .help = "message: your own text; maintenance: announced in each customer's language"),
    FIELD(struct send_params, state, FIELD_ENUM, .names = tenant_state_names,
          .help = "only customers of tenants in this state (all that are not deleted)"),
    FIELD(struct send_params, plan, FIELD_TEXT, .help = "only customers of tenants of this plan"),
    FIELD(struct send_params, customer, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "only this customer"),
    FIELD(struct send_params, subject, FIELD_TEXT, .help = "message: its subject"),
    FIELD(struct send_params, text, FIELD_TEXT, .flags = FIELD_FREE,
          .help = "message: its text, from --text-file too; {{customer}} {{tenant}} {{address}} "
                  "{{box}} are replaced"),
    FIELD(struct send_params, from, FIELD_TIME, .help = "maintenance: begins at"),
    FIELD(struct send_params, until, FIELD_TIME, .help = "maintenance: ends at"),
    FIELD(struct send_params, reason, FIELD_TEXT, .help = "maintenance: what is done"),
};
const struct fields mail_send_params = {rows, sizeof rows / sizeof rows[0],
                                        sizeof(struct send_params)};

static const struct field result_rows[] = {
    {.name = "id", .type = FIELD_TEXT, .size = ID_SIZE, .help = "id of the mailing"},
    {.name = "letters", .type = FIELD_U32, .size = 4, .help = "how many will be written"},
    {.name = "without_address",
     .type = FIELD_U32,
     .size = 4,
     .help = "customers that have no e-mail address"},
    {.name = "recipients",
     .type = FIELD_KV,
     .help = "plan: the first twenty, address and name; else empty"},
};
const struct fields mail_send_result = {result_rows, sizeof result_rows / sizeof result_rows[0], 0};

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int too_many(struct err *err)
{
    (void)err_set(err, ERR_QUOTA, "mailing_too_large", "that would be more than %d letters",
                  MAILING_MOST);
    return err_hint(err, "narrow the selection by --state or --plan");
}

/* Whether a customer comes for the first time. There is room for one more. */
static bool fresh(struct mail_reckoning *r, const char *id)
{
    size_t low = 0, high = r->seen_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int c = compare(r->seen[middle], id);

        if (c == 0)
            return false;
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    memmove(r->seen[low + 1], r->seen[low], (r->seen_count - low) * sizeof r->seen[0]);
    (void)str_copy(r->seen[low], sizeof r->seen[low], id);
    r->seen_count++;
    return true;
}

static int reckon_one(struct txn *txn, struct mail_reckoning *r, const struct tenant *tenant,
                      struct err *err)
{
    struct customer customer = {0};
    int found;

    if (r->seen_count == SEEN_MOST)
        return too_many(err);
    if (!mailing_means(&r->mailing, tenant) ||
        (!r->mailing.per_tenant && !fresh(r, tenant->customer_id)))
        return 0;
    (void)str_copy(customer.id, sizeof customer.id, tenant->customer_id);
    if ((found = record_get(txn, &customer_table, &customer, err)) <= 0)
        return found;
    if (customer.email[0] == '\0') {
        r->without_address++;
        return 0;
    }
    if (r->named < MAIL_SEND_NAMED) {
        (void)str_copy(r->first[r->named].email, sizeof r->first[0].email, customer.email);
        (void)str_copy(r->first[r->named++].name, sizeof r->first[0].name, customer.name);
    }
    return ++r->letters > MAILING_MOST ? too_many(err) : 0;
}

static int reckon(struct txn *txn, struct mail_reckoning *r, struct err *err)
{
    struct tenant tenant;
    struct scan scan;
    unsigned looked = 0;
    int got;

    if (scan_start(&scan, txn, &tenant_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while (looked++ < LOOK_MOST && (got = scan_next(&scan, &tenant, err)) != 0)
        if (got < 0 || reckon_one(txn, r, &tenant, err) != 0)
            return -1;
    return looked > LOOK_MOST ? too_many(err) : 0;
}

/* That the text can be written at all, and whether it speaks of a tenant. */
static int take_text(const struct op_call *call, struct mailing *m, struct err *err)
{
    const struct send_params *p = call->params;
    struct letter_parts parts;
    struct kv values;
    int result;

    if (p->subject[0] == '\0' || p->text[0] == '\0')
        return err_field(err, p->subject[0] == '\0' ? "subject" : "text", "required",
                         "%s is missing", p->subject[0] == '\0' ? "subject" : "text");
    letter_sample(NULL, "en", &values);
    letter_parts_init(&parts);
    result = letter_render_own(p->subject, p->text, &values, &parts, err);
    letter_parts_free(&parts);
    if (result != 0) {
        (void)str_copy(err->field, sizeof err->field, "text");
        return -1;
    }
    (void)str_copy(m->subject, sizeof m->subject, p->subject);
    (void)str_copy(m->text, sizeof m->text, p->text);
    m->per_tenant =
        strstr(p->text, "{{tenant}}") != NULL || strstr(p->text, "{{address}}") != NULL ||
        strstr(p->subject, "{{tenant}}") != NULL || strstr(p->subject, "{{address}}") != NULL;
    return 0;
}

static int take_maintenance(const struct op_call *call, struct mailing *m, struct err *err)
{
    const struct send_params *p = call->params;
    char from[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE];

    if (p->from == 0 || p->until <= p->from)
        return err_field(err, p->from == 0 ? "from" : "until", "required",
                         "a maintenance needs from, and until after it");
    if (p->reason[0] == '\0')
        return err_field(err, "reason", "required", "reason is missing");
    clock_text(from, p->from);
    clock_text(until, p->until);
    m->per_tenant = true;
    if (kv_set(&m->params, "from", from) != 0 || kv_set(&m->params, "until", until) != 0 ||
        kv_set(&m->params, "reason", p->reason) != 0)
        return err_field(err, "reason", "too_long", "reason is too long");
    return 0;
}

static int take(struct op_call *call, struct mailing *m, struct err *err)
{
    const struct send_params *p = call->params;
    struct customer customer = {0};
    struct plan plan = {0};

    (void)str_copy(m->kind, sizeof m->kind, kind_names[p->kind]);
    (void)str_copy(m->actor, sizeof m->actor, call->actor.id);
    m->by_state = op_given(call, "state");
    m->state = p->state;
    if (p->kind == KIND_MESSAGE ? take_text(call, m, err) != 0
                                : take_maintenance(call, m, err) != 0)
        return -1;
    if (p->plan[0] != '\0') {
        if (object_refer(call, &plan_table, "plan", p->plan, &plan, err) != 0)
            return -1;
        (void)str_copy(m->plan_id, sizeof m->plan_id, plan.id);
    }
    if (p->customer[0] != '\0') {
        if (object_refer(call, &customer_table, "customer", p->customer, &customer, err) != 0)
            return -1;
        (void)str_copy(m->customer_id, sizeof m->customer_id, customer.id);
    }
    return 0;
}

int mail_send_slow(struct op_call *call, struct err *err)
{
    struct mail_reckoning *r = call->scratch;
    struct txn *txn;
    int result = -1;

    if ((r->seen = calloc(SEEN_MOST + 1, sizeof r->seen[0])) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a mailing");
    if (db_read(&txn, call->box->db, err) == 0) {
        call->txn = txn;
        result = take(call, &r->mailing, err) != 0 ? -1 : reckon(txn, r, err);
        db_read_end(txn);
        call->txn = NULL;
    }
    free(r->seen);
    r->seen = NULL;
    return result;
}

int mail_send_run(struct op_call *call, struct err *err)
{
    struct mail_reckoning *r = call->scratch;
    struct json_out *j = call->out;

    if (r->letters == 0)
        return err_set(err, ERR_CONFLICT, "nobody_meant", "no customer with an address is meant");
    if (!call->plan && mailing_new(call->txn, &r->mailing, err) != 0)
        return -1;
    (void)str_format(call->audit.reason, sizeof call->audit.reason, "%u letters: %.120s",
                     r->letters,
                     r->mailing.subject[0] != '\0' ? r->mailing.subject : r->mailing.kind);
    (void)str_copy(call->audit.object, sizeof call->audit.object, r->mailing.id);
    json_out_object(j);
    json_out_key_text(j, "object", call->plan ? "plan" : "mailing");
    json_out_key_text(j, "id", r->mailing.id);
    json_out_key_u64(j, "letters", r->letters);
    json_out_key_u64(j, "without_address", r->without_address);
    json_out_key(j, "recipients");
    json_out_object(j);
    for (uint32_t i = 0; call->plan && i < r->named; i++)
        json_out_key_text(j, r->first[i].email, r->first[i].name);
    json_out_end_object(j);
    json_out_end_object(j);
    return 0;
}
