#ifndef SETT_QUIET_TENANT_H
#define SETT_QUIET_TENANT_H
/* What a tenant's blueprint says under [backup], for one snapshot after the other's tenants. */
#include "backup.h"

struct quiet_tenant {
    struct backup_world *world;
    const char *job_id;
    uint64_t number; /* of whom it is about now */
    int fd;          /* -1: nobody is quiet */
    unsigned troubled;
    char trouble[200]; /* the first: "tenant 5: …" */
};

/** quiet_tenant_blueprint(q, number, out, err): the name of its blueprint if that leaves anything
 * out, else "". Return 0 or -1. */
int quiet_tenant_blueprint(struct quiet_tenant *q, uint64_t number, char out[32], struct err *err);

/** quiet_tenant_begin(q, number, err): before its files are read. What fails is counted; -1 only if
 * its blueprint wants that to fail the snapshot. Return 1 if it is quiet now, 0, or -1. */
int quiet_tenant_begin(struct quiet_tenant *q, uint64_t number, struct err *err);

/** quiet_tenant_end(q, err): they are read, or will not be. What fails as above; 0 or -1. */
int quiet_tenant_end(struct quiet_tenant *q, struct err *err);

#endif
