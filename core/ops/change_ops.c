/*
 * What has changed, for pages that are kept true without being loaded again: who may be told of
 * what, and the same as a list for those to whom no stream comes through.
 */
#include "change_show.h"

#include <string.h>

#include "nouns.h"
#include "params.h"
#include "schema.h"
#include "str.h"
#include "tenant.h"

#define MOST 200 /* rows told at once */

/* Who may be told of an object: who may use this operation. Others: "<object>.list". */
static const struct {
    const char *object, *op;
} seen_by[] = {
    {"job", "job.show"},
    {"message", "mail.log"},
    {"box", "box.show"},
    {"alert_rule", "alert.rules"},
    {"domain_claim", "domain.list"},
    {"recipient", "recovery.list"},
    {"snapshot_round", "snapshot.rounds"},
    {"drift_scan", "drift.status"},
    {"turn_key", "turn.list"},
};

/* What is of one user: told to that user, and to whom may see all users. */
static bool is_personal(const char *object)
{
    static const char *const objects[] = {"session", "key", "passkey"};

    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++)
        if (str_equal(objects[i], object))
            return true;
    return false;
}

static bool may_see(const struct actor *actor, const char *object)
{
    char name[48];
    const struct op *op;
    struct err why;

    (void)str_format(name, sizeof name, "%s.list", object);
    for (size_t i = 0; i < sizeof seen_by / sizeof seen_by[0]; i++)
        if (str_equal(seen_by[i].object, object))
            (void)str_copy(name, sizeof name, seen_by[i].op);
    op = op_find(name);
    return op != NULL && op_allowed(op, actor, &why) == 0;
}

/* Whether a row is about what belongs to this customer. Return 1, 0 or -1. */
static int is_theirs(struct txn *txn, const char *customer, const struct feed_row *row,
                     struct err *err)
{
    struct tenant tenant;
    int got;

    if (row->customer_id[0] != '\0')
        return str_equal(row->customer_id, customer);
    memset(&tenant, 0, sizeof tenant);
    if (str_copy(tenant.id, sizeof tenant.id, str_starts(row->id, "tn_") ? row->id : row->about) ==
            -1 ||
        !str_starts(tenant.id, "tn_"))
        return 0;
    got = record_get(txn, &tenant_table, &tenant, err);
    return got == 1 ? str_equal(tenant.customer_id, customer) : got;
}

static bool has_topic(const char *topics, const char *object)
{
    size_t len = strlen(object);

    if (topics[0] == '\0' || str_equal(topics, "all"))
        return true;
    for (const char *at = topics; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, object, len) == 0 && (at[len] == ',' || at[len] == '\0'))
            return true;
    }
    return false;
}

int change_topics_check(const char *topics, struct err *err)
{
    for (size_t i = 0; i < sett_schema.table_count; i++) {
        const char *object = sett_schema.tables[i]->feed.object;
        if (object != NULL && object[0] != '\0' && has_topic(topics, object))
            return 0;
    }
    return err_field(err, "topics", "unknown_topic",
                     "topics are kinds of objects, as in tenant,job,tunnel");
}

int change_told(struct txn *txn, const struct actor *actor, const char *topics,
                const struct feed_row *row, struct err *err)
{
    if (!has_topic(topics, row->object))
        return 0;
    if (is_personal(row->object))
        return (actor->user_id[0] != '\0' && str_equal(row->about, actor->user_id)) ||
               may_see(actor, "user");
    if (!may_see(actor, row->object))
        return 0;
    return actor->role == ROLE_CUSTOMER ? is_theirs(txn, actor->customer_id, row, err) : 1;
}

void change_write(const struct feed_row *row, struct json_out *j)
{
    json_out_object(j);
    json_out_key_text(j, "object", row->object);
    json_out_key_text(j, "id", row->id);
    json_out_key_text(j, "change", feed_change_names[row->change]);
    if (row->about[0] != '\0')
        json_out_key_text(j, "about", row->about);
    json_out_key_time(j, "at", row->at);
    json_out_end_object(j);
}

struct change_params {
    char topics[CHANGE_TOPICS], after[FEED_PLACE_SIZE];
};
static const struct field change_rows[] = {
    FIELD(struct change_params, topics, FIELD_TEXT,
          .help = "only of these kinds of objects, as in tenant,job"),
    FIELD(struct change_params, after, FIELD_TEXT,
          .help = "what came behind this place, which an earlier answer named"),
};

static const struct field told_rows[] = {
    FIELD(struct feed_row, id, FIELD_TEXT, .help = "the object's id, name or number"),
    FIELD(struct feed_row, change, FIELD_ENUM, .names = feed_change_names,
          .help = "made or changed, or deleted"),
    FIELD(struct feed_row, about, FIELD_TEXT, .help = "id of what it belongs to"),
    FIELD(struct feed_row, at, FIELD_TIME, .help = "changed at"),
};

/* Without a place: where the feed is now, for whoever has just looked at everything. */
static int change_list(struct op_call *call, struct err *err)
{
    const struct change_params *p = call->params;
    struct json_out *j = call->out;
    struct feed_place place;
    struct feed_row row;
    char text[FEED_PLACE_SIZE];
    uint64_t behind = 0;
    int known = 1, got = 0;

    if (change_topics_check(p->topics, err) != 0)
        return -1;
    if (p->after[0] != '\0' && feed_place_read(p->after, &place) != 0)
        return err_field(err, "after", "bad_place", "%s is no place in the feed", p->after);
    if (p->after[0] != '\0' && (known = feed_known(call->txn, &place, &behind, err)) < 0)
        return -1;
    if ((p->after[0] == '\0' || known == 0) && feed_now(call->txn, &place, err) != 0)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "list");
    json_out_key(j, "data");
    json_out_array(j);
    for (unsigned i = 0; i < MOST && (got = feed_next(call->txn, &place, &row, err)) == 1; i++) {
        int told = change_told(call->txn, &call->actor, p->topics, &row, err);
        if (told < 0)
            return -1;
        if (told == 1)
            change_write(&row, j);
    }
    json_out_end_array(j);
    feed_place_text(&place, text);
    json_out_key_text(j, "place", text);
    json_out_key_bool(j, "has_more", got == 1);
    json_out_key_text(j, "url", "/api/changes");
    json_out_key_bool(j, "reset", known == 0);
    json_out_end_object(j);
    return got < 0 ? -1 : 0;
}

const struct op change_ops[] = {
    {.name = "change.list",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ | OP_LIST,
     .params = PARAMS(change_rows, struct change_params),
     .help = "What has changed since a moment ago",
     .example = "--topics tenant,job",
     .result = PARAMS(told_rows, struct feed_row),
     .run = change_list},
    {.name = NULL},
};
