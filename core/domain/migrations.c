/*
 * What brings a store of an older version to this one. Apart from the list of tables because it
 * grows with each release and is never changed behind one.
 */
#include "schema.h"

#include "customer.h"
#include "event.h"
#include "job_tally.h"
#include "subscription.h"
#include "tenant_text.h"
#include "tunnel.h"

/* Customers, tunnels and tenants are found by their words; tunnels by host, deleted ones too. */
static int words(struct txn *txn, struct err *err)
{
    return record_reindex(txn, &tunnel_table, "by_host", err) != 0 ||
                   tunnel_remake(txn, err) != 0 || customer_remake(txn, err) != 0 ||
                   tenant_text_remake(txn, err) != 0
               ? -1
               : 0;
}

/* Figures are kept that were counted before: of equal states, and of jobs that ended. */
static const struct {
    const struct table *table;
    const char *index;
} counted[] = {
    {&tenant_table, "state"},        {&job_table, "state"},
    {&subscription_table, "status"}, {&subscription_table, "status_plan"},
    {&order_table, "state"},         {&event_table, "state"},
};

static int version_2(struct txn *txn, struct err *err)
{
    for (size_t i = 0; i < sizeof counted / sizeof counted[0]; i++)
        if (record_reindex(txn, counted[i].table, counted[i].index, err) != 0)
            return -1;
    return job_tally_remake(txn, err) != 0 ? -1 : words(txn, err);
}

const struct migration sett_migrations[] = {
    {2, "customers, tunnels and tenants are found by words, and figures are kept", version_2},
};
const size_t sett_migration_count = sizeof sett_migrations / sizeof sett_migrations[0];
