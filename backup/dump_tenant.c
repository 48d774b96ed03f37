/*
 * The dump of one tenant's database for a snapshot. Apart from pg_dump itself (postgres_dump.c)
 * because here the store says who the tenant is, and whether it has a database yet.
 */
#include "dump_tenant.h"

#include <sodium.h>
#include <string.h>

#include "postgres_dump.h"
#include "setting.h"
#include "str.h"
#include "tenant.h"

struct dump {
    struct postgres_login login;
    char mark[96];
    bool coming; /* it is still being made, or its making failed: it may have none yet */
};

/* 1 with the tenant's database's password, 0 if it has no database. */
static int read_records(struct txn *txn, const struct saga_context *c, uint64_t number,
                        struct dump *d, struct err *err)
{
    struct tenant tenant = {0};
    char name[96], text[512];
    struct buf plain;
    int found;

    (void)str_format(text, sizeof text, "%llu", (unsigned long long)number);
    if ((found = tenant_resolve(txn, text, &tenant, err)) != 1)
        return found;
    if (setting_text(txn, &c->conf, "box.id", text, sizeof text, err) == -1)
        return -1;
    (void)str_format(d->mark, sizeof d->mark, "sett %.40s %s", text, tenant.id);
    (void)str_format(name, sizeof name, "database:%s", tenant.id);
    d->coming = tenant.state == TENANT_PENDING || tenant.state == TENANT_PROVISIONING ||
                tenant.state == TENANT_FAILED || tenant.state == TENANT_DELETING;
    postgres_name(d->login.name, number, tenant.database);
    buf_init(&plain, sizeof d->login.password - 1);
    if ((found = secret_get(txn, &c->vault, name, &plain, err)) == 1)
        (void)str_copy(d->login.password, sizeof d->login.password, buf_string(&plain));
    if (plain.data != NULL)
        sodium_memzero(plain.data, plain.cap);
    buf_free(&plain);
    return found;
}

/* Where the server is; and of a tenant that is on its way, whether its database is there. 1, 0 or
 * -1. */
static int find(struct backup_world *world, struct dump *d, struct err *err)
{
    struct providers *providers = outside_use(world->outside);
    struct postgres p = {providers->database_admin, providers->database_password};
    int rc = postgres_address(&p, d->login.host, sizeof d->login.host, &d->login.port, err);

    rc = rc == -1 ? -1 : d->coming ? postgres_find(&p, d->login.name, d->mark, err) : 1;
    outside_done(world->outside, providers);
    return rc;
}

int dump_tenant(struct backup_world *world, uint64_t number, int fd, struct err *err)
{
    const struct saga_context *c = world->context;
    struct dump d = {0};
    struct txn *txn;
    int rc;

    if (db_read(&txn, c->db, err) == -1)
        return -1;
    rc = read_records(txn, c, number, &d, err);
    db_read_end(txn);
    if (rc == 1 && (rc = find(world, &d, err)) == 1)
        rc = postgres_dump(&d.login, fd, err) == -1 ? -1 : 1;
    sodium_memzero(&d, sizeof d);
    return rc;
}
