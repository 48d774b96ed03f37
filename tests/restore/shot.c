/*
 * Makes a snapshot of a running box for the tests of restoring, with keys that the test chooses.
 *   shot identity             a recovery secret and its public half
 *   shot ROOT FILE PUBLIC [BASE_CATALOG NEXT_CATALOG]
 */
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "create.h"
#include "enc.h"
#include "file.h"
#include "identity.h"
#include "schema.h"
#include "setting.h"
#include "str.h"
#include "tenant.h"

#define TENANTS_MOST 100

static int to_file(void *arg, const void *data, size_t len, struct err *err)
{
    return file_write_all(*(int *)arg, data, len) == 0 ? 0 : err_sys(err, "write", 5, "snapshot");
}

static int identity(void)
{
    uint8_t secret[32], public_key[32];
    char text[IDENTITY_TEXT];

    identity_new(secret, public_key);
    identity_secret_text(secret, text);
    (void)printf("%s\n", text);
    identity_public_text(public_key, text);
    (void)printf("%s\n", text);
    return 0;
}

/* As the box itself keeps it: hex, the secret half 0400. */
static void sign_key(const struct paths *paths, uint8_t key[64])
{
    char path[PATHS_SIZE + 16], text[160];
    uint8_t public_key[32];
    struct buf had;
    struct err err;

    (void)str_format(path, sizeof path, "%s/sign.key", paths->keys);
    buf_init(&had, 256);
    if (file_read(path, &had, &err) == 0 && enc_unhex(key, 64, str_trim(had.data)) == 0) {
        buf_free(&had);
        return;
    }
    (void)crypto_sign_keypair(public_key, key);
    enc_hex(text, key, 64);
    (void)file_write(path, text, 128, 0400, &err);
    (void)str_format(path, sizeof path, "%s/sign.pub", paths->keys);
    enc_hex(text, public_key, 32);
    (void)file_write(path, text, 64, 0444, &err);
}

static int tenants(struct txn *txn, uint64_t *numbers, size_t *count, struct err *err)
{
    struct tenant tenant = {0};
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &tenant_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &tenant, err)) == 1 && *count < TENANTS_MOST)
        if (tenant.state != TENANT_DELETED)
            numbers[(*count)++] = tenant.number;
    return got;
}

static struct seal_header header(struct txn *txn, const char *recipient)
{
    struct seal_header h = {.number = (uint64_t)time(NULL),
                            .created_at = (int64_t)time(NULL) * 1000,
                            .chunk = SEAL_CHUNK,
                            .schema = sett_schema.version,
                            .layout = 1,
                            .recipient_count = 1};

    if (getenv("SHOT_SCHEMA") != NULL) /* as a program of that version would say */
        h.schema = (uint32_t)strtoul(getenv("SHOT_SCHEMA"), NULL, 10);
    randombytes_buf(h.id, sizeof h.id);
    (void)setting_text(txn, NULL, "box.id", h.box_id, sizeof h.box_id, NULL);
    (void)str_copy(h.scope, sizeof h.scope, "box");
    (void)str_copy(h.made_by, sizeof h.made_by, "shot");
    h.recipients[0].kind = SEAL_TO_KEY;
    (void)identity_public_parse(recipient, h.recipients[0].public_key, NULL);
    return h;
}

int main(int argc, char **argv)
{
    static struct catalog base;
    uint8_t file_key[32], sign[64];
    uint64_t numbers[TENANTS_MOST];
    struct create_figures figures;
    struct seal_header h;
    struct paths paths;
    struct err err = {0};
    struct txn *txn;
    struct db *db;
    size_t count = 0;
    int fd, rc;

    if (sodium_init() == -1)
        return 1;
    if (argc == 2)
        return identity();
    if (argc < 4 || paths_set(&paths, argv[1], &err) == -1 ||
        (fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0600)) == -1 ||
        db_open(&db, paths.db, &sett_schema, &err) == -1 || db_read(&txn, db, &err) == -1 ||
        tenants(txn, numbers, &count, &err) == -1) {
        (void)fprintf(stderr, "shot: %s\n", err.text);
        return 1;
    }
    if (getenv("SHOT_MORE") != NULL) /* a tenant that came after the store was copied */
        numbers[count++] = strtoull(getenv("SHOT_MORE"), NULL, 10);
    h = header(txn, argv[3]);
    db_read_end(txn);
    sign_key(&paths, sign);
    randombytes_buf(file_key, sizeof file_key);
    struct chunk_sink sink = {to_file, &fd};
    struct create_order order = {.db = db,
                                 .paths = &paths,
                                 .header = &h,
                                 .file_key = file_key,
                                 .signing_key = sign,
                                 .sink = &sink,
                                 .tenants = numbers,
                                 .tenant_count = count,
                                 .scratch = paths.run};
    if (argc == 6) {
        FILE *in = fopen(argv[4], "r");
        if (in != NULL && catalog_open(&base, in, &err) == 0) {
            order.base = &base;
            h.incremental = true;
            memcpy(h.base_id, base.id, sizeof h.base_id);
            memcpy(h.base_hash, base.hash, sizeof h.base_hash);
        }
        order.catalog = fopen(argv[5], "w+");
    }
    rc = create_snapshot(&order, &figures, &err);
    if (rc == -1)
        (void)fprintf(stderr, "shot: %s\n", err.text);
    (void)fflush(NULL);
    _exit(rc == 0 ? 0 : 1);
}
