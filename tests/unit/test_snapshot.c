/* A snapshot's form: what is written is read, and whatever is changed, cut, swapped or added is
 * found, with the recovery secret and without. */
#include "snapshot_world.h"

#define SMALL 4096

static void test_there_and_back(void **state)
{
    struct shot s;
    struct seal_header h;
    struct err err = {0};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        static const size_t sizes[] = {0, 100, 65536, 1500000};
        shot_keys(&s);
        h = shot_header(&s, i % 2 == 0 ? SMALL : SEAL_CHUNK);
        if (shot_make(&s, &h, 3, sizes[i], &err) == -1)
            fail_msg("%s", err.text);
        if (shot_read(s.data, s.len, s.secret, &err) != 4)
            fail_msg("%s", err.text);
        if (shot_verify(s.data, s.len, &err) == -1)
            fail_msg("%s", err.text);
        free(s.data);
    }
}

/* What one member is afterwards, to the last bit. */
static void test_members(void **state)
{
    struct shot s;
    struct seal_header h;
    struct err err = {0};
    struct at at;
    struct chunk_source source = {at_read, &at};
    struct chunk_reader *r;
    struct pack_reader *p;
    struct pack_entry e;
    uint8_t block[2000];

    (void)state;
    shot_keys(&s);
    h = shot_header(&s, SMALL);
    if (shot_make(&s, &h, 1, 10, &err) == -1)
        fail_msg("%s", err.text);
    at = (struct at){s.data, s.len, 0};
    assert_int_equal(chunk_reader_new(&r, &source, &err), 0);
    assert_int_equal(chunk_reader_header(r)->number, 7);
    assert_string_equal(chunk_reader_header(r)->scope, "box");
    assert_memory_equal(chunk_reader_header(r)->signer, s.sign_public, 32);
    assert_memory_equal(chunk_reader_header(r)->hash, h.hash, 32);
    assert_int_equal(chunk_reader_open(r, s.secret, NULL, &err), 0);
    assert_int_equal(chunk_reader_section(r, &err), 0);
    assert_int_equal(pack_reader_new(&p, from_section, r, &err), 0);
    assert_int_equal(pack_reader_entry(p, &e, &err), 1);
    assert_string_equal(e.name, "db/file-0");
    assert_int_equal(e.type, PACK_FILE);
    assert_int_equal(e.mode, 0640);
    assert_int_equal(e.uid, 100000);
    assert_int_equal(e.gid, 5);
    assert_int_equal(e.mtime_s, 1764200000);
    assert_int_equal(e.mtime_ns, 123456789);
    assert_int_equal(e.size, 1000);
    assert_int_equal(pack_reader_data(p, block, sizeof block, &err), 1000);
    assert_int_equal(pack_reader_entry(p, &e, &err), 0);
    pack_reader_free(p);
    chunk_reader_free(r);
    free(s.data);
}

static void test_keys(void **state)
{
    struct shot s, other;
    struct seal_header h;
    struct err err = {0};
    struct at at;
    struct chunk_source source = {at_read, &at};
    struct chunk_reader *r;

    (void)state;
    shot_keys(&s);
    shot_keys(&other);
    h = shot_header(&s, SMALL);
    h.recipient_count = 2;
    h.recipients[1].kind = SEAL_TO_KEY;
    memcpy(h.recipients[1].public_key, other.public, 32);
    assert_int_equal(shot_make(&s, &h, 1, 100, &err), 0);
    assert_int_equal(shot_read(s.data, s.len, s.secret, &err), 2);
    assert_int_equal(shot_read(s.data, s.len, other.secret, &err), 2);
    assert_int_equal(shot_read(s.data, s.len, s.file_key, &err), -1);
    assert_int_equal(err.kind, ERR_FORBIDDEN);
    /* The file key alone, as the drill has it; and another one. */
    at = (struct at){s.data, s.len, 0};
    assert_int_equal(chunk_reader_new(&r, &source, &err), 0);
    assert_int_equal(chunk_reader_open_key(r, other.file_key, &err), -1);
    assert_int_equal(chunk_reader_open_key(r, s.file_key, &err), 0);
    chunk_reader_free(r);
    free(s.data);
    /* A secret that follows from a passphrase, beside one that does not. */
    shot_keys(&s);
    h = shot_header(&s, SMALL);
    h.recipients[1] = h.recipients[0];
    h.recipient_count = 2;
    assert_int_equal(seal_to_passphrase(&h.recipients[0], "correct horse", 64, 1, &err), 0);
    assert_int_equal(shot_make(&s, &h, 1, 100, &err), 0);
    at = (struct at){s.data, s.len, 0};
    assert_int_equal(chunk_reader_new(&r, &source, &err), 0);
    assert_int_equal(chunk_reader_open(r, NULL, "wrong horse", &err), -1);
    assert_int_equal(err.kind, ERR_FORBIDDEN);
    assert_int_equal(chunk_reader_open(r, NULL, "correct horse", &err), 0);
    chunk_reader_free(r);
    free(s.data);
}

