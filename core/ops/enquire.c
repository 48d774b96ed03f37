/* Asking the worker about an object. Apart because who may ask is decided here, in the store,
 * before a word of it leaves this process. */
#include "enquire.h"

#include "ask.h"
#include "json_in.h"
#include "str.h"

#define WAIT_MS 15000

int enquire_ask(struct op_call *call, const char *question, const struct kv *params, int wait_ms,
                struct err *err)
{
    return ask_watch(call->box->paths.ask_sock, question, params, wait_ms == 0 ? WAIT_MS : wait_ms,
                     call->progress, call->progress_arg, &call->answer, err);
}

int enquire_about(struct op_call *call, const struct table *table, const char *id,
                  struct kv *params, struct err *err)
{
    char name[KV_NAME_MAX], key[128];
    struct txn *txn;
    void *record = calloc(1, table->fields.struct_size);
    int r = -1;

    if (record == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a %s", table->noun);
    if (db_read(&txn, call->box->db, err) == 0) {
        call->txn = txn;
        r = object_get(call, table, id, record, err);
        db_read_end(txn);
        call->txn = NULL;
    }
    object_key(table, record, key, sizeof key);
    free(record);
    (void)str_format(name, sizeof name, "%s_id", table->noun);
    if (r == 0 && kv_set(params, name, key) != 0)
        return err_set(err, ERR_INTERNAL, "question_too_long", "the question is too long");
    return r;
}

int enquire(struct op_call *call, const struct table *table, const char *id, const char *question,
            struct kv *params, struct err *err)
{
    return enquire_about(call, table, id, params, err) == 0
               ? enquire_ask(call, question, params, 0, err)
               : -1;
}

int enquire_lines(struct op_call *call, const struct table *table, const char *id, uint32_t lines,
                  struct err *err)
{
    struct kv params;

    kv_clear(&params);
    (void)kv_set_u64(&params, "lines", lines == 0 ? ENQUIRE_LINES : lines);
    return enquire(call, table, id, "logs", &params, err);
}

int enquire_reply_json(struct op_call *call, struct err *err)
{
    if (json_check(buf_string(&call->answer), call->answer.len, &json_limits_provider, err) != 0)
        return -1;
    json_out_raw(call->out, call->answer.data, call->answer.len);
    return 0;
}

int enquire_reply_lines(struct op_call *call, struct err *err)
{
    struct json_out *j = call->out;
    const char *at = buf_string(&call->answer), *end = at + call->answer.len;

    (void)err;
    json_out_object(j);
    json_out_key_text(j, "object", "log");
    json_out_key(j, "lines");
    json_out_array(j);
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((stop == NULL ? end : stop) - at);
        json_out_text_n(j, at, len > 0 && at[len - 1] == '\r' ? len - 1 : len);
        at += len + 1;
    }
    json_out_end_array(j);
    json_out_end_object(j);
    return 0;
}
