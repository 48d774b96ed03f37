/* What a hostile snapshot holds, sealed and signed as it should be, stays within the staging
 * folder, and within what its end says of its size. */
#include "forge_tar.h"
#include "unpack_world.h"

#include <dirent.h>

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
        struct seal_sizes sizes = {0};
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
            sizes.members++;
            sizes.bytes += e.size;
            sizes.room += e.size > 0 ? SEAL_PIECE : 0;
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
        last.size = sizes.lists = strlen(text);
        chunk_writer_count(packing.w, &sizes);
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
    static const struct seal_sizes most = {1 << 20, 1 << 20, 100, 1 << 20};
    struct unpack_setup setup_ = {.most = &most};

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

/* More than its end says, of anything: it stops there. Less: refused at the end. */
static void test_sizes(void **state)
{
    static const struct hostile members[] = {F("a", "0123456789"), F("b", "0123456789"),
                                             F("c", "0123456789")};
    static const struct seal_sizes cases[] = {{25, 1 << 20, 3, 1 << 20},
                                              {30, 2 * SEAL_PIECE, 3, 1 << 20},
                                              {30, 1 << 20, 2, 1 << 20},
                                              {30, 1 << 20, 3, 20}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct unpack_setup with = {.most = &cases[i]};
        struct unpack_figures got = {0};
        struct place p;
        struct shot s;
        struct err err = {0};
        FILE *manifest = tmpfile();

        setup(&p);
        forge(&s, members, 3);
        with.folder = open_folder(p.staging);
        assert_int_equal(unpack_file(&s, &with, manifest, &got, &err), -1);
        assert_int_equal(err.kind, ERR_CORRUPT);
        assert_non_null(strstr(err.text, "more than it says"));
        (void)close(with.folder);
        (void)fclose(manifest);
        free(s.data);
        teardown(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hostile),
                                       cmocka_unit_test(test_sizes)};

    if (sodium_init() == -1)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
