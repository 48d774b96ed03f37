/* Invitations and forgotten passwords: links that are good once, for a while, for one thing. */
#include "ops_world.h"

#include "auth.h"
#include "invitation.h"
#include "letter.h"
#include "password_reset.h"
#include "setting.h"
#include "user_letter.h"

static int setup(void **state)
{
    static struct ops_world w;

    ops_world_open(&w);
    w.box.gate = NULL;
    ops_ok(&w, 200, "setting.set", ROLE_ADMIN,
           "{\"name\":\"auth.argon2_memory_mib\",\"value\":\"8\"}");
    ops_ok(&w, 200, "setting.set", ROLE_ADMIN,
           "{\"name\":\"box.url\",\"value\":\"https://box.example\"}");
    ops_ok(&w, 201, "user.create", ROLE_ADMIN,
           "{\"name\":\"admin\",\"role\":\"admin\",\"password\":\"a good one 7\"}");
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    ops_world_close(*state);
    return 0;
}

/* The token of the link in the last answer. */
static void take_token(struct ops_world *w, char out[LINK_TOKEN_SIZE])
{
    const char *hash = strchr(ops_text(w, "link"), '#');

    assert_non_null(hash);
    assert_int_equal(str_copy(out, LINK_TOKEN_SIZE, hash + 1), 0);
    assert_int_equal(strlen(out), 43);
}

static void mail_on(struct ops_world *w)
{
    ops_ok(w, 200, "setting.set", ROLE_ADMIN,
           "{\"name\":\"smtp.url\",\"value\":\"smtp://mail.example\"}");
    ops_ok(w, 200, "setting.set", ROLE_ADMIN,
           "{\"name\":\"mail.from\",\"value\":\"box@example.com\"}");
}

static int64_t letters(struct ops_world *w)
{
    return ops_count(w, &message_table);
}

static void an_invitation_is_good_once(void **state)
{
    struct ops_world *w = *state;
    char token[LINK_TOKEN_SIZE], id[ID_SIZE];

    ops_ok(w, 201, "invitation.create", ROLE_ADMIN, "{\"name\":\"Ann\",\"role\":\"operator\"}");
    assert_true(str_starts(ops_text(w, "link"), "https://box.example/"));
    assert_string_equal(ops_text(w, "name"), "ann");
    assert_string_equal(ops_text(w, "state"), "open");
    take_token(w, token);
    ops_keep(w, "id", id, sizeof id);
    ops_no(w, 409, "invitation_open", "invitation.create", ROLE_ADMIN,
           "{\"name\":\"ann\",\"role\":\"admin\"}");
    ops_ok(w, 200, "invitation.look", ROLE_PUBLIC, "{\"token\":\"%s\"}", token);
    assert_string_equal(ops_text(w, "name"), "ann");
    assert_string_equal(ops_text(w, "role"), "operator");
    ops_no(w, 422, "password_short", "invitation.accept", ROLE_PUBLIC,
           "{\"token\":\"%s\",\"password\":\"short\"}", token);
    ops_ok(w, 200, "invitation.accept", ROLE_PUBLIC,
           "{\"token\":\"%s\",\"password\":\"long enough 9\"}", token);
    assert_string_equal(ops_text(w, "user.role"), "operator");
    assert_true(str_starts(w->call.cookie, "__Host-sett="));
    ops_no(w, 404, "link_gone", "invitation.accept", ROLE_PUBLIC,
           "{\"token\":\"%s\",\"password\":\"long enough 9\"}", token);
    ops_no(w, 404, "link_gone", "invitation.look", ROLE_PUBLIC, "{\"token\":\"%s\"}", token);
    ops_ok(w, 200, "auth.login", ROLE_PUBLIC,
           "{\"username\":\"ann\",\"password\":\"long enough 9\"}");
    ops_ok(w, 200, "invitation.show", ROLE_ADMIN, "{\"id\":\"%s\"}", id);
    assert_string_equal(ops_text(w, "state"), "accepted");
    assert_null(strstr(buf_string(&w->out), token));
    ops_no(w, 409, "invitation_ended", "invitation.resend", ROLE_ADMIN, "{\"id\":\"%s\"}", id);
    ops_no(w, 409, "invitation_ended", "invitation.revoke", ROLE_ADMIN, "{\"id\":\"%s\"}", id);
    ops_no(w, 422, "user_exists", "invitation.create", ROLE_ADMIN,
           "{\"name\":\"ann\",\"role\":\"viewer\"}");
}

