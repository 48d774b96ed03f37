/* Whatever is flipped, cut off, added, repeated, left out, exchanged within a snapshot or between
 * two of the same box is found: without a key, and with one. Three kinds of file: sealed to two
 * keys, to a passphrase, and an increment. FLIPS=all: every bit, every length, every pair, and a
 * million of mixtures (FLIPS_PART=n/of: a share of it); else a sample. FLIPS_SEED: of the dice. */
#include "snapshot_world.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chain.h"
#include "file.h"

#define CHUNK   4096
#define KINDS   3
#define RECORDS 96
#define PHRASE  "correct horse"

struct record { /* a part that can be moved about: magic to signature, a head, a chunk, the trailer
                 */
    size_t at, len;
};

struct file {
    struct shot shot;
    size_t count;
    struct record records[RECORDS];
};

static struct file files[KINDS][2]; /* two of each, of the same box and to the same recipients */
static uint64_t dice;
static bool all;
static unsigned long part, parts = 1, tried;
static uint8_t *mutant;

static uint32_t roll(uint32_t below)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (uint32_t)(dice >> 32) % below;
}

/* Without a key. */
static bool verified(const uint8_t *data, size_t len)
{
    struct err err = {0};

    return shot_verify(data, len, &err) == 0;
}

/* With one, to the end, as far as anything that is not authenticated could come out. */
static bool opened(const uint8_t *data, size_t len, const struct shot *keys, bool phrase)
{
    struct at at = {data, len, 0};
    struct chunk_source source = {at_read, &at};
    struct chunk_reader *r = NULL;
    struct seal_sizes sizes;
    struct err err = {0};
    const void *plain;
    size_t plain_len;
    uint64_t length;
    int got = 0;

    if (chunk_reader_new(&r, &source, &err) == -1)
        return false;
    if (chunk_reader_open(r, phrase ? NULL : keys->secret, phrase ? PHRASE : NULL, &err) == -1)
        got = -1;
    for (unsigned i = 0; i < SEAL_SECTIONS && got == 0; i++) {
        got = chunk_reader_section(r, &err);
        while (got == 0 && (got = chunk_reader_next(r, &plain, &plain_len, &err)) == 1)
            got = 0;
        while (got == 0 && (got = chunk_reader_next(r, &plain, &plain_len, &err)) == 1)
            got = 0;
    }
    if (got == 0)
        got = chunk_reader_finish(r, &length, &sizes, &err);
    chunk_reader_free(r);
    return got == 0;
}

static void take_apart(struct file *f)
{
    struct err err = {0};
    size_t at = seal_header_size(f->shot.data, f->shot.len, &err);

    f->count = 0;
    f->records[f->count++] = (struct record){0, at};
    for (unsigned section = 0; section < SEAL_SECTIONS; section++) {
        uint32_t len;

        f->records[f->count++] = (struct record){at, SEAL_STREAM};
        at += SEAL_STREAM;
        do {
            const uint8_t *p = f->shot.data + at;

            len = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
            assert_true(f->count < RECORDS - 1);
            f->records[f->count++] = (struct record){at, 4 + len};
            at += 4 + len;
        } while (len == CHUNK + SEAL_OVERHEAD);
    }
    f->records[f->count++] = (struct record){at, SEAL_TRAILER};
    assert_int_equal(at + SEAL_TRAILER, f->shot.len);
}

static void make(unsigned kind, unsigned which)
{
    struct file *f = &files[kind][which];
    struct shot *s = &f->shot;
    struct seal_header h;
    struct err err = {0};

    shot_keys(s);
    if (which == 1) { /* the same box, the same people, another file */
        const struct shot *first = &files[kind][0].shot;

        memcpy(s->sign_key, first->sign_key, 64);
        memcpy(s->secret, first->secret, 32);
        memcpy(s->public, first->public, 32);
    }
    h = shot_header(s, CHUNK);
    randombytes_buf(h.id, sizeof h.id);
    h.number = which + 1;
    if (kind == 0) {
        h.recipient_count = 2;
        h.recipients[1].kind = SEAL_TO_KEY;
        memcpy(h.recipients[1].public_key, files[0][0].shot.sign_public, 32);
    } else if (kind == 1) {
        assert_int_equal(seal_to_passphrase(&h.recipients[0], PHRASE, 8, 1, &err), 0);
    } else {
        h.incremental = h.has_previous = true;
        randombytes_buf(h.base_id, sizeof h.base_id);
        randombytes_buf(h.base_hash, sizeof h.base_hash);
    }
    if (shot_make(s, &h, 2, 3000, &err) == -1)
        fail_msg("%s", err.text);
    take_apart(f);
    assert_true(f->count > 20 && verified(s->data, s->len) &&
                opened(s->data, s->len, s, kind == 1));
}

