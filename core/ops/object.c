/* What every operation on one object needs. Apart so that who may see what, and what a version is,
 * are decided once. */
#include "object.h"

#include <sodium.h>

#include "job_start.h"
#include "enc.h"
#include "str.h"
#include "tenant.h"
#include "tunnel.h"

static const struct field id_rows[] = {ID_FIELD(struct id_params)};
const struct fields object_id = {id_rows, 1, sizeof(struct id_params)};

static const char *text_of(const struct table *table, const char *name, const void *record)
{
    const struct field *field = fields_find(&table->fields, name);

    if (field == NULL || (field->type != FIELD_ID && field->type != FIELD_TEXT))
        return NULL;
    return (const char *)record + field->offset;
}

bool object_owned(const struct op_call *call, const struct table *table, const void *record)
{
    const struct actor *actor = &call->actor;
    const char *owner;

    if (actor->role > ROLE_CUSTOMER)
        return true;
    if (actor->role < ROLE_CUSTOMER || actor->customer_id[0] == '\0')
        return false;
    if (str_equal(table->noun, "customer"))
        owner = text_of(table, "id", record);
    else if (str_equal(table->noun, "session") || str_equal(table->noun, "passkey"))
        return (owner = text_of(table, "user_id", record)) != NULL &&
               str_equal(owner, actor->user_id);
    else
        owner = text_of(table, "customer_id", record);
    return owner != NULL && str_equal(owner, actor->customer_id);
}

/* The unique index over this one field, or NULL. */
static const struct index *unique_by(const struct table *table, const char *field)
{
    for (size_t i = 0; i < table->index_count; i++) {
        const struct index *index = &table->indexes[i];
        if (index->unique && index->fields[1] == NULL && str_equal(index->fields[0], field))
            return index;
    }
    return NULL;
}

static int find_by(const struct op_call *call, const struct table *table, const char *name,
                   const char *text, void *record, struct err *err)
{
    const struct field *field = fields_find(&table->fields, name);
    const struct index *index = unique_by(table, name);
    struct err why;

    if (field == NULL || index == NULL || fields_set_text(field, record, text, &why) != 0)
        return 0;
    return record_find(call->txn, table, index->name, record, err);
}

/* What people call the objects of a noun beside its name. It may be borne again once the former
 * bearer is deleted, so the newest one is meant. */
static const struct {
    const char *noun, *index;
} called[] = {
    {"tenant", "subdomain"}, {"tunnel", "hostname"}, {"domain", "name"}, {"recipient", "key"}};

static int find_newest(const struct op_call *call, const struct table *table, const char *text,
                       void *record, struct err *err)
{
    const struct field *field = NULL;
    const char *index = NULL;
    struct scan scan;
    struct err why;
    int found;

    for (size_t i = 0; i < sizeof called / sizeof called[0] && index == NULL; i++)
        if (str_equal(called[i].noun, table->noun))
            index = called[i].index;
    if (index == NULL || (field = fields_find(&table->fields, index)) == NULL ||
        fields_set_text(field, record, text, &why) != 0)
        return 0;
    if (scan_start(&scan, call->txn, table, index, record, 1, true, err) != 0)
        return -1;
    if ((found = scan_next(&scan, record, err)) == 0)
        memset(record, 0, table->fields.struct_size);
    return found;
}

/* A tenant's own tunnel is meant where a tenant is named. */
static int find_tunnel_of(const struct op_call *call, const char *text, struct tunnel *tunnel,
                          struct err *err)
{
    struct tenant tenant = {0};
    int found = object_find(call, &tenant_table, text, &tenant, err);

    memset(tunnel, 0, sizeof *tunnel);
    if (found != 1 || tenant.tunnel_id[0] == '\0')
        return found == -1 ? -1 : 0;
    memcpy(tunnel->id, tenant.tunnel_id, sizeof tunnel->id);
    return record_get(call->txn, &tunnel_table, tunnel, err);
}

int object_find(const struct op_call *call, const struct table *table, const char *text,
                void *record, struct err *err)
{
    const struct field *key = fields_find(&table->fields, table->key[0]);
    uint8_t bytes[ID_BYTES];
    struct err why;
    uint64_t number;
    int found = 0;

    if (text[0] == '\0')
        return 0;
    if (table->prefix != NULL ? id_bytes(text, table->prefix, bytes) == 0 : true) {
        if (fields_set_text(key, record, text, &why) == 0)
            found = record_get(call->txn, table, record, err);
    } else if (str_u64(text, 1, UINT64_MAX, &number) == 0 && unique_by(table, "number") != NULL) {
        found = find_by(call, table, "number", text, record, err);
    } else {
        found = find_by(call, table, "name", text, record, err);
        if (found == 0) {
            memset(record, 0, table->fields.struct_size);
            found = find_newest(call, table, text, record, err);
        }
        if (found == 0 && table == &tunnel_table)
            found = find_tunnel_of(call, text, record, err);
    }
    if (found == 1 && !object_owned(call, table, record))
        return 0;
    return found;
}

