/*
 * Snapshots by the product's own code, as one process for each act, to be timed from outside.
 * usage: snapshot keys KEYS
 *        snapshot create KEYS STORE FOLDER OUT CATALOG [BASE]   writes CATALOG; BASE: an older one;
 *                                                               STORE -: none
 *        snapshot restore KEYS INTO FILE...                     a chain, the oldest first
 *        snapshot check KEYS FILE                               everything, into nothing
 *        snapshot verify FILE                                   what can be told without a key
 *        snapshot forge KEYS TAR OUT [BYTES ROOM MEMBERS LISTS] seals any archive as a section 2,
 *                                                               and says that it holds so much
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "clock.h"
#include "db.h"
#include "file.h"
#include "schema.h"
#include "section.h"
#include "squeeze.h"
#include "str.h"
#include "unpack.h"

struct keys {
    uint8_t sign_public[32], sign[64], public[32], secret[32];
};

static int keys_make(const char *path)
{
    struct keys k;
    FILE *out = fopen(path, "w");

    (void)crypto_sign_keypair(k.sign_public, k.sign);
    (void)crypto_box_keypair(k.public, k.secret);
    return out == NULL || fwrite(&k, sizeof k, 1, out) != 1 || fclose(out) != 0 ? -1 : 0;
}

static int keys_read(const char *path, struct keys *k, struct err *err)
{
    FILE *in = fopen(path, "r");

    if (in == NULL || fread(k, sizeof *k, 1, in) != 1)
        return err_set(err, ERR_NOT_FOUND, "keys", "no keys in %s", path);
    return fclose(in);
}

/* ---- create ---- */

static int add(void *arg, const struct volume_entry *e, int fd, struct err *err)
{
    return section_entry(arg, "tenants/1", e, fd, err);
}

static int put_store(struct section *s, const char *folder, const char *scratch, struct err *err)
{
    int fd = open(scratch, O_TMPFILE | O_RDWR, 0600), rc;
    struct db *db;

    if (fd == -1)
        return err_sys(err, "open", errno, scratch);
    rc = db_open(&db, folder, &sett_schema, err) == 0 && db_copy(db, fd, err) == 0 &&
                 lseek(fd, 0, SEEK_SET) == 0
             ? section_file(s, "db/data.mdb", fd, err)
             : -1;
    (void)close(fd);
    return rc;
}

static void header_of(struct seal_header *h, const struct keys *k)
{
    memset(h, 0, sizeof *h);
    h->number = 1;
    h->created_at = clock_wall_ms();
    h->chunk = SEAL_CHUNK;
    h->schema = 1;
    h->layout = 1;
    h->recipient_count = 1;
    h->recipients[0].kind = SEAL_TO_KEY;
    memcpy(h->recipients[0].public_key, k->public, 32);
    randombytes_buf(h->id, sizeof h->id);
    (void)str_copy(h->box_id, sizeof h->box_id, "box_bench");
    (void)str_copy(h->scope, sizeof h->scope, "box");
    (void)str_copy(h->made_by, sizeof h->made_by, "sett bench");
}

