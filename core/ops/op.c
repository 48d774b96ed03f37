/* The table of all operations: the one place that knows every noun's file. */
#include "op.h"

#include "nouns.h"
#include "str.h"

/* A noun is a row. */
/* clang-format off */
const struct op *const op_tables[] = {
    system_ops,
    doctor_ops,
    change_ops, attention_ops, search_ops,
    auth_ops,
    auth_second_ops, second_factor_ops, passkey_ops,
    user_ops, reset_ops, invitation_ops,
    key_ops,
    session_ops,
    tenant_ops,
    tenant_many_ops, tenant_export_ops,
    tenant_move_ops, tenant_data_ops, proxmox_ops,
    tunnel_ops,
    creation_ops,
    adoption_ops,
    configure_ops,
    rule_ops,
    rule_all_ops,
    cloudflare_ops,
    access_ops,
    ratelimit_ops,
    domain_ops, port_ops,
    name_ops,
    customer_ops,
    plan_ops, blueprint_ops,
    subscription_ops,
    order_ops, order_page_ops,
    offer_ops, billing_ops, portal_ops, service_ops,
    drift_ops,
    job_ops,
    probe_ops,
    turn_ops,
    event_ops,
    webhook_ops,
    checkout_ops,
    audit_ops,
    setting_ops,
    secret_ops,
    brand_ops,
    trial_ops,
    log_ops,
    alert_ops,
    notice_ops,
    channel_ops,
    health_ops,
    mail_ops,
    reveal_ops,
    restore_ops,
    restore_make_ops,
    tenant_snapshot_ops,
    act_ops,
    box_ops, setup_ops, box_restore_ops,
    box_key_ops,
    key_status_ops,
    recovery_ops,
    vault_ops,
    engine_ops,
    snapshot_matrix_ops,
    backup_summary_ops,
    snapshot_keep_ops,
    snapshot_import_ops,
    snapshot_ops,
    NULL,
};
/* clang-format on */

const struct op *op_next(const struct op *at)
{
    const struct op *const *table = op_tables;

    if (at == NULL)
        return *table;
    if (at[1].name != NULL)
        return at + 1;
    /* The last row of its table: which table it was says where to go on. */
    for (; *table != NULL; table++) {
        const struct op *row = *table;
        while (row->name != NULL)
            row++;
        if (row == at + 1)
            return table[1];
    }
    return NULL;
}

const struct op *op_find(const char *name)
{
    const struct op *at = NULL;

    while ((at = op_next(at)) != NULL)
        if (str_equal(at->name, name))
            return at;
    return NULL;
}

bool op_given(const struct op_call *call, const char *name)
{
    const struct fields *f = call->op->params;

    for (size_t i = 0; f != NULL && i < f->count; i++)
        if (str_equal(f->at[i].name, name))
            return (call->given >> i & 1) != 0;
    return false;
}
