/* What is asked of a tenant by whoever chooses among many. Apart from the finding itself, which
 * goes by indexes: this is the meaning, which must be the same whichever way they are found. */
#include "tenant_filter.h"

#include "plan.h"
#include "str.h"

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
    (void)str_format(f->words.at[0], sizeof f->words.at[0], "%llu", (unsigned long long)number);
    f->words.count = 1;
    return true;
}

static int read_words(struct op_call *call, const char *q, struct tenant_filter *f, struct err *err)
{
    char text[160];

    (void)str_copy(text, sizeof text, q);
    if (names_one(text, f))
        return 0;
    if (host_of(call, text, err) != 0)
        return -1;
    find_words_split(&f->words, text);
    return 0;
}

int tenant_filter_read(struct op_call *call, const struct tenant_wish *wish,
                       struct tenant_filter *f, struct err *err)
{
    memset(f, 0, sizeof *f);
    f->attention = wish->attention;
    f->deleted = wish->deleted;
    (void)str_copy(f->runtime, sizeof f->runtime, wish->runtime);
    (void)str_copy(f->subdomain, sizeof f->subdomain, wish->subdomain);
    if (find_set("state", tenant_state_names, wish->state, &f->states, err) != 0 ||
        find_set("health", tenant_health_names, wish->health, &f->healths, err) != 0 ||
        read_words(call, wish->q, f, err) != 0)
        return -1;
    if (find_refer(call, &plan_table, "plan", wish->plan, f->plan_id, err) != 0)
        return -1;
    return find_refer_customer(call, wish->customer_id, f->customer_id, err);
}

bool tenant_filter_flagged(const struct tenant *tenant)
{
    return (1u << tenant->state & TENANT_FLAGGED_STATES) != 0 ||
           (1u << tenant->health & TENANT_FLAGGED_HEALTHS) != 0;
}

bool tenant_filter_fits(const struct tenant_filter *f, const struct tenant *t)
{
    if (f->states != 0 ? (f->states >> t->state & 1) == 0
                       : t->state == TENANT_DELETED && !f->deleted)
        return false;
    return (f->healths == 0 || (f->healths >> t->health & 1) != 0) &&
           find_wanted(f->plan_id, t->plan_id) && find_wanted(f->customer_id, t->customer_id) &&
           find_wanted(f->runtime, t->runtime) && find_wanted(f->subdomain, t->subdomain) &&
           find_wanted(f->id, t->id);
}