static void a_new_link_ends_the_one_before(void **state)
{
    struct ops_world *w = *state;
    char first[LINK_TOKEN_SIZE], second[LINK_TOKEN_SIZE], id[ID_SIZE];

    ops_ok(w, 201, "invitation.create", ROLE_ADMIN, "{\"name\":\"bob\",\"role\":\"viewer\"}");
    take_token(w, first);
    ops_keep(w, "id", id, sizeof id);
    ops_ok(w, 200, "invitation.resend", ROLE_ADMIN, "{\"id\":\"%s\",\"hours\":1}", id);
    take_token(w, second);
    ops_no(w, 404, "link_gone", "invitation.look", ROLE_PUBLIC, "{\"token\":\"%s\"}", first);
    ops_ok(w, 200, "invitation.look", ROLE_PUBLIC, "{\"token\":\"%s\"}", second);
    ops_ok(w, 200, "invitation.revoke", ROLE_ADMIN, "{\"id\":\"%s\"}", id);
    assert_string_equal(ops_text(w, "state"), "revoked");
    ops_no(w, 404, "link_gone", "invitation.look", ROLE_PUBLIC, "{\"token\":\"%s\"}", second);
    ops_no(w, 404, "link_gone", "invitation.look", ROLE_PUBLIC, "{\"token\":\"x\"}");
    ops_ok(w, 201, "invitation.create", ROLE_ADMIN, "{\"name\":\"bob\",\"role\":\"viewer\"}");
}

static int end_all(struct txn *txn, void *arg, struct err *err)
{
    struct invitation i;
    struct scan scan;
    int got;

    (void)arg;
    if (scan_start(&scan, txn, &invitation_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &i, err)) == 1) {
        i.expires_at = txn_time_ms(txn);
        if (record_put(txn, &invitation_table, &i, err) != 0)
            return -1;
    }
    return got;
}

static void an_invitation_ends(void **state)
{
    struct ops_world *w = *state;
    char token[LINK_TOKEN_SIZE], id[ID_SIZE];

    ops_ok(w, 201, "invitation.create", ROLE_ADMIN, "{\"name\":\"eve\",\"role\":\"viewer\"}");
    take_token(w, token);
    ops_keep(w, "id", id, sizeof id);
    assert_int_equal(db_write(w->box.db, end_all, NULL, &w->err), 0);
    ops_no(w, 404, "link_gone", "invitation.accept", ROLE_PUBLIC,
           "{\"token\":\"%s\",\"password\":\"long enough 9\"}", token);
    ops_ok(w, 200, "invitation.list", ROLE_ADMIN, "{\"state\":\"over\"}");
    assert_non_null(strstr(buf_string(&w->out), id));
    ops_ok(w, 200, "invitation.resend", ROLE_ADMIN, "{\"id\":\"%s\"}", id);
    take_token(w, token);
    ops_ok(w, 200, "invitation.look", ROLE_PUBLIC, "{\"token\":\"%s\"}", token);
}

static void the_link_goes_by_mail_where_it_can(void **state)
{
    struct ops_world *w = *state;
    int64_t before = letters(w);

    ops_no(w, 409, "mail_not_set", "invitation.create", ROLE_ADMIN,
           "{\"name\":\"dan@example.com\",\"role\":\"viewer\",\"mail\":true}");
    ops_no(w, 409, "mail_not_set", "password.forgotten", ROLE_PUBLIC, "{\"username\":\"admin\"}");
    mail_on(w);
    ops_ok(w, 201, "invitation.create", ROLE_ADMIN,
           "{\"name\":\"dan@example.com\",\"role\":\"viewer\",\"language\":\"de\"}");
    assert_string_equal(ops_text(w, "link"), "");
    assert_string_equal(ops_text(w, "email"), "dan@example.com");
    assert_int_equal(letters(w), before + 1);
    ops_ok(w, 201, "invitation.create", ROLE_ADMIN,
           "{\"name\":\"fay@example.com\",\"role\":\"viewer\",\"mail\":false}");
    assert_true(ops_text(w, "link")[0] != '\0');
    assert_int_equal(letters(w), before + 1);
    ops_no(w, 422, "language_unknown", "invitation.create", ROLE_ADMIN,
           "{\"name\":\"gus\",\"role\":\"viewer\",\"language\":\"fr\"}");
    ops_no(w, 422, "customer_id_invalid", "invitation.create", ROLE_ADMIN,
           "{\"name\":\"gus\",\"role\":\"customer\"}");
    ops_no(w, 403, "role_too_low", "invitation.create", ROLE_OPERATOR,
           "{\"name\":\"gus\",\"role\":\"viewer\"}");
}

