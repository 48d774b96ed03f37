/* From a folder into a snapshot and out again: everything is as it was, in one file or in a chain
 * of them; holes stay holes, and hard links stay what they are. */
#include "unpack_world.h"

#include "links.h"
#include "section.h"

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

#define HUGE_FILE (UINT64_C(512) << 20)

/* Half a GiB of nothing: no ratio refuses it, and it takes no room. */
static void test_sparse(void **state)
{
    struct unpack_figures got = {0};
    struct section_figures put;
    struct unpack_setup setup_ = {.folder = -1};
    struct place p;
    struct shot s;
    struct seal_header h;
    struct err err = {0};
    struct stat st;
    FILE *manifest = tmpfile();
    char path[256];
    int fd;

    (void)state;
    setup(&p);
    make_file(p.source, "sparse", "head", 0600);
    path_of(path, p.source, "sparse");
    fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "middle", 6, 5000), 6);
    assert_int_equal(pwrite(fd, "!", 1, (off_t)(HUGE_FILE)), 1);
    (void)close(fd);
    shot_keys(&s);
    h = shot_header(&s, CHUNK);
    snapshot(&p, &s, &h, NULL, NULL, &put);
    assert_true(s.len < (4u << 20));
    setup_.folder = open_folder(p.staging);
    if (unpack_file(&s, &setup_, manifest, &got, &err) == -1)
        fail_msg("%s", err.text);
    path_of(path, p.staging, "tenants/1/sparse");
    assert_int_equal(stat(path, &st), 0);
    assert_true((uint64_t)st.st_size > 8u << 20 && st.st_blocks * 512 < 64 << 10);
    (void)close(setup_.folder);
    (void)fclose(manifest);
    free(s.data);
    teardown(&p);
}

/* An inode that came to be another file's while the walk went on is not a name of the first. */
static void test_links(void **state)
{
    struct volume_entry *e = calloc(1, sizeof *e);
    struct links *l = links_new();
    uint64_t line = 0;

    (void)state;
    e->inode = 7;
    e->size = 5;
    e->mtime_s = 100;
    assert_false(links_find(l, e, &line));
    assert_true(links_note(l, e, 0));
    assert_true(links_find(l, e, &line));
    assert_int_equal(line, 0);
    e->mtime_ns = 1;
    assert_false(links_find(l, e, &line));
    assert_true(links_note(l, e, 99)); /* takes its place */
    assert_true(links_find(l, e, &line));
    assert_int_equal(line, 99);
    for (uint64_t i = 1; i < LINKS_MOST; i++) {
        e->inode = 1000 + i;
        assert_true(links_note(l, e, i));
    }
    e->inode = 1;
    assert_false(links_note(l, e, 1));
    assert_false(links_find(l, e, &line));
    e->inode = 1000 + LINKS_MOST / 2;
    assert_true(links_find(l, e, &line));
    assert_int_equal(line, LINKS_MOST / 2);
    links_free(l);
    free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_there_and_back),
                                       cmocka_unit_test(test_only), cmocka_unit_test(test_chain),
                                       cmocka_unit_test(test_sparse), cmocka_unit_test(test_links)};

    if (sodium_init() == -1)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
