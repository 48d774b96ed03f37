/*
 * What brings a store of an older version to this one. Apart from the list of tables because it
 * grows with each release and is never changed behind one.
 */
#include "schema.h"

#include "customer.h"
#include "tenant_text.h"
#include "tunnel.h"

/* 2: customers, tunnels and tenants are found by their words; tunnels by host, deleted ones too. */
static int words(struct txn *txn, struct err *err)
{
    return record_reindex(txn, &tunnel_table, "by_host", err) != 0 ||
                   tunnel_remake(txn, err) != 0 || customer_remake(txn, err) != 0 ||
                   tenant_text_remake(txn, err) != 0
               ? -1
               : 0;
}

const struct migration sett_migrations[] = {
    {2, "customers, tunnels and tenants are found by words", words},
};
const size_t sett_migration_count = sizeof sett_migrations / sizeof sett_migrations[0];
