/* Passwords: what is acceptable, the slow hash, and the gate before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <cmocka.h>

#include "auth.h"
#include "str.h"

#include <pthread.h>

static struct auth_terms terms = {.argon2_mib = 8, .argon2_passes = 1};

static void passwords(void **state)
{
    static const char *const bad[] = {"",
                                      "short",
                                      "1234567",
                                      "password",
                                      "PASSWORD",
                                      "Passwort1",
                                      "aaaaaaaa",
                                      "abababababab",
                                      "12345678",
                                      "admin@ex",
                                      "\xff\xfe\xfd\xfc\xff\xff\xff\xff"};
    char hash[160];
    char same[160];
    char big[260];
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(auth_password_rules(bad[i], "admin@ex", &err), -1);
        assert_string_equal(err.field, "password");
    }
    memset(big, 'a', sizeof big);
    for (size_t i = 0; i < sizeof big; i += 3)
        big[i] = 'b';
    big[257] = '\0';
    assert_int_equal(auth_password_rules(big, NULL, &err), -1);
    big[256] = '\0';
    assert_int_equal(auth_password_rules(big, NULL, &err), 0);
    assert_int_equal(auth_password_rules("correct horse battery", "admin", &err), 0);
    assert_int_equal(auth_password_hash(NULL, &terms, "correct horse", hash, &err), 0);
    assert_int_equal(auth_password_hash(NULL, &terms, "correct horse", same, &err), 0);
    assert_true(str_starts(hash, "$argon2id$v=19$m=8192,t=1,p=1$"));
    assert_string_not_equal(hash, same);
    assert_int_equal(auth_password_check(NULL, &terms, hash, "correct horse", &err), 1);
    assert_int_equal(auth_password_check(NULL, &terms, hash, "correct hors", &err), 0);
    assert_int_equal(auth_password_check(NULL, &terms, hash, "", &err), 0);
    assert_int_equal(auth_password_check(NULL, &terms, NULL, "correct horse", &err), 0);
    assert_int_equal(auth_password_check(NULL, &terms, "", "", &err), 0);
    assert_int_equal(auth_password_check(NULL, &terms, "$argon2id$broken", "x", &err), 0);
}

#define THREADS 60

struct crowd {
    struct auth_gate *gate;
    pthread_mutex_t lock;
    unsigned right, busy, other;
    char hash[160];
};

static void *one_of_the_crowd(void *arg)
{
    struct crowd *crowd = arg;
    struct err err = {0};
    int result = auth_password_check(crowd->gate, &terms, crowd->hash, "correct horse", &err);

    pthread_mutex_lock(&crowd->lock);
    if (result == 1)
        crowd->right++;
    else if (result == -1 && err.kind == ERR_UNAVAILABLE && err.retry_after_s > 0)
        crowd->busy++;
    else
        crowd->other++;
    pthread_mutex_unlock(&crowd->lock);
    return NULL;
}

static void a_gate_for_crowds(void **state)
{
    static struct crowd crowd;
    pthread_t threads[THREADS];
    struct err err;

    (void)state;
    crowd.gate = auth_gate_new(&err);
    assert_non_null(crowd.gate);
    pthread_mutex_init(&crowd.lock, NULL);
    terms.argon2_mib = 64;
    assert_int_equal(auth_password_hash(crowd.gate, &terms, "correct horse", crowd.hash, &err), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, one_of_the_crowd, &crowd), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(crowd.other, 0);
    assert_int_equal(crowd.right + crowd.busy, THREADS);
    assert_true(crowd.right >= 34); /* two at once and 32 that wait */
    auth_gate_free(crowd.gate);
    auth_gate_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passwords),
        cmocka_unit_test(a_gate_for_crowds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