/* ${len} bytes that are not those of the file: neither reader takes them. */
static void refused(unsigned kind, const uint8_t *data, size_t len, const char *what, size_t a,
                    size_t b)
{
    const struct shot *s = &files[kind][0].shot;

    tried++;
    if (verified(data, len))
        fail_msg("kind %u: %s %zu %zu is believed without a key", kind, what, a, b);
    if (opened(data, len, s, kind == 1))
        fail_msg("kind %u: %s %zu %zu is believed with a key", kind, what, a, b);
}

/* Whether this one is for us, of those that are counted. */
static bool ours(size_t i, size_t every)
{
    return all ? i % parts == part : i % every == 0;
}

static void test_bits(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        struct shot *s = &files[kind][0].shot;
        const size_t every = 7 * 1013, from = roll((uint32_t)every);

        for (size_t i = 0; i < s->len * 8; i++) {
            /* Beyond headers and ends the three kinds are alike. */
            bool inner = i / 8 > 4096 && i / 8 < s->len - 4096;

            if (!ours(i + (all ? 0 : from), every) || (all && kind > 0 && inner && i % 7 != 0))
                continue;
            s->data[i / 8] ^= (uint8_t)(1u << i % 8);
            refused(kind, s->data, s->len, "bit", i, 0);
            s->data[i / 8] ^= (uint8_t)(1u << i % 8);
        }
    }
}

static void test_lengths(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        const struct file *f = &files[kind][0];
        const size_t len = f->shot.len;

        for (size_t i = 0; i < len; i++)
            if (ours(i, 1999))
                refused(kind, f->shot.data, i, "cut at", i, 0);
        for (size_t i = 0; i < f->count; i++)
            refused(kind, f->shot.data, f->records[i].at, "cut before record", i, 0);
        memcpy(mutant, f->shot.data, len);
        for (size_t i = 1; i <= 64; i++) { /* more: zeros, itself, the other one */
            memset(mutant + len, 0, i);
            refused(kind, mutant, len + i, "zeros behind it", i, 0);
        }
        memcpy(mutant + len, f->shot.data + len - SEAL_TRAILER, SEAL_TRAILER);
        refused(kind, mutant, len + SEAL_TRAILER, "its end twice", 0, 0);
        memcpy(mutant + len, files[kind][1].shot.data, files[kind][1].shot.len);
        refused(kind, mutant, len + files[kind][1].shot.len, "another behind it", 0, 0);
    }
}

/* The records of ${f} in another order: order[i] is which comes, of ${f} or, from RECORDS on, of
 * ${other}. Return the length. */
static size_t arrange(const struct file *f, const struct file *other, const size_t *order,
                      size_t count)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        const struct file *from = order[i] < RECORDS ? f : other;
        const struct record *r = &from->records[order[i] % RECORDS];

        memcpy(mutant + len, from->shot.data + r->at, r->len);
        len += r->len;
    }
    return len;
}

static bool same_as(const struct file *f, size_t len)
{
    return len == f->shot.len && memcmp(mutant, f->shot.data, len) == 0;
}

static void test_records(void **state)
{
    size_t order[2 * RECORDS], len;

    (void)state;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        const struct file *f = &files[kind][0], *other = &files[kind][1];
        const size_t n = f->count, every = all ? 1 : 13;

        for (size_t i = 0; i < n; i++) {
            for (size_t k = 0; k < n; k++) {
                if (!ours(i * n + k, every))
                    continue;
                for (size_t m = 0; m < n; m++)
                    order[m] = m == i ? k : m == k ? i : m;
                len = arrange(f, other, order, n);
                if (i != k)
                    refused(kind, mutant, len, "exchanged", i, k);
                for (size_t m = 0; m < n; m++) /* the other's k in the place of i */
                    order[m] = m == i ? RECORDS + k % other->count : m;
                len = arrange(f, other, order, n);
                refused(kind, mutant, len, "from another one", i, k);
                for (size_t m = 0; m <= n; m++) /* k once more, behind i */
                    order[m] = m <= i ? m : m == i + 1 ? k : m - 1;
                len = arrange(f, other, order, n + 1);
                refused(kind, mutant, len, "repeated", i, k);
                if (i > k)
                    continue; /* i to k left out; all before i of the one, the rest of the other */
                for (size_t m = 0; m < n - (k - i + 1); m++)
                    order[m] = m < i ? m : m + k - i + 1;
                len = arrange(f, other, order, n - (k - i + 1));
                refused(kind, mutant, len, "left out", i, k);
            }
            if (i == 0)
                continue;
            for (size_t m = 0; m < n; m++)
                order[m] = m < i ? m : RECORDS + m % other->count;
            len = arrange(f, other, order, n);
            refused(kind, mutant, len, "spliced", i, 0);
        }
    }
}