/* Names are bytes: also those that no character set knows, and long ones. */
static void test_odd_names(void **state)
{
    static const char *const names[] = {"tenants/1/\xc3\xa4\xc3\xb6 \xe2\x82\xac",
                                        "tenants/1/\xff\xfe\x80", "tenants/1/%s%n",
                                        "tenants/1/-rf"};
    char name[1200] = "tenants/1/";
    struct pack_entry e = {.type = PACK_FOLDER, .mode = 0755};
    struct shot s;
    struct seal_header h;
    struct err err = {0};
    struct chunk_sink sink = {shot_write, &s};
    struct chunk_source source;
    struct packing packing;
    struct pack_writer *p;
    struct pack_reader *in;
    struct chunk_reader *r;
    struct at at;
    uint64_t length;

    (void)state;
    for (size_t i = strlen(name); i < 1100; i++)
        name[i] = i % 200 == 0 ? '/' : 'x';
    shot_keys(&s);
    h = shot_header(&s, SMALL);
    assert_int_equal(chunk_writer_new(&packing.w, &h, s.file_key, s.sign_key, &sink, &err), 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(chunk_writer_section(packing.w, &err), 0);
        assert_int_equal(pack_writer_new(&p, into_section, &packing, 3, 1, &err), 0);
        for (size_t k = 0; k <= sizeof names / sizeof names[0]; k++) {
            e.name = k < sizeof names / sizeof names[0] ? names[k] : name;
            e.type = k == 1 ? PACK_SYMLINK : k == 2 ? PACK_FILE : PACK_FOLDER;
            e.target = k == 1 ? "../\xff elsewhere" : NULL;
            if (pack_writer_entry(p, &e, &err) == -1)
                fail_msg("%s", err.text);
        }
        assert_int_equal(pack_writer_finish(p, &err), 0);
        pack_writer_free(p);
        assert_int_equal(chunk_writer_end(packing.w, &err), 0);
    }
    assert_int_equal(chunk_writer_finish(packing.w, &length, &err), 0);
    chunk_writer_free(packing.w);
    at = (struct at){s.data, s.len, 0};
    source = (struct chunk_source){at_read, &at};
    assert_int_equal(chunk_reader_new(&r, &source, &err), 0);
    assert_int_equal(chunk_reader_open(r, s.secret, NULL, &err), 0);
    assert_int_equal(chunk_reader_section(r, &err), 0);
    assert_int_equal(pack_reader_new(&in, from_section, r, &err), 0);
    for (size_t k = 0; k <= sizeof names / sizeof names[0]; k++) {
        if (pack_reader_entry(in, &e, &err) != 1)
            fail_msg("%zu: %s", k, err.text);
        assert_string_equal(e.name, k < sizeof names / sizeof names[0] ? names[k] : name);
        if (k == 1)
            assert_string_equal(e.target, "../\xff elsewhere");
    }
    pack_reader_free(in);
    chunk_reader_free(r);
    free(s.data);
}