/* What the worker makes of letters that were asked for: one is for somebody. */
static int fill_letters(struct txn *txn, void *arg, struct err *err)
{
    struct ops_world *w = arg;
    struct message m;
    struct scan scan;
    int got, filled = 0;

    if (scan_start(&scan, txn, &message_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &m, err)) == 1) {
        if (m.recipient[0] != '\0')
            continue;
        if ((got = user_letter_fill(txn, &w->box.vault, 900000, &m, err)) < 0)
            return -1;
        filled += got;
        assert_string_equal(m.recipient, got == 1 ? "ivy@example.com" : "");
        assert_int_equal(m.secret.len > 0, got == 1);
        /* Not again within the minute. */
        assert_int_equal(user_letter_fill(txn, &w->box.vault, 900000, &m, err), 0);
    }
    assert_int_equal(filled, 1);
    return got;
}

static void a_forgotten_password(void **state)
{
    struct ops_world *w = *state;
    int64_t before;
    char said[200];

    ops_ok(w, 201, "user.create", ROLE_ADMIN,
           "{\"name\":\"ivy@example.com\",\"role\":\"viewer\",\"password\":\"a good one 7\"}");
    before = letters(w);
    ops_ok(w, 200, "password.forgotten", ROLE_PUBLIC, "{\"username\":\"nobody@example.com\"}");
    (void)str_copy(said, sizeof said, buf_string(&w->out));
    assert_int_equal(letters(w), before + 1);
    ops_ok(w, 200, "password.forgotten", ROLE_PUBLIC, "{\"username\":\"IVY@example.com\"}");
    assert_string_equal(said, buf_string(&w->out));
    assert_int_equal(letters(w), before + 2);
    /* Who it is, is looked up by the worker. */
    assert_int_equal(db_write(w->box.db, fill_letters, w, &w->err), 0);
    assert_int_equal(ops_count(w, &password_reset_table), 1);
}

/* As if the last link had been made so long ago, and its hour begun so long. */
static int age_reset(struct txn *txn, int64_t made_ms, int64_t hour_ms, struct err *err)
{
    struct password_reset r;
    struct scan scan;

    if (scan_start(&scan, txn, &password_reset_table, NULL, NULL, 0, false, err) != 0 ||
        scan_next(&scan, &r, err) != 1)
        return -1;
    r.created_at -= made_ms;
    r.since -= hour_ms;
    return record_put(txn, &password_reset_table, &r, err);
}

static int ask_again_and_again(struct txn *txn, void *arg, struct err *err)
{
    struct ops_world *w = arg;

    for (unsigned i = 1; i <= PASSWORD_RESET_HOUR + 2; i++) {
        struct message m = {.kind = "password_reset"};
        assert_int_equal(kv_set(&m.params, "name", "ivy@example.com"), 0);
        assert_int_equal(age_reset(txn, PASSWORD_RESET_PAUSE_MS, 0, err), 0);
        /* One was sent before. */
        assert_int_equal(user_letter_fill(txn, &w->box.vault, 900000, &m, err),
                         i < PASSWORD_RESET_HOUR);
    }
    struct message m = {.kind = "password_reset"};
    assert_int_equal(kv_set(&m.params, "name", "ivy@example.com"), 0);
    assert_int_equal(age_reset(txn, PASSWORD_RESET_PAUSE_MS, 3600000, err), 0);
    assert_int_equal(user_letter_fill(txn, &w->box.vault, 900000, &m, err), 1);
    return 0;
}

static void a_mailbox_is_not_filled_by_strangers(void **state)
{
    struct ops_world *w = *state;

    assert_int_equal(db_write(w->box.db, ask_again_and_again, w, &w->err), 0);
}