/* Several of all that at once, and bytes and lengths that are plausible. */
static void test_mixtures(void **state)
{
    const unsigned long count = all ? 1000000 / parts : 300;

    (void)state;
    for (unsigned long i = 0; i < count; i++) {
        unsigned kind = roll(KINDS), acts = 1 + roll(4);
        const struct file *f = &files[kind][0], *other = &files[kind][1];
        size_t order[2 * RECORDS], n = f->count, len;

        for (size_t m = 0; m < n; m++)
            order[m] = m;
        for (unsigned a = 0; a < acts; a++) {
            size_t x = roll((uint32_t)n), y = roll((uint32_t)n), was = order[x];

            if (roll(3) == 0) {
                order[x] = RECORDS + roll((uint32_t)other->count);
            } else if (roll(2) == 0) {
                order[x] = order[y];
                order[y] = was;
            } else {
                order[x] = order[y];
            }
        }
        if (roll(4) == 0)
            n = 1 + roll((uint32_t)n);
        len = arrange(f, other, order, n);
        while (roll(3) != 0 && len > 0) {
            size_t at = roll((uint32_t)len);

            if (roll(2) == 0)
                at = f->records[roll((uint32_t)f->count)].at + roll(4); /* a length, a head */
            if (at < len)
                mutant[at] = (uint8_t)roll(256);
        }
        if (!same_as(f, len) && !same_as(other, len))
            refused(kind, mutant, len, "mixture", i, 0);
    }
}

/* A file of another chain in the place of one that is missing, and one that was made to look so. */
static void test_chains(void **state)
{
    char folder[64] = "/tmp/sett-flips-XXXXXX", path[2][2][128];
    struct shot shots[2][2];
    struct seal_header headers[2][2];
    struct chain c;
    struct err err = {0};

    (void)state;
    assert_non_null(mkdtemp(folder));
    for (unsigned chain = 0; chain < 2; chain++)
        for (unsigned i = 0; i < 2; i++) {
            struct seal_header *h = &headers[chain][i];

            shot_keys(&shots[chain][i]);
            memcpy(shots[chain][i].sign_key, shots[0][0].sign_key, 64);
            *h = shot_header(&shots[chain][i], CHUNK);
            memset(h->id, (int)(10 * chain + i), sizeof h->id);
            if (i == 1) {
                h->incremental = true;
                memcpy(h->base_id, headers[chain][0].id, SEAL_ID);
                memcpy(h->base_hash, headers[chain][0].hash, SEAL_HASH);
            }
            assert_int_equal(shot_make(&shots[chain][i], h, 1, 100, &err), 0);
            (void)str_format(path[chain][i], 128, "%s/%u-%u.sett", folder, chain, i);
            assert_int_equal(file_write(path[chain][i], (const char *)shots[chain][i].data,
                                        shots[chain][i].len, 0600, &err),
                             0);
        }
    assert_int_equal(chain_open(&c, path[0][1], false, NULL, 0, &err), 0);
    assert_int_equal(c.count, 2);
    assert_memory_equal(c.files[1].header.id, headers[0][0].id, SEAL_ID);
    chain_close(&c);
    /* Its own is gone; the other chain's is called as it was. */
    assert_int_equal(rename(path[1][0], path[0][0]), 0);
    assert_int_equal(chain_open(&c, path[0][1], false, NULL, 0, &err), -1);
    assert_string_equal(err.code, "chain_broken");
    chain_close(&c);
    /* One with its very id, signed by the same box. */
    shots[1][0].len = 0;
    memcpy(headers[1][0].id, headers[0][0].id, SEAL_ID);
    assert_int_equal(shot_make(&shots[1][0], &headers[1][0], 1, 100, &err), 0);
    assert_int_equal(
        file_write(path[0][0], (const char *)shots[1][0].data, shots[1][0].len, 0600, &err), 0);
    assert_int_equal(chain_open(&c, path[0][1], false, NULL, 0, &err), -1);
    assert_string_equal(err.code, "chain_broken");
    chain_close(&c);
    for (unsigned i = 0; i < 4; i++)
        free(shots[i / 2][i % 2].data);
    assert_int_equal(file_remove_tree(folder, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits), cmocka_unit_test(test_lengths), cmocka_unit_test(test_records),
        cmocka_unit_test(test_mixtures), cmocka_unit_test(test_chains)};
    const char *how = getenv("FLIPS"), *share = getenv("FLIPS_PART"), *seed = getenv("FLIPS_SEED");
    int failed;

    if (sodium_init() == -1)
        return 1;
    all = how != NULL && str_equal(how, "all");
    if (share != NULL && sscanf(share, "%lu/%lu", &part, &parts) != 2)
        return 1;
    randombytes_buf(&dice, sizeof dice);
    if (seed != NULL)
        dice = strtoull(seed, NULL, 10);
    printf("# FLIPS_SEED=%llu\n", (unsigned long long)dice);
    dice |= 1;
    for (unsigned kind = 0; kind < KINDS; kind++)
        for (unsigned which = 0; which < 2; which++)
            make(kind, which);
    mutant = malloc(2 * (files[0][0].shot.len + files[0][1].shot.len) * 2 + (1u << 20));
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    printf("# %lu changed files, %zu bytes each\n", tried, files[0][0].shot.len);
    for (unsigned i = 0; i < 2 * KINDS; i++)
        free(files[i / 2][i % 2].shot.data);
    free(mutant);
    return failed;
}