/* Any bit, any length. SETT_EXHAUSTIVE: all of them; else a sample that takes a second. */
static void test_every_bit(void **state)
{
    bool all = getenv("SETT_EXHAUSTIVE") != NULL;
    struct shot s;
    struct seal_header h;
    struct err err = {0};
    size_t step = all ? 1 : 577, flips = 0, cuts = 0, keyless = 0;

    (void)state;
    shot_keys(&s);
    h = shot_header(&s, all ? 65536 : SMALL);
    assert_int_equal(shot_make(&s, &h, all ? 3 : 1, all ? 50000 : 5000, &err), 0);
    for (size_t bit = 0; bit < s.len * 8; bit += step, flips++) {
        s.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (shot_read(s.data, s.len, s.secret, &err) != -1)
            fail_msg("bit %zu of %zu bytes was not missed", bit, s.len);
        if (shot_verify(s.data, s.len, &err) == -1)
            keyless++;
        s.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(keyless, flips); /* the signature covers every byte */
    for (size_t len = 0; len < s.len; len += all ? 1 : 97, cuts++) {
        if (shot_read(s.data, len, s.secret, &err) != -1 || shot_verify(s.data, len, &err) != -1)
            fail_msg("a file of %zu bytes instead of %zu was read", len, s.len);
    }
    print_message("# %zu flips, %zu cuts of %zu bytes\n", flips, cuts, s.len);
    assert_int_equal(shot_write(&s, "x", 1, &err), 0);
    assert_int_equal(shot_read(s.data, s.len, s.secret, &err), -1);
    assert_int_equal(shot_verify(s.data, s.len, &err), -1);
    free(s.data);
}

/* Where a section's chunks lie: fills at[] with offsets of their lengths; returns how many. */
static size_t chunks(const struct shot *s, uint32_t chunk, size_t *at, size_t most)
{
    struct err err = {0};
    size_t pos = seal_header_size(s->data, s->len, &err), n = 0;

    for (unsigned section = 0; section < SEAL_SECTIONS; section++) {
        pos += SEAL_STREAM;
        for (;;) {
            uint32_t len = (uint32_t)s->data[pos] << 24 | (uint32_t)s->data[pos + 1] << 16 |
                           (uint32_t)s->data[pos + 2] << 8 | s->data[pos + 3];
            assert_true(n < most);
            at[n++] = pos;
            pos += 4 + (size_t)len;
            if (len < chunk + SEAL_OVERHEAD)
                break;
        }
    }
    at[n] = pos;
    return n;
}

/* A signer who means ill: everything is moved about and signed anew, so only the seals can tell. */
static void resign(struct shot *s)
{
    const struct seal_sizes none = {0};
    struct seal_keys keys;
    struct seal_header h;
    struct err err = {0};
    size_t head = seal_header_size(s->data, s->len, &err);
    uint8_t digest[64];

    assert_int_equal(seal_header_read(s->data, head, &h, &err), 0);
    s->len -= SEAL_TRAILER;
    (void)crypto_generichash(digest, sizeof digest, s->data, s->len, NULL, 0);
    seal_keys(s->file_key, h.id, &keys);
    seal_trailer_write(&h, s->len, digest, &keys, &none, s->sign_key, s->data + s->len);
    s->len += SEAL_TRAILER;
}

static void test_moved_about(void **state)
{
    struct shot s, other;
    struct seal_header h;
    struct err err = {0};
    size_t at[256], n;
    uint8_t *swap = malloc(SMALL + 21), *whole;

    (void)state;
    shot_keys(&s);
    h = shot_header(&s, SMALL);
    assert_int_equal(shot_make(&s, &h, 2, 20000, &err), 0);
    whole = malloc(s.len);
    memcpy(whole, s.data, s.len);
    n = chunks(&s, SMALL, at, 255);
    assert_true(n > 20);
    /* Two full chunks of the same section change places. */
    for (size_t i = n - 8; i + 2 < n; i++) {
        memcpy(swap, s.data + at[i], SMALL + 21);
        memmove(s.data + at[i], s.data + at[i + 1], SMALL + 21);
        memcpy(s.data + at[i + 1], swap, SMALL + 21);
        resign(&s);
        assert_int_equal(shot_verify(s.data, s.len, &err), 0); /* it is signed */
        assert_int_equal(shot_read(s.data, s.len, s.secret, &err), -1);
        assert_int_equal(err.kind, ERR_CORRUPT);
        memcpy(s.data, whole, s.len);
    }
    /* One is left out; one comes twice. */
    memmove(s.data + at[n - 4], s.data + at[n - 3], s.len - at[n - 3]);
    s.len -= SMALL + 21;
    resign(&s);
    assert_int_equal(shot_read(s.data, s.len, s.secret, &err), -1);
    s.len += SMALL + 21;
    memcpy(s.data, whole, s.len);
    memcpy(s.data + at[n - 3], s.data + at[n - 4], SMALL + 21);
    resign(&s);
    assert_int_equal(shot_read(s.data, s.len, s.secret, &err), -1);
    memcpy(s.data, whole, s.len);
    /* A chunk, or all of the sections, of another snapshot with the same keys. */
    other = s;
    other.data = NULL;
    other.len = other.room = 0;
    h = shot_header(&s, SMALL);
    h.number = 8;
    assert_int_equal(shot_make(&other, &h, 2, 20000, &err), 0);
    memcpy(s.data + at[n - 4], other.data + at[n - 4], SMALL + 21);
    resign(&s);
    assert_int_equal(shot_read(s.data, s.len, s.secret, &err), -1);
    memcpy(s.data, whole, s.len);
    memcpy(s.data + at[0] - SEAL_STREAM, other.data + at[0] - SEAL_STREAM,
           at[n] - at[0] + SEAL_STREAM);
    resign(&s);
    assert_int_equal(shot_read(s.data, s.len, s.secret, &err), -1);
    memcpy(s.data, whole, s.len);
    /* Another's header before our sections. */
    memcpy(s.data, other.data, at[0] - SEAL_STREAM);
    resign(&s);
    assert_int_equal(shot_read(s.data, s.len, s.secret, &err), -1);
    free(other.data);
    free(swap);
    free(whole);
    free(s.data);
}

/* A header that says what cannot be, however well it is signed. */
static void test_odd_headers(void **state)
{
    struct shot s;
    struct seal_header h;
    struct err err = {0};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        shot_keys(&s);
        h = shot_header(&s, SMALL);
        if (i == 0)
            h.chunk = 16;
        else if (i == 1)
            h.layout = 2;
        else if (i == 2)
            (void)str_copy(h.scope, sizeof h.scope, "a\nb");
        else
            h.number = 0;
        if (shot_make(&s, &h, 0, 0, &err) == 0) {
            assert_int_equal(shot_read(s.data, s.len, s.secret, &err), -1);
            assert_int_equal(err.kind, i == 1 ? ERR_PRECONDITION : ERR_CORRUPT);
        }
        free(s.data);
    }
    assert_int_equal(seal_header_size((const uint8_t *)"SETTBK2\n\0\0\0\1", 12, &err), 0);
    assert_string_equal(err.code, "not_a_snapshot");
}

