/* The list of sagas, for the engine and for plans. */
#include "sagas.h"

#include "str.h"

/* A saga is a row. */
/* clang-format off */
const struct saga *const sagas[] = {
    &saga_tenant_provision,
    &saga_tenant_suspend,
    &saga_tenant_resume,
    &saga_tenant_restart,
    &saga_tenant_rekey,
    &saga_tenant_update,
    &saga_tenant_delete,
    &saga_tenant_move,
    &saga_database_restore,
    &saga_database_start,
    &saga_database_sweep,
    &saga_tunnel_create,
    &saga_tunnel_delete,
    &saga_tunnel_restart,
    &saga_tunnel_reroute,
    &saga_tunnel_configure, &saga_tunnel_adopt, &saga_tunnel_release,
    &saga_domain_add,
    &saga_domain_route,
    &saga_domain_remove,
    &saga_domain_claim,
    &saga_event_apply,
    &saga_tunnel_probe,
    &saga_turn_create,
    &saga_turn_delete,
    &saga_drift_mend,
    &saga_drift_lead,
    &saga_drift_remove,
    &saga_tenant_share,
    &saga_tenant_unshare,
    &saga_access_apply,
    &saga_access_remove,
    &saga_limit_apply,
    &saga_limit_remove,
};
/* clang-format on */
const size_t saga_count = sizeof sagas / sizeof sagas[0];

const struct saga *sagas_find(const char *name)
{
    for (size_t i = 0; i < saga_count; i++)
        if (str_equal(sagas[i]->name, name))
            return sagas[i];
    return NULL;
}