static int create(char **argv, struct err *err)
{
    const char *scratch = "/var/tmp", *store = argv[1], *folder = argv[2];
    int fd = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC, 0600);
    struct section_figures control, tenants = {0};
    FILE *next = fopen(argv[4], "w"), *old = argv[5] == NULL ? NULL : fopen(argv[5], "r");
    struct chunk_file file = {.fd = fd, .path = argv[3]};
    struct chunk_sink sink;
    struct section_setup setup = {.scratch = scratch, .far = true};
    static struct catalog base;
    struct section *s;
    struct seal_header h;
    uint8_t file_key[32];
    uint64_t length;
    struct keys k;
    int rc;

    if (fd == -1 || next == NULL)
        return err_sys(err, "open", errno, argv[3]);
    if (keys_read(argv[0], &k, err) == -1 || (old != NULL && catalog_open(&base, old, err) == -1))
        return -1;
    chunk_sink_file(&sink, &file);
    randombytes_buf(file_key, sizeof file_key);
    header_of(&h, &k);
    if (old != NULL) {
        h.incremental = true;
        memcpy(h.base_id, base.id, sizeof h.base_id);
        memcpy(h.base_hash, base.hash, sizeof h.base_hash);
    }
    if (chunk_writer_new(&setup.writer, &h, file_key, k.sign, &sink, err) == -1)
        return -1;
    memcpy(setup.id, h.id, sizeof setup.id);
    rc = catalog_begin(next, h.id, h.hash, err);
    if (rc == 0 && (rc = section_begin(&s, &setup, "db\tthe store\n", err)) == 0) {
        rc = str_equal(store, "-") || put_store(s, store, scratch, err) == 0
                 ? section_end(s, &control, err)
                 : -1;
        section_free(s);
    }
    setup.base = old == NULL ? NULL : &base;
    setup.catalog = next;
    setup.far = false;
    if (rc == 0 && (rc = section_begin(&s, &setup, "tenants/1\tof tenant 1\n", err)) == 0) {
        rc = volumes_walk(folder, add, s, err) == 0 ? section_end(s, &tenants, err) : -1;
        section_free(s);
    }
    if (rc == 0)
        rc = chunk_writer_finish(setup.writer, &length, err) == 0 ? catalog_end(next, err) : -1;
    chunk_writer_free(setup.writer);
    if (rc == 0 && fsync(fd) == -1)
        rc = err_sys(err, "sync", errno, argv[3]);
    printf("%llu files, %llu kept, %llu bytes\n", (unsigned long long)tenants.files,
           (unsigned long long)tenants.kept, (unsigned long long)length);
    return rc;
}

/* ---- forge ---- */

static int into_chunks(void *arg, const void *data, size_t len, struct err *err)
{
    return chunk_writer_add(arg, data, len, err);
}

/* An archive as it is, sealed and signed by one who may: only the unpacking can refuse it. */
static int press_archive(struct chunk_writer *w, const char *tar, struct err *err)
{
    FILE *in = fopen(tar, "r");
    static char block[65536];
    struct squeeze *s;
    size_t n;
    int rc = 0;

    if (in == NULL)
        return err_sys(err, "open", errno, tar);
    if (chunk_writer_section(w, err) == -1 || squeeze_new(&s, into_chunks, w, 3, 1, err) == -1)
        return -1;
    while (rc == 0 && (n = fread(block, 1, sizeof block, in)) > 0)
        rc = squeeze_add(s, block, n, err);
    if (rc == 0)
        rc = squeeze_end(s, err) == 0 ? chunk_writer_end(w, err) : -1;
    squeeze_free(s);
    (void)fclose(in);
    return rc;
}

static int forge(const char *keys, const char *tar, const char *out, const struct seal_sizes *sizes,
                 struct err *err)
{
    int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600), rc = -1;
    struct chunk_file file = {.fd = fd, .path = out};
    struct chunk_sink sink;
    struct section_setup setup = {.scratch = "/tmp"};
    struct section_figures figures;
    struct section *s;
    struct seal_header h;
    uint8_t file_key[32];
    uint64_t length;
    struct keys k;

    if (fd == -1)
        return err_sys(err, "open", errno, out);
    if (keys_read(keys, &k, err) == -1)
        return -1;
    chunk_sink_file(&sink, &file);
    randombytes_buf(file_key, sizeof file_key);
    header_of(&h, &k);
    h.chunk = SEAL_CHUNK_LEAST;
    if (chunk_writer_new(&setup.writer, &h, file_key, k.sign, &sink, err) == -1)
        return -1;
    if (section_begin(&s, &setup, "db\tnothing\n", err) == 0) {
        rc = section_end(s, &figures, err);
        section_free(s);
    }
    chunk_writer_count(setup.writer, sizes);
    if (rc == 0)
        rc = press_archive(setup.writer, tar, err) == 0
                 ? chunk_writer_finish(setup.writer, &length, err)
                 : -1;
    chunk_writer_free(setup.writer);
    return rc;
}

/* ---- restore ---- */

static long from_file(void *arg, void *data, size_t len, struct err *err)
{
    ssize_t n = read(*(int *)arg, data, len);

    return n < 0 ? err_sys(err, "read", errno, "the file") : (long)n;
}

