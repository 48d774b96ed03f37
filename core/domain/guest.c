/*
 * The book of guests. Apart from ports, whose pool is this box's own: a number here may be taken by
 * somebody who never asks us.
 */
#include "guest.h"

#include "str.h"

#include <arpa/inet.h>
#include <string.h>

#define VMID_MIN  100u
#define VMID_MAX  999999999u
#define POOL_MOST 65536u /* addresses */

static const struct field rows[] = {
    FIELD(struct guest, vmid, FIELD_U32, .help = "number of the container"),
    FIELD(struct guest, tenant_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "tn",
          .help = "tenant that owns it"),
    FIELD(struct guest, address, FIELD_TEXT, .help = "its address, none: by DHCP"),
    FIELD(struct guest, node, FIELD_TEXT, .help = "machine that was chosen for it"),
    FIELD(struct guest, foreign, FIELD_TEXT, .help = "what else was found there"),
    FIELD(struct guest, until, FIELD_TIME, .help = "foreign: tried again from then on"),
    FIELD(struct guest, created_at, FIELD_TIME, .help = "taken at"),
};

static const struct index indexes[] = {
    {.name = "tenant_id", .id = 227, .sparse = true, .fields = {"tenant_id"}},
    {.name = "address", .id = 228, .unique = true, .sparse = true, .fields = {"address"}},
};

const struct table guest_table = {
    .name = "guests",
    .noun = "guest",
    .id = 48,
    .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct guest)},
    .key = {"vmid"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
};

int guest_vmids_check(const char *text, uint32_t *low, uint32_t *high, struct err *err)
{
    char first[16];
    const char *dash = strchr(text, '-');
    uint64_t a, b;

    if (dash != NULL && str_copy_n(first, sizeof first, text, (size_t)(dash - text)) == 0 &&
        str_u64(first, VMID_MIN, VMID_MAX, &a) == 0 && str_u64(dash + 1, a, VMID_MAX, &b) == 0) {
        *low = (uint32_t)a;
        *high = (uint32_t)b;
        return 0;
    }
    return err_field(err, "value", "vmids_invalid",
                     "\"%s\" is not a range of numbers such as 900000-909999", text);
}

struct addresses {
    uint32_t low, high; /* in this machine's order */
    uint32_t bits;      /* of the network */
};

static int read_address(const char *text, uint32_t *out)
{
    struct in_addr in;

    if (inet_pton(AF_INET, text, &in) != 1)
        return -1;
    *out = ntohl(in.s_addr);
    return 0;
}

/* "10.20.0.10-10.20.0.250/24". */
static int read_addresses(const char *text, struct addresses *out, struct err *err)
{
    const char *dash = strchr(text, '-'), *slash = strchr(text, '/');
    char first[32], last[32];
    uint64_t bits;

    if (dash != NULL && slash != NULL && slash > dash &&
        str_copy_n(first, sizeof first, text, (size_t)(dash - text)) == 0 &&
        str_copy_n(last, sizeof last, dash + 1, (size_t)(slash - dash - 1)) == 0 &&
        read_address(first, &out->low) == 0 && read_address(last, &out->high) == 0 &&
        str_u64(slash + 1, 8, 30, &bits) == 0 && out->low <= out->high &&
        out->high - out->low < POOL_MOST && out->low >> (32 - bits) == out->high >> (32 - bits)) {
        out->bits = (uint32_t)bits;
        return 0;
    }
    return err_field(err, "value", "addresses_invalid",
                     "\"%s\" is not a pool such as 10.20.0.10-10.20.0.250/24", text);
}

int guest_addresses_check(const char *text, struct err *err)
{
    struct addresses pool;

    return text[0] == '\0' ? 0 : read_addresses(text, &pool, err);
}

int guest_of_tenant(struct txn *txn, const char *tenant_id, struct guest *guest, struct err *err)
{
    struct scan scan;

    memset(guest, 0, sizeof *guest);
    if (str_copy(guest->tenant_id, sizeof guest->tenant_id, tenant_id) == -1 ||
        tenant_id[0] == '\0')
        return 0;
    if (scan_start(&scan, txn, &guest_table, "tenant_id", guest, 1, false, err) == -1)
        return -1;
    return scan_next(&scan, guest, err);
}

