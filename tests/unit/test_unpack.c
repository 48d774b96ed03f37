/* From a folder into a snapshot and out again: everything is as it was, in one file or in a chain
 * of them; and what a hostile snapshot holds stays within the staging folder. */
#include "forge_tar.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "section.h"
#include "unpack.h"

#define CHUNK 4096

struct place {
    char root[64], source[128], staging[128], scratch[128];
};

static void setup(struct place *p)
{
    (void)str_copy(p->root, sizeof p->root, "/tmp/sett-unpack-XXXXXX");
    assert_non_null(mkdtemp(p->root));
    (void)str_format(p->source, sizeof p->source, "%s/source", p->root);
    (void)str_format(p->staging, sizeof p->staging, "%s/staging", p->root);
    (void)str_format(p->scratch, sizeof p->scratch, "%s/scratch", p->root);
    assert_int_equal(mkdir(p->source, 0700) + mkdir(p->staging, 0700) + mkdir(p->scratch, 0700), 0);
}

static void teardown(struct place *p)
{
    assert_int_equal(file_remove_tree(p->root, NULL), 0);
}

static void path_of(char out[256], const char *folder, const char *name)
{
    (void)str_format(out, 256, "%s/%s", folder, name);
}

static void make_file(const char *folder, const char *name, const char *text, mode_t mode)
{
    struct timespec times[2] = {{.tv_sec = 1700000000, .tv_nsec = 5},
                                {.tv_sec = 1700000000, .tv_nsec = 987654321}};
    char path[256];
    int fd;

    path_of(path, folder, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_not_equal(fd, -1);
    assert_int_equal(file_write_all(fd, text, strlen(text)), 0);
    assert_int_equal(fchmod(fd, mode) + futimens(fd, times), 0);
    (void)close(fd);
}

static void make_folder(const char *folder, const char *name, mode_t mode)
{
    char path[256];

    path_of(path, folder, name);
    assert_int_equal(file_mkdirs(path, 0700, NULL), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static int add(void *arg, const struct volume_entry *e, int fd, struct err *err)
{
    return section_entry(arg, "tenants/1", e, fd, err);
}

/* A snapshot of the source folder. ${base}, ${next}: catalogs, or NULL. */
static void snapshot(struct place *p, struct shot *s, struct seal_header *h, FILE *base, FILE *next,
                     struct section_figures *figures)
{
    struct chunk_sink sink = {shot_write, s};
    struct section_setup setup = {.scratch = p->scratch, .threads = 2};
    struct catalog *catalog = calloc(1, sizeof *catalog);
    struct section *section;
    struct err err = {0};
    uint64_t length;

    if (chunk_writer_new(&setup.writer, h, s->file_key, s->sign_key, &sink, &err) == -1 ||
        section_begin(&section, &setup, "db\tnothing\n", &err) == -1 ||
        section_end(section, figures, &err) == -1)
        fail_msg("%s", err.text);
    section_free(section);
    if (base != NULL) {
        if (catalog_open(catalog, base, &err) == -1)
            fail_msg("%s", err.text);
        setup.base = catalog;
    }
    setup.catalog = next;
    memcpy(setup.id, h->id, SEAL_ID);
    if ((next != NULL && catalog_begin(next, h->id, h->hash, &err) == -1) ||
        section_begin(&section, &setup, "tenants/1\tof tenant 1\n", &err) == -1 ||
        volumes_walk(p->source, add, section, &err) == -1 ||
        section_end(section, figures, &err) == -1 ||
        (next != NULL && catalog_end(next, &err) == -1) ||
        chunk_writer_finish(setup.writer, &length, &err) == -1)
        fail_msg("%s", err.text);
    section_free(section);
    chunk_writer_free(setup.writer);
    free(catalog);
}

/* Unpack both sections of one file. 0 or -1; the manifest of the second stays in ${manifest}. */
static int unpack_file(const struct shot *s, const struct unpack_setup *setup, FILE *manifest,
                       struct unpack_figures *figures, struct err *err)
{
    struct at at = {s->data, s->len, 0};
    struct chunk_source source = {at_read, &at};
    struct chunk_reader *r;
    FILE *control = tmpfile();
    uint64_t length;
    int rc;

    if (chunk_reader_new(&r, &source, err) == -1) {
        (void)fclose(control);
        return -1;
    }
    rc = chunk_reader_open(r, s->secret, NULL, err) == 0 &&
                 unpack_section(r, setup, control, figures, err) == 0 &&
                 unpack_section(r, setup, manifest, figures, err) == 0 &&
                 chunk_reader_finish(r, &length, err) == 0
             ? 0
             : -1;
    chunk_reader_free(r);
    (void)fclose(control);
    return rc;
}

/* All that is below a folder, as one text. */
static int describe(void *arg, const struct volume_entry *e, int fd, struct err *err)
{
    struct buf *out = arg;
    char text[4096] = "";

    (void)err;
    if (fd >= 0)
        (void)!read(fd, text, sizeof text - 1);
    return buf_format(out, "%c %o %u %u %lld.%u %llu %u %s %s %s\n", e->type, e->mode, e->uid,
                      e->gid, e->type == 'd' ? 0LL : (long long)e->mtime_s,
                      e->type == 'd' ? 0 : e->mtime_ns, (unsigned long long)e->size, e->links,
                      e->name, e->target, text);
}

static void same_trees(const char *a, const char *b)
{
    struct buf x, y;
    struct err err = {0};

    buf_init(&x, 8u << 20);
    buf_init(&y, 8u << 20);
    assert_int_equal(volumes_walk(a, describe, &x, &err), 0);
    assert_int_equal(volumes_walk(b, describe, &y, &err), 0);
    assert_string_equal(buf_string(&x), buf_string(&y));
    buf_free(&x);
    buf_free(&y);
}

static int open_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_int_not_equal(fd, -1);
    return fd;
}

/* Something of everything. */
static void fill(struct place *p)
{
    char path[256], other[256];

    make_folder(p->source, "site/deep/er", 0751);
    make_folder(p->source, "empty", 01777);
    make_file(p->source, "site/index.html", "<h1>Acme</h1>", 0644);
    make_file(p->source, "site/deep/er/\xff\xfe name", "bytes", 0600);
    make_file(p->source, "empty file", "", 0400);
    make_file(p->source, "site.conf", "sorts between", 0640);
    path_of(path, p->source, "site/index.html");
    path_of(other, p->source, "z-hard");
    assert_int_equal(link(path, other), 0);
    path_of(path, p->source, "link");
    assert_int_equal(symlink("/etc/passwd", path), 0);
    path_of(path, p->source, "dangling");
    assert_int_equal(symlink("../../nowhere", path), 0);
    if (geteuid() == 0) {
        path_of(path, p->source, "site.conf");
        assert_int_equal(lchown(path, 100042, 100043), 0);
        make_file(p->source, "site.conf", "sorts between", 0640);
        assert_int_equal(lchown(path, 100042, 100043), 0);
    }
}

static void test_there_and_back(void **state)
{
    struct unpack_figures got = {0};
    struct section_figures put;
    struct unpack_setup setup_ = {.own = geteuid() == 0};
    struct place p;
    struct shot s;
    struct seal_header h;
    struct err err = {0};
    FILE *manifest = tmpfile();
    char restored[256];

    (void)state;
    setup(&p);
    fill(&p);
    shot_keys(&s);
    h = shot_header(&s, CHUNK);
    snapshot(&p, &s, &h, NULL, NULL, &put);
    assert_int_equal(put.files, 5);
    assert_int_equal(put.links, 2);
    setup_.folder = open_folder(p.staging);
    if (unpack_file(&s, &setup_, manifest, &got, &err) == -1)
        fail_msg("%s", err.text);
    path_of(restored, p.staging, "tenants/1");
    same_trees(p.source, restored);
    assert_int_equal(got.files, 4);
    assert_int_equal(got.links, 3); /* a hard link is one */
    /* There is something already: nothing is overwritten. */
    assert_int_equal(unpack_file(&s, &setup_, manifest, &got, &err), -1);
    assert_int_equal(err.kind, ERR_CORRUPT);
    (void)close(setup_.folder);
    (void)fclose(manifest);
    free(s.data);
    teardown(&p);
}

/* One part of it. */
static void test_only(void **state)
{
    struct unpack_figures got = {0};
    struct section_figures put;
    struct unpack_setup setup_ = {.only = "tenants/1/site"};
    struct place p;
    struct shot s;
    struct seal_header h;
    struct err err = {0};
    FILE *manifest = tmpfile();
    char path[256];

    (void)state;
    setup(&p);
    fill(&p);
    shot_keys(&s);
    h = shot_header(&s, CHUNK);
    snapshot(&p, &s, &h, NULL, NULL, &put);
    setup_.folder = open_folder(p.staging);
    if (unpack_file(&s, &setup_, manifest, &got, &err) == -1)
        fail_msg("%s", err.text);
    assert_int_equal(got.files, 2);
    path_of(path, p.staging, "tenants/1/site/deep/er");
    assert_true(file_exists(path));
    path_of(path, p.staging, "tenants/1/site.conf"); /* begins alike, and is another */
    assert_false(file_exists(path));
    (void)close(setup_.folder);
    (void)fclose(manifest);
    free(s.data);
    teardown(&p);
}

#define CHAIN 4

static void test_chain(void **state)
{
    struct unpack_figures got = {0};
    struct section_figures put[CHAIN];
    struct unpack_setup setup_ = {.own = geteuid() == 0, .chain = true};
    FILE *catalogs[CHAIN], *manifest = NULL;
    struct shot shots[CHAIN];
    struct seal_header headers[CHAIN];
    struct place p;
    struct err err = {0};
    char path[256], restored[256];

    (void)state;
    setup(&p);
    fill(&p);
    for (unsigned i = 0; i < CHAIN; i++) {
        if (i == 1) { /* one more, one changed, one gone, one that is of another kind now */
            make_file(p.source, "new", "new", 0600);
            make_file(p.source, "site.conf", "changed, as long", 0600);
            path_of(path, p.source, "site/deep/er/\xff\xfe name");
            assert_int_equal(unlink(path), 0);
            path_of(path, p.source, "empty file");
            assert_int_equal(unlink(path), 0);
            make_folder(p.source, "empty file/now a folder", 0700);
        } else if (i == 2) { /* nothing at all */
            (void)0;
        } else if (i ==
                   3) { /* the same length and times, and another content: the inode's time tells */
            make_file(p.source, "new", "NEW", 0600);
            make_folder(p.source, "site/deep/er", 0700);
            path_of(path, p.source, "link");
            assert_int_equal(unlink(path), 0);
            make_file(p.source, "link", "a file now", 0600);
        }
        catalogs[i] = tmpfile();
        shot_keys(&shots[i]);
        if (i > 0) {
            memcpy(shots[i].secret, shots[0].secret, 32);
            memcpy(shots[i].public, shots[0].public, 32);
        }
        headers[i] = shot_header(&shots[i], CHUNK);
        memset(headers[i].id, (int)i + 1, SEAL_ID);
        if (i > 0) {
            headers[i].incremental = true;
            memcpy(headers[i].base_id, headers[i - 1].id, SEAL_ID);
            memcpy(headers[i].base_hash, headers[i - 1].hash, SEAL_HASH);
        }
        snapshot(&p, &shots[i], &headers[i], i == 0 ? NULL : catalogs[i - 1], catalogs[i], &put[i]);
    }
    assert_int_equal(put[0].kept, 0);
    assert_int_equal(put[1].kept,
                     0 + (put[1].files - 4)); /* new, site.conf and the linked pair are packed */
    assert_int_equal(put[2].kept, put[2].files - 2); /* only the pair with two names */
    assert_true(put[2].bytes < put[0].bytes);
    setup_.folder = open_folder(p.staging);
    for (unsigned i = 0; i < CHAIN; i++) {
        if (manifest != NULL)
            (void)fclose(manifest);
        manifest = tmpfile();
        if (unpack_file(&shots[i], &setup_, manifest, &got, &err) == -1)
            fail_msg("%u: %s", i, err.text);
    }
    if (unpack_settle(&setup_, manifest, &got, &err) == -1)
        fail_msg("%s", err.text);
    path_of(restored, p.staging, "tenants/1");
    same_trees(p.source, restored);
    /* A chain whose middle is missing is not one. */
    assert_int_equal(file_remove_tree(restored, NULL), 0);
    (void)fclose(manifest);
    manifest = tmpfile();
    assert_int_equal(unpack_file(&shots[0], &setup_, tmpfile(), &got, &err), 0);
    assert_int_equal(unpack_file(&shots[3], &setup_, manifest, &got, &err), 0);
    assert_int_equal(unpack_settle(&setup_, manifest, &got, &err), -1);
    assert_int_equal(err.kind, ERR_CORRUPT);
    (void)fclose(manifest);
    (void)close(setup_.folder);
    for (unsigned i = 0; i < CHAIN; i++) {
        free(shots[i].data);
        (void)fclose(catalogs[i]);
    }
    teardown(&p);
}

/* ---- hostile ---- */

struct hostile {
    struct pack_entry entry;
    const char *data;
};

/* A snapshot with just these members, signed and sealed as it should be, with a manifest that
 * agrees as far as one can be written. */
static void forge(struct shot *s, const struct hostile *members, size_t count)
{
    struct chunk_sink sink = {shot_write, s};
    struct seal_header h;
    struct packing packing;
    struct err err = {0};
    uint64_t length;

    shot_keys(s);
    h = shot_header(s, CHUNK);
    assert_int_equal(chunk_writer_new(&packing.w, &h, s->file_key, s->sign_key, &sink, &err), 0);
    for (unsigned i = 0; i < 2; i++) {
        struct pack_entry index = {.type = PACK_FILE, .name = "INDEX"},
                          last = {.type = PACK_FILE, .name = "MANIFEST"};
        char text[8192] = "SETT-MANIFEST 1\n", name[3 * 300];
        unsigned lines = 0;
        struct squeeze *z;
        FILE *quoted;

        assert_int_equal(chunk_writer_section(packing.w, &err), 0);
        assert_int_equal(squeeze_new(&z, into_section, &packing, 3, 1, &err), 0);
        tar_member(z, &index, "");
        for (size_t k = 0; i == 1 && k < count; k++) {
            struct pack_entry e = members[k].entry;
            uint8_t hash[32];
            char hex[65] = "-";
            size_t len = strlen(text);

            if (e.type == PACK_FILE) {
                e.size = members[k].data == NULL ? 0 : strlen(members[k].data);
                (void)crypto_hash_sha256(
                    hash, (const uint8_t *)(members[k].data == NULL ? "" : members[k].data),
                    e.size);
                (void)sodium_bin2hex(hex, sizeof hex, hash, 32);
            }
            tar_member(z, &e, members[k].data);
            quoted = fmemopen(name, sizeof name, "w");
            manifest_put_name(quoted, e.name);
            if (e.target != NULL) {
                (void)fputc(' ', quoted);
                manifest_put_name(quoted, e.target);
            }
            (void)fputc('\0', quoted);
            (void)fclose(quoted);
            (void)str_format(text + len, sizeof text - len,
                             "%c %o %u %u 0.000000000 %llu %s . %s\n", (char)e.type, e.mode, e.uid,
                             e.gid, (unsigned long long)e.size, hex, name);
            lines++;
        }
        (void)str_format(text + strlen(text), sizeof text - strlen(text), "END %u\n", lines);
        last.size = strlen(text);
        tar_member(z, &last, text);
        tar_end(z);
        squeeze_free(z);
        assert_int_equal(chunk_writer_end(packing.w, &err), 0);
    }
    assert_int_equal(chunk_writer_finish(packing.w, &length, &err), 0);
    chunk_writer_free(packing.w);
}

#define F(name_, data_)                                                                            \
    {                                                                                              \
        {.type = PACK_FILE, .mode = 0644, .name = name_}, data_                                    \
    }
#define D(name_)                                                                                   \
    {                                                                                              \
        {.type = PACK_FOLDER, .mode = 0755, .name = name_}, NULL                                   \
    }
#define L(name_, to_)                                                                              \
    {                                                                                              \
        {.type = PACK_SYMLINK, .mode = 0777, .name = name_, .target = to_}, NULL                   \
    }
#define H(name_, to_)                                                                              \
    {                                                                                              \
        {.type = PACK_HARDLINK, .mode = 0644, .name = name_, .target = to_}, NULL                  \
    }

static void test_hostile(void **state)
{
    static const struct {
        const char *what;
        bool sound; /* it is odd, and harmless: it must be unpacked */
        struct hostile members[4];
    } cases[] = {
        {"a sound one", true, {D("a"), F("a/b", "x")}},
        {"above", false, {F("../escaped", "x")}},
        {"above, later", false, {D("a"), F("a/../../escaped", "x")}},
        {"absolute", false, {F("/tmp/sett-escaped", "x")}},
        {"a dot", false, {F("./a", "x")}},
        {"through a link", false, {L("a", "/tmp"), F("a/escaped", "x")}},
        {"through a link to the root", false, {L("a", "/"), F("a/tmp/escaped", "x")}},
        {"through a link beside", false, {D("b"), L("b-link", "../.."), F("b-link/escaped", "x")}},
        {"a hard link to what is outside", false, {H("a", "../outside")}},
        {"a hard link to an absolute name", false, {H("a", "/etc/passwd")}},
        {"a hard link to nothing", false, {H("a", "b")}},
        {"a hard link to a folder", false, {D("a"), H("b", "a")}},
        {"a hard link to a link", false, {L("a", "/etc/passwd"), H("b", "a")}},
        {"a link out that nothing follows", true, {L("a", "../../../etc/passwd")}},
        {"the same name twice", false, {F("a", "x"), F("a", "y")}},
        {"a file that becomes a folder", false, {F("a", "x"), D("a"), F("a/b", "y")}},
        {"a file within a file", false, {F("a", "x"), F("a/b", "y")}},
        {"out of order", false, {F("b", "x"), F("a", "y")}},
        {"an index of its own", false, {F("INDEX", "x"), F("MANIFEST", "y")}},
        {"set-id bits", true, {{{.type = PACK_FILE, .mode = 0777, .name = "a"}, "x"}}},
        {"a control character", false, {F("a\nb", "x")}},
        {"a name that is a dot", false, {D("."), F("a", "x")}},
        {"deep folders that are not there", false, {F("a/b/c/d/e/f/g", "x")}},
    };
    struct unpack_setup setup_ = {.bytes_max = 1 << 20, .entries_max = 100};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct unpack_figures got = {0};
        struct place p;
        struct shot s;
        struct err err = {0};
        FILE *manifest = tmpfile();
        char path[256];
        size_t count = 0;
        DIR *root;
        int entries = 0, rc;

        setup(&p);
        path_of(path, p.root, "outside");
        make_file(p.root, "outside", "as it was", 0600);
        while (count < 4 && cases[i].members[count].entry.name != NULL)
            count++;
        forge(&s, cases[i].members, count);
        setup_.folder = open_folder(p.staging);
        rc = unpack_file(&s, &setup_, manifest, &got, &err);
        if ((rc == 0) != cases[i].sound)
            fail_msg("%s: %s", cases[i].what, rc == 0 ? "was unpacked" : err.text);
        /* Nothing beside the four that were there, and the one outside is as it was. */
        root = opendir(p.root);
        while (readdir(root) != NULL)
            entries++;
        (void)closedir(root);
        assert_int_equal(entries, 2 + 4);
        assert_false(file_exists("/tmp/sett-escaped"));
        assert_false(file_exists("/tmp/escaped"));
        (void)close(setup_.folder);
        (void)fclose(manifest);
        free(s.data);
        teardown(&p);
    }
}

/* More than it may be, in bytes and in entries. */
static void test_too_much(void **state)
{
    static const struct hostile members[] = {F("a", "0123456789"), F("b", "0123456789"),
                                             F("c", "0123456789")};
    struct unpack_setup bytes = {.bytes_max = 25}, entries = {.entries_max = 2};
    struct unpack_figures got = {0};
    struct place p;
    struct shot s;
    struct err err = {0};

    (void)state;
    setup(&p);
    forge(&s, members, 3);
    bytes.folder = entries.folder = open_folder(p.staging);
    assert_int_equal(unpack_file(&s, &bytes, tmpfile(), &got, &err), -1);
    assert_int_equal(err.kind, ERR_CORRUPT);
    teardown(&p);
    setup(&p);
    memset(&got, 0, sizeof got);
    (void)close(entries.folder);
    entries.folder = open_folder(p.staging);
    assert_int_equal(unpack_file(&s, &entries, tmpfile(), &got, &err), -1);
    assert_int_equal(err.kind, ERR_CORRUPT);
    (void)close(entries.folder);
    free(s.data);
    teardown(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_there_and_back),
                                       cmocka_unit_test(test_only), cmocka_unit_test(test_chain),
                                       cmocka_unit_test(test_hostile),
                                       cmocka_unit_test(test_too_much)};

    if (sodium_init() == -1)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
