/* Mails to customers: what was written, and writing to many. */
#include "ask.h"
#include "customer.h"
#include "enquire.h"
#include "letter_text.h"
#include "list.h"
#include "mail.h"
#include "mail_send.h"
#include "notice.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "setting.h"
#include "str.h"

#include <string.h>

#define TEST_WAIT_MS 70000

struct log_params {
    struct list_params list;
    uint32_t state;
    char kind[32], customer[96];
};
static const struct field log_rows[] = {
    LIST_FIELDS(struct log_params),
    FIELD(struct log_params, state, FIELD_ENUM, .names = message_state_names,
          .help = "only in this state"),
    FIELD(struct log_params, kind, FIELD_TEXT, .help = "only of this kind, as in payment_failed"),
    FIELD(struct log_params, customer, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "only to this customer"),
};

struct test_params {
    char to[256];
};
static const struct field test_param_rows[] = {
    FIELD(struct test_params, to, FIELD_TEXT, .flags = FIELD_REQUIRED, .help = "to which address"),
};

struct kind_shape {
    char kind[32], params[120], help[200];
    bool link;
};
static const struct field kind_rows[] = {
    FIELD(struct kind_shape, kind, FIELD_TEXT, .help = "kind of letter"),
    FIELD(struct kind_shape, params, FIELD_TEXT, .help = "what its text may speak of"),
    FIELD(struct kind_shape, link, FIELD_BOOL, .help = "it has a one-time link"),
    FIELD(struct kind_shape, help, FIELD_TEXT, .help = "what it tells"),
};
static const struct fields kind_fields = {kind_rows, sizeof kind_rows / sizeof kind_rows[0],
                                          sizeof(struct kind_shape)};
static const struct field file_rows[] = {
    {.name = "file", .type = FIELD_TEXT, .size = 96, .help = "file of root's in etc/sett/mail"},
    {.name = "fault",
     .type = FIELD_TEXT,
     .size = 400,
     .help = "what is wrong with it; null: nothing"},
};
static const struct fields file_fields = {file_rows, sizeof file_rows / sizeof file_rows[0], 0};
static const struct field test_rows[] = {
    {.name = "message", .type = FIELD_TEXT, .size = 32, .help = "id of the test message"},
    {.name = "target", .type = FIELD_TEXT, .size = 400, .help = "where it went"},
    {.name = "answer", .type = FIELD_TEXT, .size = 240, .help = "what the mail server said"},
    {.name = "took_ms", .type = FIELD_U64, .size = 8, .help = "how long it took"},
};
static const struct fields tested = {test_rows, sizeof test_rows / sizeof test_rows[0], 0};

static bool keep(const struct op_call *call, const void *record)
{
    const struct log_params *p = call->params;
    const struct message *m = record;

    return (!op_given(call, "state") || m->state == p->state) &&
           (!op_given(call, "kind") || str_equal(m->kind, p->kind));
}

static int mail_log(struct op_call *call, struct err *err)
{
    const struct log_params *p = call->params;
    struct message *match = call->scratch;
    struct customer customer = {0};
    struct list list = {.view = &view_message,
                        .url = "/api/mails",
                        .index = "audience",
                        .match = match,
                        .fields = 1,
                        .keep = keep};

    match->audience = MESSAGE_CUSTOMER;
    if (op_given(call, "customer")) {
        if (object_refer(call, &customer_table, "customer", p->customer, &customer, err) != 0)
            return -1;
        (void)str_copy(match->customer_id, sizeof match->customer_id, customer.id);
        list.index = "customer_id";
    }
    return list_reply(call, &p->list, &list, err);
}

static int mail_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct message m = {0};

    if (object_get(call, &message_table, p->id, &m, err) != 0)
        return -1;
    return object_reply(call, &view_message, &m, err);
}

/* A new message of the same content: the old one stays as it is, and a late answer to it is not
 * taken for one to this. */
static int mail_resend(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct customer customer = {0};
    struct message m = {0};
    int found;

    if (object_get(call, &message_table, p->id, &m, err) != 0)
        return -1;
    if (m.state == MESSAGE_QUEUED)
        return err_set(err, ERR_CONFLICT, "mail_queued", "the mail %s is still being tried", m.id);
    (void)str_copy(customer.id, sizeof customer.id, m.customer_id);
    if (m.audience == MESSAGE_CUSTOMER && customer.id[0] != '\0') {
        if ((found = record_get(call->txn, &customer_table, &customer, err)) < 0)
            return -1;
        if (found == 1)
            (void)str_copy(m.recipient, sizeof m.recipient, customer.email);
    }
    if (m.audience == MESSAGE_USER) {
        (void)err_set(err, ERR_CONFLICT, "link_forgotten", "the link in that letter is forgotten");
        return err_hint(err, "sett invitation resend, or sett user reset, makes a new one");
    }
    if (m.audience == MESSAGE_CUSTOMER && !mail_address(m.recipient))
        return err_set(err, ERR_CONFLICT, "no_address", "the customer has no e-mail address");
    if (notice_clear(call->txn, "mail.failed", m.id, err) != 0)
        return -1;
    (void)str_copy(call->audit.reason, sizeof call->audit.reason, m.id);
    m.id[0] = m.once[0] = m.cause[0] = m.answer[0] = m.subject[0] = '\0';
    m.state = MESSAGE_QUEUED;
    m.attempts = 0;
    m.ended_at = 0;
    if (message_new(call->txn, &m, err) < 0)
        return -1;
    object_after(call, &message_table, &m);
    return object_reply(call, &view_message, &m, err);
}