/* A disk that is full anywhere. */
static void test_full(void **state)
{
    struct shot s;
    struct seal_header h;
    struct err err = {0};
    size_t whole;

    (void)state;
    shot_keys(&s);
    h = shot_header(&s, SMALL);
    assert_int_equal(shot_make(&s, &h, 2, 9000, &err), 0);
    whole = s.len;
    for (size_t at = 1; at < whole; at += 1013) {
        s.len = 0;
        s.fail_at = at;
        assert_int_equal(shot_make(&s, &h, 2, 9000, &err), -1);
        assert_int_equal(err.kind, ERR_FULL);
    }
    free(s.data);
}

static void test_names(void **state)
{
    static const char *const bad[] = {"",       "/",   "/a",   "a/",    "a//b",
                                      ".",      "..",  "a/.",  "a/..",  "../a",
                                      "a/../b", "./a", "a\nb", "a\x7f", "a/\x01"};
    static const char *const good[] = {"a",  "a/b", "...",      "..a", "a..",
                                       ".a", "a b", "\xff\xfe", "a/.b"};
    struct err err = {0};
    char part[300];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(pack_name_check(bad[i], &err), -1);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(pack_name_check(good[i], &err), 0);
    memset(part, 'a', sizeof part);
    part[255] = '\0';
    assert_int_equal(pack_name_check(part, &err), 0);
    part[255] = 'a';
    part[256] = '\0';
    assert_int_equal(pack_name_check(part, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_members),
        cmocka_unit_test(test_keys),           cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_moved_about),    cmocka_unit_test(test_odd_headers),
        cmocka_unit_test(test_full),           cmocka_unit_test(test_names),
        cmocka_unit_test(test_odd_names)};

    if (sodium_init() == -1)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
