/* A vault that is a bucket, against a server that checks each signature and each sum: whatever is
 * cut, lost, changed or refused, what is said to be there is there whole, and nothing is written
 * over. */
#include "place_world.h"

#include "place_s3.h"

#define MIB  (1024u * 1024u)
#define PART (256u * 1024u)
#define SIZE (5 * PART + 1000) /* six parts */

struct world {
    struct canned server; /* its folder has faults, terms and log */
    char port[16];
};

static void say(struct world *w, const char *name, const char *text)
{
    char path[128];

    (void)str_format(path, sizeof path, "%s/%s", w->server.folder, name);
    assert_int_equal(file_write(path, text, strlen(text), 0600, NULL), 0);
}

static int setup(void **state)
{
    static struct world w;
    char *argv[] = {"python3", "tests/fake/s3.py", w.server.folder, NULL};

    assert_true(sodium_init() >= 0);
    if (canned_folder(&w.server) == -1 ||
        canned_spawn(&w.server, argv, w.port, sizeof w.port) == -1)
        return -1;
    w.port[strcspn(w.port, "\n")] = '\0';
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    char command[160];

    (void)close(w->server.input);
    (void)waitpid(w->server.pid, NULL, 0);
    (void)str_format(command, sizeof command, "rm -r %s", w->server.folder);
    return system(command);
}

static struct vault_place vault_of(const struct world *w)
{
    struct vault_place v = {.kind = VAULT_S3};

    (void)str_format(v.address, sizeof v.address, "http://127.0.0.1:%s/snaps/box/one", w->port);
    (void)str_copy(v.region, sizeof v.region, "eu-test-1");
    (void)str_copy(v.access_key, sizeof v.access_key, "AKTEST");
    return v;
}

static void open_vault(struct place *p, const struct vault_place *v, const char *secret)
{
    struct place_s3_terms terms = {.ca_file = "", .part_bytes = PART, .silence_s = 2, .wait_ms = 5};
    struct err err = {0};

    if (place_s3(p, v, secret, &terms, &err) == -1)
        fail_msg("%s", err.text);
}

static void open_usual(struct place *p, struct world *w)
{
    struct vault_place v = vault_of(w);

    say(w, "terms", "");
    say(w, "faults", "");
    open_vault(p, &v, "secret/of+the=test");
}

static unsigned in_log(const struct world *w, const char *text)
{
    char path[128], line[1024];
    unsigned count = 0;
    FILE *f;

    (void)str_format(path, sizeof path, "%s/log", w->server.folder);
    if ((f = fopen(path, "re")) == NULL)
        return 0;
    while (fgets(line, sizeof line, f) != NULL)
        count += strstr(line, text) != NULL;
    (void)fclose(f);
    return count;
}

static void put(struct place *p, const char *name, int fd, size_t size)
{
    struct err err = {0};
    uint64_t told = 0;

    if (p->put(p->self, name, fd, size, place_told, &told, &err) == -1)
        fail_msg("%s: %s", err.code, err.text);
    assert_int_equal(told, size);
}