/* The lowest number that nobody is known to have. Return 1, 0 if there is none, -1. */
static int free_vmid(struct txn *txn, uint32_t low, uint32_t high, uint32_t *out, struct err *err)
{
    struct guest taken = {.vmid = low};
    uint32_t want = low;
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &guest_table, NULL, NULL, 0, false, err) == -1 ||
        scan_from(&scan, &taken, 1, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &taken, err)) == 1 && taken.vmid == want) {
        if (taken.tenant_id[0] == '\0' && taken.until <= txn_time_ms(txn))
            break; /* whoever was there may have gone */
        if (want == high)
            return 0;
        want++;
    }
    *out = want;
    return got == -1 ? -1 : 1;
}

/* The lowest address that no guest of ours has. Return 1, 0 if there is none, -1. */
static int free_address(struct txn *txn, const struct guest_pool *pool, char out[64],
                        struct err *err)
{
    struct addresses a;
    uint32_t gateway = 0;
    struct guest other;

    if (read_addresses(pool->addresses, &a, err) == -1)
        return -1;
    if (pool->gateway[0] != '\0')
        (void)read_address(pool->gateway, &gateway);
    for (uint32_t at = a.low; at <= a.high && at >= a.low; at++) {
        int found;
        if (at == gateway)
            continue;
        memset(&other, 0, sizeof other);
        (void)str_format(other.address, sizeof other.address, "%u.%u.%u.%u/%u", at >> 24,
                         at >> 16 & 255, at >> 8 & 255, at & 255, a.bits);
        if ((found = record_find(txn, &guest_table, "address", &other, err)) == -1)
            return -1;
        if (found == 1)
            continue;
        (void)str_format(out, 64, "%u.%u.%u.%u/%u", at >> 24, at >> 16 & 255, at >> 8 & 255,
                         at & 255, a.bits);
        return 1;
    }
    return 0;
}

static int exhausted(struct err *err, const char *code, const char *what, const char *setting)
{
    (void)err_set(err, ERR_QUOTA, code, "all %s are taken", what);
    return err_hint(err, "widen the setting %s, or delete a tenant", setting);
}

int guest_reserve(struct txn *txn, const struct guest_pool *pool, const char *tenant_id,
                  const char *node, struct guest *guest, struct err *err)
{
    int found = guest_of_tenant(txn, tenant_id, guest, err);
    uint32_t low, high, vmid = 0;

    if (found != 0)
        return found == 1 ? 0 : -1;
    if (guest_vmids_check(pool->vmids, &low, &high, err) == -1 ||
        (found = free_vmid(txn, low, high, &vmid, err)) == -1)
        return -1;
    if (found == 0)
        return exhausted(err, "vmids_exhausted", "numbers for containers", "proxmox.vmids");
    memset(guest, 0, sizeof *guest);
    if (pool->addresses[0] != '\0') {
        if ((found = free_address(txn, pool, guest->address, err)) == -1)
            return -1;
        if (found == 0)
            return exhausted(err, "addresses_exhausted", "addresses for containers",
                             "proxmox.addresses");
    }
    guest->vmid = vmid;
    guest->created_at = txn_time_ms(txn);
    if (str_copy(guest->tenant_id, sizeof guest->tenant_id, tenant_id) == -1 ||
        str_copy(guest->node, sizeof guest->node, node) == -1)
        return err_set(err, ERR_INVALID, "node_invalid", "\"%s\" is no machine's name", node);
    return record_put(txn, &guest_table, guest, err);
}

int guest_free(struct txn *txn, const char *tenant_id, struct err *err)
{
    struct guest guest;
    int found;

    while ((found = guest_of_tenant(txn, tenant_id, &guest, err)) == 1)
        if (record_delete(txn, &guest_table, &guest, err) == -1)
            return -1;
    return found;
}

int guest_foreign(struct txn *txn, uint32_t vmid, const char *what, int64_t until, struct err *err)
{
    struct guest guest = {.vmid = vmid, .until = until, .created_at = txn_time_ms(txn)};

    if (what[0] == '\0' || str_copy(guest.foreign, sizeof guest.foreign, what) == -1)
        (void)str_copy(guest.foreign, sizeof guest.foreign, "somebody else's guest");
    return record_put(txn, &guest_table, &guest, err);
}
