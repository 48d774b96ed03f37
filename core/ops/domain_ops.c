/* Customers' domains: listed, shown, looked at and explained. What changes one is in
 * domain_change.c.
 */
#include "custom_domain.h"

#include "custom_domain_text.h"
#include "customer.h"
#include "domain_change.h"
#include "domain_find.h"
#include "enquire.h"
#include "json_in.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "str.h"

enum language { LANGUAGE_EN, LANGUAGE_ES, LANGUAGE_DE };
struct instructions_params {
    char id[96];
    uint32_t language;
};
static const struct field instructions_rows[] = {
    ID_FIELD(struct instructions_params),
    FIELD(struct instructions_params, language, FIELD_ENUM, .names = custom_domain_languages,
          .help = "en, es or de (the customer's)"),
};

static int domain_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct custom_domain d = {0};

    if (domain_change_find(call, p->id, &d, err) != 0)
        return -1;
    return object_reply(call, &view_domain, &d, err);
}

/* ---- a look ---- */

static int check_slow(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct custom_domain d = {0};
    struct kv params;
    struct txn *txn;
    int found;

    if (db_read(&txn, call->box->db, err) == -1)
        return -1;
    call->txn = txn;
    found = domain_change_find(call, p->id, &d, err);
    db_read_end(txn);
    call->txn = NULL;
    kv_clear(&params);
    if (found == -1 || kv_set(&params, "domain_id", d.id) == -1)
        return -1;
    return enquire_ask(call, "domain", &params, 0, err);
}

/* What was seen is told at once; the rounds look again by themselves and note it. */
static int domain_check_run(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct custom_domain d = {0};

    if (domain_change_find(call, p->id, &d, err) != 0 ||
        json_check(buf_string(&call->answer), call->answer.len, &json_limits_provider, err) != 0)
        return -1;
    object_before(call, &custom_domain_table, &d);
    if (d.due_at != 0) {
        d.due_at = txn_time_ms(call->txn);
        if (custom_domain_put(call->txn, &d, err) != 0)
            return -1;
    }
    object_after(call, &custom_domain_table, &d);
    json_out_object(call->out);
    json_out_key_text(call->out, "object", "domain_check");
    json_out_key_text(call->out, "id", d.id);
    json_out_key_text(call->out, "name", d.name);
    json_out_key_text(call->out, "state", domain_state_names[d.state]);
    json_out_key_text(call->out, "state_reason", d.state_reason);
    json_out_key(call->out, "seen");
    json_out_raw(call->out, call->answer.data, call->answer.len);
    json_out_end_object(call->out);
    return 0;
}

/* ---- instructions ---- */

static int language_of(struct op_call *call, const struct custom_domain *d, const char **out,
                       struct err *err)
{
    const struct instructions_params *p = call->params;
    struct customer customer = {0};

    if (op_given(call, "language")) {
        *out = custom_domain_languages[p->language];
        return 0;
    }
    (void)str_copy(customer.id, sizeof customer.id, d->customer_id);
    if (customer.id[0] != '\0' && record_get(call->txn, &customer_table, &customer, err) == -1)
        return -1;
    *out = custom_domain_language(customer.locale);
    return 0;
}

static int write_instructions(struct op_call *call, const struct custom_domain *d,
                              const struct domain_instructions *i, struct err *err)
{
    struct json_out *j = call->out;
    struct buf text;

    buf_init(&text, 32768);
    custom_domain_instruct_text(i, &text);
    json_out_object(j);
    json_out_key_text(j, "object", "domain_instructions");
    json_out_key_text(j, "id", d->id);
    json_out_key_text(j, "name", d->name);
    json_out_key_text(j, "language", i->language);
    json_out_key_text(j, "title", i->title);
    json_out_key(j, "steps");
    json_out_array(j);
    for (unsigned n = 0; n < i->step_count; n++)
        json_out_text(j, i->steps[n]);
    json_out_end_array(j);
    view_domain_records(i->records, i->record_count, j);
    json_out_key_text(j, "text", buf_string(&text));
    json_out_end_object(j);
    if (text.failed)
        (void)err_set(err, ERR_TOO_LARGE, "answer_too_large", "the instructions are too long");
    buf_free(&text);
    return text.failed ? -1 : 0;
}

static int domain_instructions(struct op_call *call, struct err *err)
{
    const struct instructions_params *p = call->params;
    struct domain_instructions *i = calloc(1, sizeof *i);
    struct custom_domain d = {0};
    const char *language;
    int result = -1;

    if (i == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for instructions");
    if (domain_change_find(call, p->id, &d, err) == 0 &&
        language_of(call, &d, &language, err) == 0 &&
        custom_domain_instruct(call->txn, &call->box->conf, &d, language, i, err) == 0)
        result = write_instructions(call, &d, i, err);
    free(i);
    return result;
}

#define RESULT .result = &custom_domain_table.fields, .more = &view_domain_more

const struct op domain_ops[] = {
    {.name = "domain.list",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ | OP_LIST,
     .params = &domain_list_fields,
     .help = "List customers' domains, newest first, or those that are searched for, in any order",
     .example = "--state pending,moved --sort deadline",
     RESULT,
     .run = domain_list_run},
    {.name = "domain.show",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show a domain, with the records that its customer has to enter",
     .example = "mustermann.de",
     RESULT,
     .run = domain_show},
    {.name = "domain.add",
     .role = ROLE_CUSTOMER,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB | OP_CREATE,
     .params = &domain_change_add,
     .help = "Lead a customer's own domain to a tenant, once it is proved to be theirs",
     .example = "mustermann.de --tenant acme",
     RESULT,
     .run = domain_change_add_run},
    {.name = "domain.instructions",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ,
     .params = PARAMS(instructions_rows, struct instructions_params),
     .help = "Say what the customer has to enter at their registrar or in their DNS",
     .example = "mustermann.de --language de",
     .run = domain_instructions},
    {.name = "domain.check",
     .role = ROLE_CUSTOMER,
     .flags = OP_WRITE | OP_AUDIT | OP_ASK,
     .params = &object_id,
     .help = "Look now at what the DNS and the provider say of a domain",
     .example = "mustermann.de",
     .slow = check_slow,
     .run = domain_check_run},
    {.name = "domain.claim",
     .role = ROLE_CUSTOMER,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = &domain_change_claim,
     .help = "Take over a domain that leads to another tenant, by a TXT record that proves it",
     .example = "mustermann.de --tenant globex --prove true",
     .run = domain_change_claim_run},
    {.name = "domain.remove",
     .role = ROLE_CUSTOMER,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = &domain_change_remove,
     .help = "Lead a domain no longer, and take back only what is ours",
     .example = "mustermann.de",
     RESULT,
     .run = domain_change_remove_run},
    {.name = NULL},
};
