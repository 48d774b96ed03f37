/* What is asked of a tenant by whoever chooses among many. Apart from the finding itself, which
 * goes by indexes: this is the meaning, which must be the same whichever way they are found. */
#include "tenant_filter.h"

#include "customer.h"
#include "object.h"
#include "plan.h"
#include "str.h"

#define FLAGGED_STATES  (1u << TENANT_FAILED | 1u << TENANT_PAST_DUE)
#define FLAGGED_HEALTHS (1u << HEALTH_DEGRADED | 1u << HEALTH_UNHEALTHY | 1u << HEALTH_UNREACHABLE)

/* "active,failed" as a bit for each word. */
static int read_set(const char *field, const char *const *names, const char *text, uint32_t *set,
                    struct err *err)
{
    *set = 0;
    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        unsigned i = 0;

        while (names[i] != NULL && (strlen(names[i]) != len || strncmp(names[i], text, len) != 0))
            i++;
        if (names[i] == NULL)
            return err_field(err, field, "unknown_word", "%s: there is no \"%.*s\"", field,
                             len < 40 ? (int)len : 40, text);
        *set |= 1u << i;
        text += len + (text[len] == ',');
    }
    return 0;
}

/* The host of an address that was pasted, without what is common to all tenants. */
static int host_of(struct op_call *call, char *text, struct err *err)
{
    char domain[512];
    char *host = strstr(text, "://");
    size_t len, end;

    if (host == NULL)
        return 0;
    host += 3;
    host[strcspn(host, "/?#:")] = '\0';
    if (tenant_hostname(call->txn, &call->box->conf, "", domain, sizeof domain, err) != 0)
        return -1;
    len = strlen(host);
    end = strlen(domain); /* ".example.com" */
    if (len > end && str_equal(host + len - end, domain))
        host[len - end] = '\0';
    memmove(text, host, strlen(host) + 1);
    return 0;
}

/* An id, or the name of what is a tenant's outside: "sett-t000123". */
static bool names_one(const char *q, struct tenant_filter *f)
{
    uint8_t bytes[ID_BYTES];
    uint64_t number;

    if (id_bytes(q, tenant_table.prefix, bytes) == 0)
        return str_copy(f->id, sizeof f->id, q) == 0;
    if (!str_starts(q, "sett-t"))
        return false;
    q += strlen("sett-t");
    q += strspn(q, "0");
    if (str_u64(q, 1, UINT64_MAX, &number) != 0)
        return false;
    (void)str_format(f->words[0], sizeof f->words[0], "%llu", (unsigned long long)number);
    f->word_count = 1;
    return true;
}

static int read_words(struct op_call *call, const char *q, struct tenant_filter *f, struct err *err)
{
    char text[160], words[320] = "";
    const char *at = words;

    (void)str_copy(text, sizeof text, q);
    if (names_one(text, f))
        return 0;
    if (host_of(call, text, err) != 0)
        return -1;
    fold_words(words, sizeof words, text);
    while (*at != '\0' && f->word_count < TENANT_FILTER_WORDS) {
        size_t len = strcspn(at, " ");

        (void)str_copy_n(f->words[f->word_count++], sizeof f->words[0], at, len);
        at += len + (at[len] == ' ');
    }
    return 0;
}

int tenant_filter_read(struct op_call *call, const struct tenant_wish *wish,
                       struct tenant_filter *f, struct err *err)
{
    struct customer customer = {0};
    struct plan plan = {0};

    memset(f, 0, sizeof *f);
    f->attention = wish->attention;
    f->deleted = wish->deleted;
    (void)str_copy(f->runtime, sizeof f->runtime, wish->runtime);
    (void)str_copy(f->subdomain, sizeof f->subdomain, wish->subdomain);
    if (read_set("state", tenant_state_names, wish->state, &f->states, err) != 0 ||
        read_set("health", tenant_health_names, wish->health, &f->healths, err) != 0 ||
        read_words(call, wish->q, f, err) != 0)
        return -1;
    if (wish->plan[0] != '\0' &&
        object_refer(call, &plan_table, "plan", wish->plan, &plan, err) != 0)
        return -1;
    (void)str_copy(f->plan_id, sizeof f->plan_id, plan.id);
    if (wish->customer_id[0] != '\0' &&
        object_refer(call, &customer_table, "customer_id", wish->customer_id, &customer, err) != 0)
        return -1;
    if (call->actor.role == ROLE_CUSTOMER) /* nobody else's exist for them */
        (void)str_copy(customer.id, sizeof customer.id, call->actor.customer_id);
    (void)str_copy(f->customer_id, sizeof f->customer_id, customer.id);
    return 0;
}

bool tenant_filter_flagged(const struct tenant *tenant)
{
    return (1u << tenant->state & FLAGGED_STATES) != 0 ||
           (1u << tenant->health & FLAGGED_HEALTHS) != 0;
}

bool tenant_filter_fits(const struct tenant_filter *f, const struct tenant *t)
{
    if (f->states != 0 ? (f->states >> t->state & 1) == 0
                       : t->state == TENANT_DELETED && !f->deleted)
        return false;
    return (f->healths == 0 || (f->healths >> t->health & 1) != 0) &&
           (f->plan_id[0] == '\0' || str_equal(t->plan_id, f->plan_id)) &&
           (f->customer_id[0] == '\0' || str_equal(t->customer_id, f->customer_id)) &&
           (f->runtime[0] == '\0' || str_equal(t->runtime, f->runtime)) &&
           (f->subdomain[0] == '\0' || str_equal(t->subdomain, f->subdomain)) &&
           (f->id[0] == '\0' || str_equal(t->id, f->id));
}