static int test_slow(struct op_call *call, struct err *err)
{
    const struct test_params *p = call->params;
    struct kv params;

    if (!mail_address(p->to))
        return err_field(err, "to", "email_invalid", "to is not an e-mail address");
    kv_clear(&params);
    (void)kv_set(&params, "to", p->to);
    return ask(call->box->paths.ask_sock, "mail_test", &params, TEST_WAIT_MS, &call->answer, err);
}

static int mail_test(struct op_call *call, struct err *err)
{
    const struct test_params *p = call->params;

    (void)str_copy(call->audit.object, sizeof call->audit.object, p->to);
    return enquire_reply_json(call, err);
}

static void list_begin(struct json_out *j)
{
    json_out_object(j);
    json_out_key_text(j, "object", "list");
    json_out_key(j, "data");
    json_out_array(j);
}

static void list_end(struct json_out *j, const char *url)
{
    json_out_end_array(j);
    json_out_key_bool(j, "has_more", false);
    json_out_key_text(j, "url", url);
    json_out_end_object(j);
}

static int mail_kinds(struct op_call *call, struct err *err)
{
    struct json_out *j = call->out;

    (void)err;
    list_begin(j);
    for (size_t i = 0; i < letter_kind_count; i++) {
        const struct letter_kind *kind = &letter_kinds[i];
        char params[120] = "customer tenant address box";

        for (size_t k = 0; k < LETTER_PARAMS && kind->params[k] != NULL; k++) {
            size_t len = strlen(params);
            (void)str_format(params + len, sizeof params - len, " %s", kind->params[k]);
        }
        json_out_object(j);
        json_out_key_text(j, "object", "mail_kind");
        json_out_key_text(j, "kind", kind->name);
        json_out_key_text(j, "params", params);
        json_out_key_bool(j, "link", kind->page != NULL);
        json_out_key_text(j, "help", kind->help);
        json_out_end_object(j);
    }
    list_end(j, "/api/mail-kinds");
    return 0;
}

struct checking {
    struct json_out *out;
    char first[ERR_TEXT_SIZE - 100]; /* file and fault of the first that cannot be used */
};

static void on_file(void *arg, const char *file, const char *fault)
{
    struct checking *c = arg;
    struct json_out *j = c->out;

    if (fault != NULL && c->first[0] == '\0')
        (void)str_format(c->first, sizeof c->first, "%.80s %.200s", file, fault);
    json_out_object(j);
    json_out_key_text(j, "object", "mail_file");
    json_out_key_text(j, "file", file);
    if (fault == NULL)
        json_out_key_null(j, "fault");
    else
        json_out_key_text(j, "fault", fault);
    json_out_end_object(j);
}

/* Files are read here, so this row has no route and runs where the files are: on the box. */
static int mail_check(struct op_call *call, struct err *err)
{
    struct checking c = {.out = call->out};
    int wrong;

    list_begin(call->out);
    wrong = letter_folder_check(call->box->paths.mail, on_file, &c, err);
    list_end(call->out, "");
    if (wrong > 0) {
        (void)err_set(err, ERR_INVALID, "mail_files", "%d of root's texts cannot be used: %s",
                      wrong, c.first);
        return err_hint(err, "until it is mended, the program's own text is sent instead");
    }
    return wrong < 0 ? -1 : 0;
}

const struct op mail_ops[] = {
    {.name = "mail.log",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_LIST,
     .params = PARAMS(log_rows, struct log_params),
     .help = "List what was written to customers, newest first, and what came of it",
     .example = "--state failed",
     .result = &message_table.fields,
     .scratch_size = sizeof(struct message),
     .run = mail_log},
    {.name = "mail.show",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show a message of the outbox",
     .example = "msg_01jd3v7q2c0000000000000000",
     .result = &message_table.fields,
     .run = mail_show},
    {.name = "mail.resend",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_CREATE,
     .params = &object_id,
     .help = "Queue a message again, to the customer's present address",
     .example = "msg_01jd3v7q2c0000000000000000",
     .result = &message_table.fields,
     .run = mail_resend},
    {.name = "mail.send",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_CREATE | OP_PREVIEW,
     .params = &mail_send_params,
     .help = "Write to the customers of a selection of tenants",
     .example = "--state active --plan small --subject \"New version\" --text-file letter.txt",
     .result = &mail_send_result,
     .scratch_size = sizeof(struct mail_reckoning),
     .slow = mail_send_slow,
     .run = mail_send_run},
    {.name = "mail.test",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_ASK,
     .params = PARAMS(test_param_rows, struct test_params),
     .help = "Send a test by the mail server, and say what it answered",
     .example = "me@example.com",
     .result = &tested,
     .slow = test_slow,
     .run = mail_test},
    {.name = "mail.kinds",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_LIST,
     .help = "List the kinds of letters to customers",
     .example = "",
     .result = &kind_fields,
     .run = mail_kinds},
    {.name = "mail.check",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_LIST | OP_LOCAL,
     .help = "Check root's own texts in etc/sett/mail",
     .example = "",
     .result = &file_fields,
     .run = mail_check},
    {.name = NULL},
};
