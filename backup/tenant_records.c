/*
 * A tenant's records for a snapshot of it alone. Apart from the copy of a store, in which
 * everybody's secrets are: here is only what is needed to make one tenant again.
 */
#include "tenant_records.h"

#include <errno.h>

#include "customer.h"
#include "dump.h"
#include "file.h"
#include "plan.h"
#include "str.h"
#include "subscription.h"
#include "tenant.h"
#include "tunnel.h"

#define TEXT_MAX (4u * 1024u * 1024u)

static int add(struct buf *out, const struct table *table, const void *record, struct err *err)
{
    struct buf line;
    int rc;

    buf_init(&line, DUMP_LINE_MAX);
    rc = dump_line(table, record, &line);
    if (rc == 0)
        rc = buf_add(out, line.data, line.len) == 0 && buf_byte(out, '\n') == 0 ? 0 : -1;
    buf_free(&line);
    return rc == 0
               ? 0
               : err_set(err, ERR_TOO_LARGE, "records_large", "the tenant's records are too many");
}

static int gather(struct txn *txn, const char *tenant_id, struct buf *out, char blueprint[32],
                  struct err *err)
{
    struct subscription subscription = {0};
    struct customer customer = {0};
    struct tenant tenant = {0};
    struct tunnel tunnel = {0};
    struct plan plan = {0};
    struct scan scan;
    int got = tenant_resolve(txn, tenant_id, &tenant, err);

    if (got != 1)
        return got == 0 ? err_set(err, ERR_NOT_FOUND, "tenant_not_found", "there is no tenant %s",
                                  tenant_id)
                        : -1;
    (void)str_copy(blueprint, 32, tenant.blueprint);
    (void)str_copy(customer.id, sizeof customer.id, tenant.customer_id);
    (void)str_copy(plan.id, sizeof plan.id, tenant.plan_id);
    (void)str_copy(subscription.id, sizeof subscription.id, tenant.subscription_id);
    if (add(out, &tenant_table, &tenant, err) == -1 ||
        (customer.id[0] != '\0' && (got = record_get(txn, &customer_table, &customer, err)) == 1 &&
         add(out, &customer_table, &customer, err) == -1) ||
        got == -1 ||
        (plan.id[0] != '\0' && (got = record_get(txn, &plan_table, &plan, err)) == 1 &&
         add(out, &plan_table, &plan, err) == -1) ||
        got == -1 ||
        (subscription.id[0] != '\0' &&
         (got = record_get(txn, &subscription_table, &subscription, err)) == 1 &&
         add(out, &subscription_table, &subscription, err) == -1) ||
        got == -1)
        return -1;
    (void)str_copy(tunnel.tenant_id, sizeof tunnel.tenant_id, tenant.id);
    if (scan_start(&scan, txn, &tunnel_table, "tenant_id", &tunnel, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &tunnel, err)) == 1)
        if (add(out, &tunnel_table, &tunnel, err) == -1)
            return -1;
    return got;
}

int tenant_records(struct backup_world *world, const char *tenant_id, int fd, char blueprint[32],
                   struct err *err)
{
    struct buf out;
    struct txn *txn;
    int rc;

    if (db_read(&txn, world->context->db, err) == -1)
        return -1;
    buf_init(&out, TEXT_MAX);
    rc = gather(txn, tenant_id, &out, blueprint, err);
    db_read_end(txn);
    if (rc == 0 && file_write_all(fd, out.data, out.len) == -1)
        rc = err_sys(err, "spool", errno, "the tenant's records");
    buf_free(&out);
    return rc;
}
