#ifndef SETT_SAGAS_H
#define SETT_SAGAS_H
/* All sagas of core/. The names of steps are never reused for something else. */
#include "step.h"

extern const struct saga saga_tenant_provision, saga_tenant_suspend, saga_tenant_resume,
    saga_tenant_restart, saga_tenant_update, saga_tenant_delete, saga_tenant_move;
extern const struct saga saga_tunnel_create, saga_tunnel_delete, saga_tunnel_restart,
    saga_tunnel_reroute, saga_tunnel_configure, saga_tunnel_adopt, saga_tunnel_release;
extern const struct saga saga_database_restore, saga_database_start, saga_database_sweep;
extern const struct saga saga_tenant_rekey;
extern const struct saga saga_drift_mend, saga_drift_lead, saga_drift_remove;
extern const struct saga saga_tenant_share, saga_tenant_unshare;
extern const struct saga saga_access_apply, saga_access_remove, saga_limit_apply, saga_limit_remove;
extern const struct saga saga_domain_add, saga_domain_route, saga_domain_remove, saga_domain_claim;
extern const struct saga saga_event_apply;
extern const struct saga saga_tunnel_probe;
extern const struct saga saga_turn_create, saga_turn_delete;

extern const struct saga *const sagas[];
extern const size_t saga_count;

/** sagas_find(name): the saga, or NULL. */
const struct saga *sagas_find(const char *name);

#endif
