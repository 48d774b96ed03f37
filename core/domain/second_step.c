/*
 * Tokens between the two steps of signing in. Apart from sessions because nothing that looks up a
 * session, a cookie or an access token can ever come upon one: they are of another kind, in another
 * table.
 */
#include "second_step.h"

#include <sodium.h>
#include <string.h>

#include "enc.h"
#include "str.h"

#define TOKEN_BYTES 32
#define PRUNE_MOST  8

static const struct field rows[] = {
    FIELD(struct second_step, token_hash, FIELD_BYTES, .flags = FIELD_HIDDEN),
    FIELD(struct second_step, user_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "us"),
    FIELD(struct second_step, epoch, FIELD_U32, .flags = FIELD_HIDDEN),
    FIELD(struct second_step, address, FIELD_TEXT, .help = "from where"),
    FIELD(struct second_step, created_at, FIELD_TIME, .help = "password given at"),
    FIELD(struct second_step, expires_at, FIELD_TIME, .help = "over at"),
};

static const struct index indexes[] = {
    {.name = "expires_at", .id = 181, .fields = {"expires_at"}},
};

const struct table second_step_table = {
    .name = "second_steps",
    .noun = "second_step",
    .id = 81,
    .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct second_step)},
    .key = {"token_hash"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
};

static int over(struct err *err)
{
    return err_set(err, ERR_UNAUTHENTICATED, "step_over",
                   "signing in took too long: give name and password again");
}

/* A few that are over go with each new one. */
static int prune(struct txn *txn, struct err *err)
{
    struct second_step step;
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &second_step_table, "expires_at", NULL, 0, false, err) != 0)
        return -1;
    for (unsigned i = 0; i < PRUNE_MOST && (got = scan_next(&scan, &step, err)) != 0; i++) {
        if (got < 0)
            return -1;
        if (step.expires_at > txn_time_ms(txn))
            break;
        if (record_delete(txn, &second_step_table, &step, err) < 0)
            return -1;
    }
    return 0;
}

int second_step_new(struct txn *txn, const struct user *user, const char *address,
                    char token[SECOND_STEP_TOKEN_SIZE], struct err *err)
{
    uint8_t bytes[TOKEN_BYTES];
    struct second_step step;
    struct user present;

    if (auth_user_still(txn, user, &present, err) != 0 || prune(txn, err) != 0)
        return -1;
    memset(&step, 0, sizeof step);
    randombytes_buf(bytes, sizeof bytes);
    (void)enc_base64url(token, SECOND_STEP_TOKEN_SIZE, bytes, sizeof bytes);
    crypto_generichash(step.token_hash, sizeof step.token_hash, bytes, sizeof bytes, NULL, 0);
    sodium_memzero(bytes, sizeof bytes);
    (void)str_copy(step.user_id, sizeof step.user_id, present.id);
    (void)str_copy(step.address, sizeof step.address, address);
    step.epoch = present.epoch;
    step.created_at = txn_time_ms(txn);
    step.expires_at = step.created_at + SECOND_STEP_MS;
    return record_insert(txn, &second_step_table, &step, err);
}

int second_step_find(struct txn *txn, const char *token, struct second_step *step,
                     struct user *user, struct err *err)
{
    uint8_t bytes[TOKEN_BYTES];
    int found;

    memset(step, 0, sizeof *step);
    memset(user, 0, sizeof *user);
    if (enc_unbase64url(bytes, sizeof bytes, token, strnlen(token, SECOND_STEP_TOKEN_SIZE)) !=
        TOKEN_BYTES)
        return over(err);
    crypto_generichash(step->token_hash, sizeof step->token_hash, bytes, sizeof bytes, NULL, 0);
    sodium_memzero(bytes, sizeof bytes);
    if ((found = record_get(txn, &second_step_table, step, err)) < 0)
        return -1;
    if (found == 0 || step->expires_at <= txn_time_ms(txn))
        return over(err);
    (void)str_copy(user->id, sizeof user->id, step->user_id);
    if ((found = record_get(txn, &user_table, user, err)) < 0)
        return -1;
    return found == 0 || user->disabled || user->epoch != step->epoch ? over(err) : 0;
}

int second_step_end(struct txn *txn, const struct second_step *step, struct err *err)
{
    return record_delete(txn, &second_step_table, step, err) < 0 ? -1 : 0;
}

int second_step_drop(struct txn *txn, const char *user_id, struct err *err)
{
    struct second_step step;
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &second_step_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &step, err)) == 1)
        if ((user_id == NULL || str_equal(step.user_id, user_id)) &&
            record_delete(txn, &second_step_table, &step, err) < 0)
            return -1;
    return got;
}