static void a_reset_sets_a_password_and_no_more(void **state)
{
    struct ops_world *w = *state;
    char first[LINK_TOKEN_SIZE], token[LINK_TOKEN_SIZE];

    ops_ok(w, 201, "user.create", ROLE_ADMIN,
           "{\"name\":\"joe\",\"role\":\"viewer\",\"password\":\"a good one 7\"}");
    ops_ok(w, 200, "auth.login", ROLE_PUBLIC,
           "{\"username\":\"joe\",\"password\":\"a good one 7\"}");
    ops_ok(w, 200, "user.reset", ROLE_ADMIN, "{\"id\":\"joe\"}");
    take_token(w, first);
    ops_ok(w, 200, "user.reset", ROLE_ADMIN, "{\"id\":\"joe\",\"minutes\":60}");
    take_token(w, token);
    ops_no(w, 404, "link_gone", "password.look", ROLE_PUBLIC, "{\"token\":\"%s\"}", first);
    ops_ok(w, 200, "password.look", ROLE_PUBLIC, "{\"token\":\"%s\"}", token);
    assert_string_equal(ops_text(w, "name"), "joe");
    ops_no(w, 422, "password_short", "password.reset", ROLE_PUBLIC,
           "{\"token\":\"%s\",\"password\":\"joe\"}", token);
    ops_ok(w, 200, "password.reset", ROLE_PUBLIC,
           "{\"token\":\"%s\",\"password\":\"another one 8\"}", token);
    assert_string_equal(w->call.cookie, "");
    assert_string_equal(ops_text(w, "access_token"), "");
    ops_no(w, 404, "link_gone", "password.reset", ROLE_PUBLIC,
           "{\"token\":\"%s\",\"password\":\"another one 8\"}", token);
    ops_no(w, 401, "credentials_wrong", "auth.login", ROLE_PUBLIC,
           "{\"username\":\"joe\",\"password\":\"a good one 7\"}");
    ops_ok(w, 200, "auth.login", ROLE_PUBLIC,
           "{\"username\":\"joe\",\"password\":\"another one 8\"}");
    /* What changes the user ends the link. */
    ops_ok(w, 200, "user.reset", ROLE_ADMIN, "{\"id\":\"joe\"}");
    take_token(w, token);
    ops_ok(w, 200, "user.update", ROLE_ADMIN, "{\"id\":\"joe\",\"disabled\":true}");
    ops_no(w, 404, "link_gone", "password.look", ROLE_PUBLIC, "{\"token\":\"%s\"}", token);
    ops_no(w, 409, "user_disabled", "user.reset", ROLE_ADMIN, "{\"id\":\"joe\"}");
    ops_ok(w, 200, "user.update", ROLE_ADMIN, "{\"id\":\"joe\",\"disabled\":false}");
    ops_no(w, 404, "link_gone", "password.look", ROLE_PUBLIC, "{\"token\":\"%s\"}", token);
    ops_ok(w, 200, "user.delete", ROLE_ADMIN, "{\"id\":\"joe\"}");
    assert_int_equal(ops_count(w, &password_reset_table), 1); /* ivy's */
}

static bool needed(struct ops_world *w)
{
    ops_ok(w, 200, "box.setup", ROLE_PUBLIC, "{}");
    return strstr(buf_string(&w->out), "\"needed\":true") != NULL;
}

static void a_box_is_new_until_it_is_set_up(void **state)
{
    struct ops_world w;
    char secret[200], key[200];

    (void)state;
    ops_world_open(&w);
    assert_true(needed(&w));
    ops_ok(&w, 201, "user.create", ROLE_ADMIN,
           "{\"name\":\"admin\",\"role\":\"admin\",\"password\":\"a good one 7\"}");
    assert_true(needed(&w));
    ops_no(&w, 401, "sign_in_needed", "box.steps", ROLE_PUBLIC, "{}");
    ops_ok(&w, 200, "box.steps", ROLE_ADMIN, "{}");
    assert_non_null(strstr(buf_string(&w.out), "\"recovery\":false,\"vault\":false"));
    /* A recovery key made for a page: nothing of it is kept until its public half is added. */
    ops_ok(&w, 200, "recovery.generate", ROLE_ADMIN, "{}");
    ops_keep(&w, "secret", secret, sizeof secret);
    ops_keep(&w, "key", key, sizeof key);
    ops_no(&w, 422, "other_secret", "recovery.prove", ROLE_ADMIN, "{\"recovery\":\"%s\"}", secret);
    ops_ok(&w, 201, "recovery.add", ROLE_ADMIN, "{\"name\":\"recovery\",\"key\":\"%s\"}", key);
    ops_ok(&w, 200, "recovery.prove", ROLE_ADMIN, "{\"recovery\":\"kit: %s\"}", secret);
    assert_non_null(strstr(buf_string(&w.out), "\"proven\":true"));
    ops_ok(&w, 200, "recovery.generate", ROLE_ADMIN, "{\"shares\":3,\"needed\":2}");
    assert_int_equal(json_size(w.answer, "shares"), 3);
    ops_no(&w, 422, "needed", "recovery.generate", ROLE_ADMIN, "{\"shares\":2,\"needed\":3}");
    ops_ok(&w, 200, "box.steps", ROLE_ADMIN, "{}");
    assert_non_null(strstr(buf_string(&w.out), "\"recovery\":true"));
    ops_ok(&w, 200, "box.finish", ROLE_ADMIN, "{}");
    assert_false(needed(&w));
    ops_world_close(&w);
    /* One that is in use needs no setup, whoever forgot to say so. */
    ops_world_open(&w);
    ops_ok(&w, 201, "customer.create", ROLE_ADMIN, "{\"name\":\"Some\"}");
    assert_false(needed(&w));
    ops_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_invitation_is_good_once),
        cmocka_unit_test(a_new_link_ends_the_one_before),
        cmocka_unit_test(an_invitation_ends),
        cmocka_unit_test(the_link_goes_by_mail_where_it_can),
        cmocka_unit_test(a_forgotten_password),
        cmocka_unit_test(a_mailbox_is_not_filled_by_strangers),
        cmocka_unit_test(a_reset_sets_a_password_and_no_more),
        cmocka_unit_test(a_box_is_new_until_it_is_set_up),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
