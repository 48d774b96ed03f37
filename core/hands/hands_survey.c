/*
 * What many tenants use, in one request. Apart from the verbs about one tenant because five
 * thousand connections a minute for a line each would cost more than what they measure.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "hands_verb.h"
#include "str.h"

/* One tenant's own request out of the list's entry. Return 0 or -1. */
static int take_one(struct hands_request *one, const struct hands_request *all, const char *name,
                    const char *value, struct err *err)
{
    const char *blank = strchr(value, ' ');

    memset(one, 0, sizeof *one);
    one->verb = HANDS_RUNTIME_STATS;
    memcpy(one->box_id, all->box_id, sizeof one->box_id);
    if (name[0] != 'T' || blank == NULL || str_u64(name + 1, 1, UINT32_MAX, &one->number) == -1 ||
        str_copy_n(one->tenant_id, sizeof one->tenant_id, value, (size_t)(blank - value)) == -1 ||
        str_copy(one->blueprint, sizeof one->blueprint, blank + 1) == -1)
        return err_set(err, ERR_MALFORMED, "request_refused", "a list of tenants that is none");
    return hands_check(one, err);
}

enum outcome hands_survey(struct hands_job *job, struct err *err)
{
    const char *name, *value;
    struct hands_request *one = calloc(1, sizeof *one);
    struct hands_reply *reply = calloc(1, sizeof *reply);
    struct hands_job look = {job->world, one, reply, job->stream, -1};
    enum outcome result = OUTCOME_OK;
    unsigned count = 0;
    size_t at = 0;

    if (one == NULL || reply == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "memory", "no memory for a survey");
        result = OUTCOME_AGAIN;
    }
    while (result == OUTCOME_OK && kv_next(&job->request->env, &at, &name, &value) == 1) {
        const struct runtime_stats *s = &reply->stats;
        int64_t began_ms = clock_mono_ms();
        struct err why = {0};
        enum outcome outcome;

        if (count++ == HANDS_SURVEY_MOST || take_one(one, job->request, name, value, err) == -1) {
            result = OUTCOME_FAIL;
            break;
        }
        memset(reply, 0, sizeof *reply);
        outcome = hands_runtime_stats(&look, &why);
        (void)buf_format(job->stream, "%llu %u %llu %llu %llu %llu %llu %llu %llu %lld\n",
                         (unsigned long long)one->number, (unsigned)outcome,
                         (unsigned long long)s->cpu_ns, (unsigned long long)s->memory_bytes,
                         (unsigned long long)s->memory_limit_bytes, (unsigned long long)s->pids,
                         (unsigned long long)s->received_bytes, (unsigned long long)s->sent_bytes,
                         (unsigned long long)s->storage_bytes,
                         (long long)(clock_mono_ms() - began_ms));
    }
    free(one);
    free(reply);
    return result;
}
