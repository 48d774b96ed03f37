/*
 * First credentials: shown once to whoever holds the link, and a new link when the first one is
 * gone. Showing is a POST: what looks at links in mails without being asked only sees an empty
 * page.
 */
#include "reveal_ops.h"

#include "reveal.h"

#include "letter.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "setting.h"
#include "str.h"
#include "tenant.h"

#include <sodium.h>
#include <string.h>

struct reveal_params {
    char token[REVEAL_TOKEN_SIZE];
};
static const struct field reveal_rows[] = {
    FIELD(struct reveal_params, token, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_SECRET,
          .help = "the part of the link behind the #"),
};

static const struct field shown_rows[] = {
    {.name = "tenant", .type = FIELD_TEXT, .size = 128, .help = "whose they are"},
    {.name = "address", .type = FIELD_TEXT, .size = 160, .help = "where they are good"},
    {.name = "credentials", .type = FIELD_KV, .help = "the first credentials, this once"},
};
const struct fields reveal_shown = {shown_rows, sizeof shown_rows / sizeof shown_rows[0], 0};

static const struct field sent_rows[] = {
    {.name = "tenant_id", .type = FIELD_TEXT, .size = ID_SIZE, .help = "whose they are"},
    {.name = "queued", .type = FIELD_BOOL, .size = 1, .help = "a letter with a new link is queued"},
};
static const struct fields sent = {sent_rows, sizeof sent_rows / sizeof sent_rows[0], 0};

static int reveal_show(struct op_call *call, struct err *err)
{
    const struct reveal_params *p = call->params;
    struct json_out *j = call->out;
    struct tenant tenant = {0};
    struct reveal reveal;
    const char *name, *value;
    struct kv content;
    size_t at = 0;
    int found;

    if (reveal_use(call->txn, &call->box->web_key, p->token, call->actor.address, &reveal, &content,
                   err) != 0)
        return -1;
    (void)str_copy(tenant.id, sizeof tenant.id, reveal.tenant_id);
    if ((found = record_get(call->txn, &tenant_table, &tenant, err)) < 0)
        return -1;
    (void)str_copy(call->audit.object, sizeof call->audit.object, reveal.tenant_id);
    json_out_object(j);
    json_out_key_text(j, "object", "reveal");
    json_out_key_text(j, "tenant", found == 1 ? tenant.name : "");
    json_out_key_text(j, "address", found == 1 ? tenant.url : "");
    json_out_key(j, "credentials");
    json_out_object(j);
    while (kv_next(&content, &at, &name, &value) == 1)
        json_out_key_text(j, name, value);
    json_out_end_object(j);
    json_out_end_object(j);
    sodium_memzero(&content, sizeof content);
    return 0;
}

static int tenant_credentials(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct json_out *j = call->out;
    struct tenant tenant = {0};
    struct secret secret = {0};
    struct letter letter = {.kind = "credentials"};
    int found;

    if (object_get(call, &tenant_table, p->id, &tenant, err) != 0)
        return -1;
    (void)str_format(secret.name, sizeof secret.name, "credentials:%s", tenant.id);
    if ((found = record_get(call->txn, &secret_table, &secret, err)) < 0)
        return -1;
    if (found == 0)
        return err_set(err, ERR_CONFLICT, "no_credentials",
                       "the blueprint of tenant %s shows no first credentials", tenant.id);
    if (tenant.customer_id[0] == '\0')
        return err_set(err, ERR_CONFLICT, "no_customer",
                       "the tenant %s has no customer to write to", tenant.id);
    letter.customer_id = tenant.customer_id;
    letter.tenant_id = tenant.id;
    if (letter_queue(call->txn, &letter, err) != 0)
        return -1;
    (void)str_copy(call->audit.object, sizeof call->audit.object, tenant.id);
    json_out_object(j);
    json_out_key_text(j, "object", "credentials");
    json_out_key_text(j, "tenant_id", tenant.id);
    json_out_key_bool(j, "queued", true);
    json_out_end_object(j);
    return 0;
}

const struct op reveal_ops[] = {
    {.name = "reveal.show",
     .role = ROLE_PUBLIC,
     .flags = OP_WRITE | OP_AUDIT | OP_SECRET,
     .params = PARAMS(reveal_rows, struct reveal_params),
     .help = "Show first credentials to whoever holds the link, once",
     .example = "--token-file token",
     .result = &reveal_shown,
     .run = reveal_show},
    {.name = "tenant.credentials",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT,
     .params = &object_id,
     .help = "Write the customer a new link to the first credentials; earlier ones are void",
     .example = "1",
     .result = &sent,
     .run = tenant_credentials},
    {.name = NULL},
};