static int unpack_one(const struct keys *k, struct unpack_setup *setup, const char *path,
                      FILE *manifest, struct err *err)
{
    int fd = open(path, O_RDONLY), rc;
    struct chunk_source source = {from_file, &fd};
    struct unpack_figures figures = {0};
    struct seal_sizes most, got = {0};
    struct chunk_reader *r;
    FILE *control = tmpfile();
    uint64_t length;

    if (fd == -1 || control == NULL)
        return err_sys(err, "open", errno, path);
    if (chunk_reader_new(&r, &source, err) == -1)
        return -1;
    setup->got = &got;
    rc = chunk_reader_open(r, k->secret, NULL, err) == 0 &&
                 chunk_reader_ahead(r, fd, &most, err) == 0
             ? 0
             : -1;
    setup->most = most.members == 0 ? NULL : &most; /* forged, and says nothing */
    if (rc == 0)
        rc = unpack_section(r, setup, control, &figures, err) == 0 &&
                     unpack_section(r, setup, manifest, &figures, err) == 0
                 ? 0
                 : -1;
    if (rc == 0)
        rc = setup->most == NULL ? chunk_reader_finish(r, &length, NULL, err)
                                 : unpack_finish(r, setup, &length, err);
    chunk_reader_free(r);
    (void)fclose(control);
    (void)close(fd);
    printf("%llu files, %llu bytes\n", (unsigned long long)figures.files,
           (unsigned long long)figures.bytes);
    return rc;
}

static int restore(const char *keys, const char *into, char **files, struct err *err)
{
    struct unpack_setup setup = {.folder = -1, .own = true};
    struct unpack_figures figures = {0};
    FILE *manifest = NULL;
    struct keys k;

    if (keys_read(keys, &k, err) == -1)
        return -1;
    if (into != NULL &&
        (mkdir(into, 0700) == -1 || (setup.folder = open(into, O_RDONLY | O_DIRECTORY)) == -1))
        return err_sys(err, "open", errno, into);
    for (char **at = files; *at != NULL; at++) {
        if (manifest != NULL)
            (void)fclose(manifest);
        if ((manifest = tmpfile()) == NULL)
            return err_sys(err, "open", errno, "a temporary file");
        setup.chain = at != files;
        if (unpack_one(&k, &setup, *at, manifest, err) == -1)
            return -1;
    }
    if (setup.chain && unpack_settle(&setup, manifest, &figures, err) == -1)
        return -1;
    if (into != NULL && syncfs(setup.folder) == -1)
        return err_sys(err, "sync", errno, into);
    return 0;
}

static int verify(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY);
    struct chunk_source source = {from_file, &fd};
    struct chunk_reader *r;
    uint64_t length;
    int rc;

    if (fd == -1)
        return err_sys(err, "open", errno, path);
    if (chunk_reader_new(&r, &source, err) == -1)
        return -1;
    rc = chunk_reader_verify(r, &length, err);
    chunk_reader_free(r);
    return rc;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    int rc = -2;

    if (sodium_init() == -1)
        return 1;
    if (argc == 3 && str_equal(argv[1], "keys"))
        rc = keys_make(argv[2]);
    else if (argc >= 7 && argc <= 8 && str_equal(argv[1], "create"))
        rc = create(argv + 2, &err);
    else if (argc >= 5 && str_equal(argv[1], "restore"))
        rc = restore(argv[2], argv[3], argv + 4, &err);
    else if (argc == 4 && str_equal(argv[1], "check"))
        rc = restore(argv[2], NULL, argv + 3, &err);
    else if ((argc == 5 || argc == 9) && str_equal(argv[1], "forge")) {
        struct seal_sizes sizes = {0};

        if (argc == 9)
            sizes = (struct seal_sizes){strtoull(argv[5], NULL, 10), strtoull(argv[6], NULL, 10),
                                        strtoull(argv[7], NULL, 10), strtoull(argv[8], NULL, 10)};
        rc = forge(argv[2], argv[3], argv[4], &sizes, &err);
    } else if (argc == 3 && str_equal(argv[1], "verify"))
        rc = verify(argv[2], &err);
    if (rc != 0)
        fprintf(stderr, "snapshot: %s\n", rc == -2 ? "see the usage in its source" : err.text);
    return rc == 0 ? 0 : 1;
}
