/*
 * An order's own page: followed, ended and shown its first credentials by whoever holds its secret,
 * which comes in a body and never in an address. Apart from the operators' view of orders because
 * here nobody is signed in.
 */
#include "order_progress.h"

#include "enquire.h"
#include "nouns.h"
#include "params.h"
#include "reveal_ops.h"
#include "str.h"

#include <sodium.h>

#define END_WAIT_MS 20000

struct secret_params {
    char secret[ORDER_SECRET_SIZE + 4];
};
static const struct field secret_param_rows[] = {
    FIELD(struct secret_params, secret, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_SECRET,
          .help = "the part of the order's link behind the #"),
};

static const struct field progress_rows[] = {
    {.name = "order", .type = FIELD_TEXT, .size = ID_SIZE, .help = "the order"},
    {.name = "phase",
     .type = FIELD_ENUM,
     .size = 4,
     .names = order_phase_names,
     .help = "where it stands"},
    {.name = "subdomain", .type = FIELD_TEXT, .size = 64, .help = "the name that was chosen"},
    {.name = "plan", .type = FIELD_TEXT, .size = 32, .help = "name of the plan"},
    {.name = "plan_title", .type = FIELD_TEXT, .size = 96, .help = "its title"},
    {.name = "name", .type = FIELD_TEXT, .size = 128, .help = "name of the customer"},
    {.name = "email", .type = FIELD_TEXT, .size = 256, .help = "where letters go"},
    {.name = "address", .type = FIELD_TEXT, .size = 160, .help = "where it answers, once ready"},
    {.name = "credentials",
     .type = FIELD_ENUM,
     .size = 4,
     .names = order_credentials_names,
     .help = "whether first credentials are there to be shown"},
    {.name = "held_until", .type = FIELD_TIME, .size = 8, .help = "unpaid: the name is held until"},
    {.name = "created_at", .type = FIELD_TIME, .size = 8, .help = "ordered at"},
};
static const struct fields progress_shape = {progress_rows,
                                             sizeof progress_rows / sizeof progress_rows[0], 0};

struct page {
    struct order_progress progress;
};

/* Where the order behind the secret stands. */
static int read_page(struct op_call *call, struct txn *txn, struct err *err)
{
    const struct secret_params *p = call->params;
    struct page *page = call->scratch;
    struct order order;

    return order_by_secret(txn, p->secret, &order, err) != 0
               ? -1
               : order_progress(txn, &order, &page->progress, err);
}

/* The same for a slow part, in a transaction of its own. */
static int look(struct op_call *call, struct err *err)
{
    struct txn *txn;
    int r;

    if (db_read(&txn, call->box->db, err) != 0)
        return -1;
    r = read_page(call, txn, err);
    db_read_end(txn);
    return r;
}

static int order_follow(struct op_call *call, struct err *err)
{
    struct page *page = call->scratch;

    if (read_page(call, call->txn, err) != 0)
        return -1;
    order_progress_json(&page->progress, call->out);
    return 0;
}

/* ---- given up ---- */

static int unpaid(const struct page *page, struct err *err)
{
    if (page->progress.phase == ORDER_PHASE_UNPAID ||
        page->progress.phase == ORDER_PHASE_DECLINED || page->progress.phase == ORDER_PHASE_EXPIRED)
        return 0;
    return err_set(err, ERR_CONFLICT, "order_paid", "this order is paid: it cannot be given up");
}

/* The page at Stripe goes first: who has no name any more must not be able to pay for it. */
static int cancel_slow(struct op_call *call, struct err *err)
{
    const struct page *page = call->scratch;
    struct kv params;

    if (look(call, err) != 0 || unpaid(page, err) != 0)
        return -1;
    if (page->progress.phase != ORDER_PHASE_UNPAID ||
        page->progress.order.stripe_session[0] == '\0')
        return 0;
    kv_clear(&params);
    (void)kv_set(&params, "session", page->progress.order.stripe_session);
    if (enquire_ask(call, "checkout_end", &params, END_WAIT_MS, err) == 0)
        return 0;
    if (err->kind == ERR_INVALID)
        return err_set(err, ERR_CONFLICT, "order_paid", "this order is being paid for");
    return -1;
}

static int order_cancel(struct op_call *call, struct err *err)
{
    struct page *page = call->scratch;
    struct order was;

    if (read_page(call, call->txn, err) != 0 || unpaid(page, err) != 0)
        return -1;
    was = page->progress.order;
    if (order_expire(call->txn, &page->progress.order, err) != 0)
        return -1;
    call->unchanged = was.state != ORDER_OPEN;
    object_before(call, &order_table, &was);
    object_after(call, &order_table, &page->progress.order);
    if (read_page(call, call->txn, err) != 0)
        return -1;
    order_progress_json(&page->progress, call->out);
    return 0;
}

/* ---- first credentials ---- */

/* The worker looks once more and notes that it was shown: it alone can open what is kept. */
static int credentials_slow(struct op_call *call, struct err *err)
{
    const struct secret_params *p = call->params;
    const struct page *page = call->scratch;
    struct kv params;
    int r;

    if (look(call, err) != 0 || order_progress_showable(&page->progress, err) != 0)
        return -1;
    kv_clear(&params);
    (void)kv_set(&params, "secret", p->secret);
    r = enquire_ask(call, "reveal", &params, 0, err);
    sodium_memzero(&params, sizeof params);
    return r;
}

static int order_credentials(struct op_call *call, struct err *err)
{
    const struct page *page = call->scratch;

    (void)str_copy(call->audit.object, sizeof call->audit.object, page->progress.tenant.id);
    return enquire_reply_json(call, err);
}

const struct op order_page_ops[] = {
    {.name = "order.follow",
     .role = ROLE_PUBLIC,
     .flags = OP_READ,
     .params = PARAMS(secret_param_rows, struct secret_params),
     .help = "Where an order stands, for whoever holds its secret",
     .example = "--secret-file secret",
     .result = &progress_shape,
     .scratch_size = sizeof(struct page),
     .run = order_follow},
    {.name = "order.cancel",
     .role = ROLE_PUBLIC,
     .flags = OP_WRITE | OP_AUDIT | OP_ASK,
     .params = PARAMS(secret_param_rows, struct secret_params),
     .help = "Give up an order that is not paid; its name is free again",
     .example = "--secret-file secret",
     .result = &progress_shape,
     .scratch_size = sizeof(struct page),
     .slow = cancel_slow,
     .run = order_cancel},
    {.name = "order.credentials",
     .role = ROLE_PUBLIC,
     .flags = OP_WRITE | OP_AUDIT | OP_ASK | OP_SECRET,
     .params = PARAMS(secret_param_rows, struct secret_params),
     .help = "Show the first credentials of what was ordered, once",
     .example = "--secret-file secret",
     .result = &reveal_shown,
     .scratch_size = sizeof(struct page),
     .slow = credentials_slow,
     .run = order_credentials},
    {.name = NULL},
};