static void test_put_get_list_remove(void **state)
{
    struct world *w = *state;
    int small = place_file_of(1000, 1), large = place_file_of(SIZE, 2);
    struct place p;
    struct err err = {0};

    open_usual(&p, w);
    put(&p, "sett-a.sett", small, 1000);
    put(&p, "sett-b.sett", large, SIZE);
    put(&p, "sett-c.sett", small, 1000);
    put(&p, "other", small, 1000);
    place_same(&p, "sett-a.sett", small, 1000, 0);
    place_same(&p, "sett-b.sett", large, SIZE, 0);
    place_same(&p, "sett-b.sett", large, SIZE, 70000);
    assert_int_equal(place_list_of(&p, "sett-").count, 3);
    assert_int_equal(place_list_of(&p, "sett-").bytes, SIZE + 2000);
    assert_int_equal(place_list_of(&p, "").count, 4);
    assert_int_equal(in_log(w, "GET /snaps/box/one/sett-b.sett 200"), 1); /* no reading back */
    assert_int_equal(p.remove(p.self, "sett-b.sett", &err), 0);
    assert_int_equal(p.remove(p.self, "sett-b.sett", &err), 0);
    assert_int_equal(p.get(p.self, "sett-b.sett", 0, small, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_int_equal(place_list_of(&p, "sett-").count, 2);
    assert_int_equal(p.put(p.self, "../x", small, 1000, NULL, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    (void)close(small);
    (void)close(large);
    place_free(&p);
}

static void test_nothing_is_written_over(void **state)
{
    struct world *w = *state;
    int one = place_file_of(3000, 3), two = place_file_of(3000, 4),
        long_one = place_file_of(SIZE, 5);
    struct place p;
    struct err err = {0};
    uint64_t told = 0;

    open_usual(&p, w);
    put(&p, "kept", one, 3000);
    assert_int_equal(p.put(p.self, "kept", one, 3000, place_told, &told, &err), 0);
    assert_int_equal(p.put(p.self, "kept", two, 3000, place_told, &told, &err), -1);
    assert_int_equal(err.kind, ERR_CORRUPT);
    assert_int_equal(p.put(p.self, "kept", long_one, SIZE, place_told, &told, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    place_same(&p, "kept", one, 3000, 0);
    (void)close(one);
    (void)close(two);
    (void)close(long_one);
    place_free(&p);
}

/* Each kind of fault at each call that an upload makes: it ends well all the same. */
static void test_faults(void **state)
{
    static const char *const faults[] = {
        "HEAD fault- 500 1",       "HEAD fault- 503 2",        "GET uploads= 500 1",
        "POST uploads= cut 1",     "POST uploads= lose 1",     "POST uploads= 503 1",
        "PUT partNumber=1& cut 2", "PUT partNumber=1& lose 1", "PUT partNumber=2& 500 3",
        "PUT partNumber=3& cut 1", "PUT partNumber=4& lose 2", "PUT partNumber=5& 503 1",
        "PUT partNumber=6& cut 1", "PUT partNumber=6& hang 1", "PUT partNumber=2& wrong-sum 1",
        "POST uploadId= 500 1",    "POST uploadId= lose 1",    "POST uploadId= cut 1",
    };
    struct world *w = *state;
    int fd = place_file_of(SIZE, 6);

    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        char name[32], fault[64];
        struct place p;
        open_usual(&p, w);
        (void)str_format(name, sizeof name, "fault-%zu", i);
        (void)str_format(fault, sizeof fault, "%s\n", faults[i]);
        say(w, "faults", fault);
        put(&p, name, fd, SIZE);
        place_same(&p, name, fd, SIZE, 0);
        place_free(&p);
    }
    (void)close(fd);
}

/* Cut for good at each part in turn: the next try sends only what had not arrived. */
static void test_resume(void **state)
{
    struct world *w = *state;
    int fd = place_file_of(SIZE, 7);

    for (unsigned part = 1; part <= 6; part++)
        for (unsigned sums = 0; sums < 2; sums++) {
            char name[32], fault[64], text[64];
            struct err err = {0};
            uint64_t told = 0;
            struct place p;
            open_usual(&p, w);
            say(w, "terms", sums ? "" : "no-sums");
            (void)str_format(name, sizeof name, "resumed-%u-%u", part, sums);
            (void)str_format(fault, sizeof fault, "PUT %s?partNumber=%u& 500 4\n", name, part);
            say(w, "faults", fault);
            assert_int_equal(p.put(p.self, name, fd, SIZE, place_told, &told, &err), -1);
            assert_int_equal(err.kind, ERR_UNAVAILABLE);
            assert_int_equal(place_list_of(&p, name).count, 0);
            put(&p, name, fd, SIZE);
            place_same(&p, name, fd, SIZE, 0);
            for (unsigned i = 1; i <= 6; i++) {
                (void)str_format(text, sizeof text, "PUT /snaps/box/one/%s?partNumber=%u&", name,
                                 i);
                assert_int_equal(in_log(w, text), i == part ? 5 : 1);
            }
            (void)str_format(text, sizeof text, "GET /snaps/box/one/%s 200", name);
            assert_int_equal(in_log(w, text), sums ? 1 : 2); /* without sums it is read back */
            place_free(&p);
        }
    (void)close(fd);
}

/* What arrived of another file under the same name is not taken for ours. */
static void test_resume_of_another(void **state)
{
    struct world *w = *state;
    int one = place_file_of(SIZE, 8), two = place_file_of(SIZE, 9);
    struct err err = {0};
    struct place p;

    open_usual(&p, w);
    say(w, "faults", "PUT mixed?partNumber=4& 500 4\n");
    assert_int_equal(p.put(p.self, "mixed", one, SIZE, NULL, NULL, &err), -1);
    put(&p, "mixed", two, SIZE);
    place_same(&p, "mixed", two, SIZE, 0);
    /* Where the server keeps no sums it is seen when it is read back, and is no success. */
    say(w, "terms", "no-sums");
    say(w, "faults", "PUT mixed-2?partNumber=4& 500 4\n");
    assert_int_equal(p.put(p.self, "mixed-2", one, SIZE, NULL, NULL, &err), -1);
    assert_int_equal(p.put(p.self, "mixed-2", two, SIZE, NULL, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_CORRUPT);
    (void)close(one);
    (void)close(two);
    place_free(&p);
}

static void test_changed_on_the_way(void **state)
{
    struct world *w = *state;
    int fd = place_file_of(SIZE, 10);
    struct err err = {0};
    struct place p;

    open_usual(&p, w);
    say(w, "terms", "no-sums");
    say(w, "faults", "PUT flipped?partNumber=3& flip 1\n");
    assert_int_equal(p.put(p.self, "flipped", fd, SIZE, NULL, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_CORRUPT);
    (void)close(fd);
    place_free(&p);
}

/* A fetch that breaks goes on where it was. */
static void test_fetch_goes_on(void **state)
{
    struct world *w = *state;
    int fd = place_file_of(SIZE, 11);
    struct place p;

    open_usual(&p, w);
    put(&p, "fetched", fd, SIZE);
    say(w, "faults", "GET fetched cut-answer 3\n");
    place_same(&p, "fetched", fd, SIZE, 0);
    (void)close(fd);
    place_free(&p);
}

static void test_lesser_servers(void **state)
{
    struct world *w = *state;
    int fd = place_file_of(SIZE, 12);
    struct err err = {0};
    struct place p;

    open_usual(&p, w);
    say(w, "terms", "no-sums no-uploads no-if");
    put(&p, "lesser", fd, SIZE);
    put(&p, "lesser-small", fd, 100);
    place_same(&p, "lesser", fd, SIZE, 0);
    assert_int_equal(p.tidy(p.self, "lesser", clock_wall_ms(), &err), 0);
    (void)close(fd);
    place_free(&p);
}

static void test_locked_versioned_full(void **state)
{
    struct world *w = *state;
    int fd = place_file_of(SIZE, 13);
    struct err err = {0};
    struct place p;

    open_usual(&p, w);
    put(&p, "locked", fd, SIZE);
    say(w, "terms", "locked");
    assert_int_equal(p.remove(p.self, "locked", &err), -1);
    assert_int_equal(err.kind, ERR_FORBIDDEN);
    place_same(&p, "locked", fd, SIZE, 0);
    say(w, "terms", "versions");
    assert_int_equal(p.remove(p.self, "locked", &err), 0);
    say(w, "terms", "full");
    assert_int_equal(p.put(p.self, "full", fd, SIZE, NULL, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_FULL);
    say(w, "terms", "");
    assert_int_equal(in_log(w, "DELETE /snaps/box/one/full?uploadId="), 1); /* and nothing stays */
    (void)close(fd);
    place_free(&p);
}

static void test_stale_uploads_go(void **state)
{
    struct world *w = *state;
    int fd = place_file_of(SIZE, 14);
    struct err err = {0};
    struct place p;

    open_usual(&p, w);
    for (unsigned i = 0; i < 3; i++) {
        char name[32], fault[64];
        (void)str_format(name, sizeof name, "stale-%u", i);
        (void)str_format(fault, sizeof fault, "PUT %s?partNumber=2& 500 4\n", name);
        say(w, "faults", fault);
        assert_int_equal(p.put(p.self, name, fd, SIZE, NULL, NULL, &err), -1);
    }
    assert_int_equal(p.tidy(p.self, "stale-", clock_wall_ms() - 86400000, &err), 0);
    assert_int_equal(in_log(w, "DELETE /snaps/box/one/stale-"), 0);
    assert_int_equal(p.tidy(p.self, "stale-", clock_wall_ms() + 2000, &err), 0);
    assert_int_equal(in_log(w, "DELETE /snaps/box/one/stale-"), 3);
    (void)close(fd);
    place_free(&p);
}

static void refused(struct world *w, const struct vault_place *v, const char *secret,
                    enum err_kind kind, const char *code)
{
    int fd = place_file_of(1000, 15);
    struct err err = {0};
    struct place p;

    (void)w;
    open_vault(&p, v, secret);
    assert_int_equal(p.put(p.self, "refused", fd, 1000, NULL, NULL, &err), -1);
    if (err.kind != kind)
        fail_msg("%s: %s", err.code, err.text);
    if (code != NULL) {
        err_clear(&err);
        assert_int_equal(p.list(p.self, "", place_count, &(struct place_seen){0}, &err), -1);
        assert_string_equal(err.code, code);
    }
    (void)close(fd);
    place_free(&p);
}

static void test_wrong_credentials(void **state)
{
    struct world *w = *state;
    struct vault_place v = vault_of(w);

    say(w, "terms", "");
    say(w, "faults", "");
    refused(w, &v, "wrong", ERR_FORBIDDEN, "s3_credential");
    (void)str_copy(v.access_key, sizeof v.access_key, "AKOTHER");
    refused(w, &v, "secret/of+the=test", ERR_FORBIDDEN, "s3_credential");
    v = vault_of(w);
    (void)str_copy(v.region, sizeof v.region, "mars");
    refused(w, &v, "secret/of+the=test", ERR_PRECONDITION, "s3_region");
    v = vault_of(w);
    (void)str_format(v.address, sizeof v.address, "http://127.0.0.1:%s/none", w->port);
    refused(w, &v, "secret/of+the=test", ERR_PRECONDITION, "s3_bucket");
    v = vault_of(w);
    (void)str_copy(v.address, sizeof v.address, "http://127.0.0.1:9/snaps");
    refused(w, &v, "secret/of+the=test", ERR_NETWORK, NULL);
}

static void test_virtual_host(void **state)
{
    struct world *w = *state;
    struct vault_place v = vault_of(w);
    int fd = place_file_of(SIZE, 16);
    struct place p;

    (void)str_format(v.address, sizeof v.address, "http://{snaps}.localhost:%s/v", w->port);
    say(w, "terms", "");
    say(w, "faults", "");
    open_vault(&p, &v, "secret/of+the=test");
    put(&p, "virtual", fd, SIZE);
    place_same(&p, "virtual", fd, SIZE, 0);
    assert_int_equal(place_list_of(&p, "").count, 1);
    (void)close(fd);
    place_free(&p);
}

static void test_addresses(void **state)
{
    static const char *const bad[] = {"",
                                      "ftp://host/bucket",
                                      "https://",
                                      "https://host",
                                      "https://host/",
                                      "https://user@host/bucket",
                                      "https://host/bucket?x=1",
                                      "https://host/bucket//x",
                                      "https://host/bucket/../x",
                                      "https://host/b cket",
                                      "https://{}.host/x",
                                      "https://{b.host/x"};
    static const char *const good[] = {"https://host/bucket",
                                       "https://host:9000/bucket/a/b/",
                                       "https://{bucket}.host",
                                       "https://{bucket}.host/x",
                                       "https://b.s3.eu-west-1.amazonaws.com",
                                       "https://s3.eu-west-1.amazonaws.com/b"};
    struct place_s3_terms terms = {.ca_file = ""};
    struct vault_place v = {.kind = VAULT_S3};
    struct err err = {0};
    struct place p;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)str_copy(v.address, sizeof v.address, bad[i]);
        if (place_s3(&p, &v, "", &terms, &err) == 0)
            fail_msg("%s is taken", bad[i]);
        assert_string_equal(err.field, "address");
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        (void)str_copy(v.address, sizeof v.address, good[i]);
        if (place_s3(&p, &v, "", &terms, &err) == -1)
            fail_msg("%s", err.text);
        place_free(&p);
    }
}

/* As fast as it may and not faster. */
static void test_bandwidth(void **state)
{
    struct world *w = *state;
    struct vault_place v = vault_of(w);
    int fd = place_file_of(2 * MIB, 17);
    int64_t began = clock_mono_ms(), took;
    struct place p;

    v.bytes_per_s = 2 * MIB;
    say(w, "terms", "");
    say(w, "faults", "");
    open_vault(&p, &v, "secret/of+the=test");
    put(&p, "slowly", fd, 2 * MIB);
    took = clock_mono_ms() - began;
    assert_in_range(took, 500, 10000);
    (void)close(fd);
    place_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_put_get_list_remove),
        cmocka_unit_test(test_nothing_is_written_over),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_resume_of_another),
        cmocka_unit_test(test_changed_on_the_way),
        cmocka_unit_test(test_fetch_goes_on),
        cmocka_unit_test(test_lesser_servers),
        cmocka_unit_test(test_locked_versioned_full),
        cmocka_unit_test(test_stale_uploads_go),
        cmocka_unit_test(test_wrong_credentials),
        cmocka_unit_test(test_virtual_host),
        cmocka_unit_test(test_bandwidth),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