int object_get(const struct op_call *call, const struct table *table, const char *text,
               void *record, struct err *err)
{
    char code[ERR_CODE_SIZE];
    int found = object_find(call, table, text, record, err);

    if (found < 0)
        return -1;
    (void)str_format(code, sizeof code, "%s_not_found", table->noun);
    return found ? 0 : err_set(err, ERR_NOT_FOUND, code, "there is no %s %.80s", table->noun, text);
}

int object_refer(const struct op_call *call, const struct table *table, const char *field,
                 const char *text, void *record, struct err *err)
{
    char code[ERR_CODE_SIZE];
    int found = object_find(call, table, text, record, err);

    if (found < 0)
        return -1;
    (void)str_format(code, sizeof code, "%s_not_found", table->noun);
    return found ? 0 : err_field(err, field, code, "there is no %s %.80s", table->noun, text);
}

void object_key(const struct table *table, const void *record, char *out, size_t size)
{
    const struct field *key = fields_find(&table->fields, table->key[0]);
    const char *text = text_of(table, table->key[0], record);

    if (text != NULL)
        (void)str_copy(out, size, text);
    else
        (void)str_format(out, size, "%llu", (unsigned long long)fields_get_u64(key, record));
}

void object_etag(const struct table *table, const void *record, char etag[40])
{
    struct buf encoded;
    uint8_t digest[16];

    buf_init(&encoded, 256u * 1024u);
    etag[0] = '\0';
    if (fields_encode(&table->fields, record, &encoded) == 0) {
        crypto_generichash(digest, sizeof digest, (const unsigned char *)encoded.data, encoded.len,
                           NULL, 0);
        etag[0] = '"';
        enc_hex(etag + 1, digest, sizeof digest);
        etag[33] = '"';
        etag[34] = '\0';
    }
    buf_free(&encoded);
}

/* Whether the tag stands in a list of them with commas (RFC 9110, 13.1.1; strong comparison). */
static bool in_list(const char *list, const char *etag)
{
    size_t len = strlen(etag);

    while (*list != '\0') {
        list += strspn(list, " \t,");
        if (strncmp(list, etag, len) == 0 && strchr(" \t,", list[len]) != NULL)
            return true;
        list += strcspn(list, ",");
    }
    return false;
}

int object_match(const struct op_call *call, const struct table *table, const void *record,
                 struct err *err)
{
    char etag[40];

    if (call->if_match[0] == '\0' || str_equal(call->if_match, "*"))
        return 0;
    object_etag(table, record, etag);
    if (in_list(call->if_match, etag))
        return 0;
    err_set(err, ERR_PRECONDITION, "changed", "the %s has changed since it was read", table->noun);
    return err_hint(err, "read it again and repeat the change");
}

void object_fill(const struct op_call *call, const struct table *table, void *record)
{
    const struct fields *f = call->op->params;

    for (size_t i = 0; f != NULL && i < f->count; i++) {
        const struct field *from = &f->at[i], *to;
        if (!(call->given >> i & 1) || (from->flags & FIELD_PATH))
            continue;
        to = fields_find(&table->fields, from->name);
        if (to != NULL && to->type == from->type && to->size == from->size)
            memcpy((char *)record + to->offset, (const char *)call->params + from->offset,
                   to->size);
    }
}

void object_before(struct op_call *call, const struct table *table, const void *record)
{
    audit_digest(table, record, call->audit.before);
    if (record != NULL)
        object_key(table, record, call->audit.object, sizeof call->audit.object);
}

void object_after(struct op_call *call, const struct table *table, const void *record)
{
    audit_digest(table, record, call->audit.after);
    if (record != NULL && call->audit.object[0] == '\0')
        object_key(table, record, call->audit.object, sizeof call->audit.object);
}

int object_reply(struct op_call *call, const struct view *view, const void *record, struct err *err)
{
    object_etag(view->table, record, call->etag);
    return view_object(call, view, record, err);
}

int object_removed(struct op_call *call, const struct view *view, const char *id)
{
    struct json_out *j = call->out;

    json_out_object(j);
    json_out_key_text(j, "id", id);
    json_out_key_text(j, "object", view->object);
    json_out_key_bool(j, "deleted", true);
    json_out_end_object(j);
    return 0;
}

int object_job(struct op_call *call, struct job *job, struct err *err)
{
    (void)str_copy(job->actor, sizeof job->actor, call->actor.id);
    (void)str_copy(job->request_id, sizeof job->request_id, call->actor.request_id);
    if (job_start(call->txn, job, err) != 0)
        return -1;
    if (call->planned != NULL)
        *call->planned = *job;
    (void)str_copy(call->job_id, sizeof call->job_id, job->id);
    (void)str_format(call->location, sizeof call->location, "/api/jobs/%s", job->id);
    call->wake = true;
    return 0;
}
