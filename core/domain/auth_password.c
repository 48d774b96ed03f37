/*
 * Passwords: what is acceptable, and the slow hash. Apart from the rest of auth because it never
 * touches the store: it runs before and after transactions, behind a gate that keeps a flood of
 * sign-ins from eating the machine's memory.
 */
#include "auth.h"

#include "str.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define GATE_AT_ONCE 2
#define GATE_QUEUE   32
#define PASSWORD_MIN 8
#define PASSWORD_MAX 256

struct auth_gate {
    pthread_mutex_t lock;
    pthread_cond_t free;
    unsigned running, waiting;
};

struct auth_gate *auth_gate_new(struct err *err)
{
    struct auth_gate *gate = calloc(1, sizeof *gate);

    if (gate == NULL || sodium_init() < 0) {
        free(gate);
        (void)err_set(err, ERR_INTERNAL, "out_of_memory", "no memory for the sign-in gate");
        return NULL;
    }
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->free, NULL);
    return gate;
}

void auth_gate_free(struct auth_gate *gate)
{
    if (gate == NULL)
        return;
    pthread_cond_destroy(&gate->free);
    pthread_mutex_destroy(&gate->lock);
    free(gate);
}

static int busy(struct err *err)
{
    (void)err_set(err, ERR_UNAVAILABLE, "auth_busy", "too many people are signing in");
    if (err != NULL)
        err->retry_after_s = 2;
    return -1;
}

/* Wait for one of the places; -1 when the queue is full. */
static int gate_enter(struct auth_gate *gate, struct err *err)
{
    int result = 0;

    if (gate == NULL)
        return 0;
    pthread_mutex_lock(&gate->lock);
    if (gate->running >= GATE_AT_ONCE && gate->waiting >= GATE_QUEUE) {
        result = -1;
    } else {
        gate->waiting++;
        while (gate->running >= GATE_AT_ONCE)
            pthread_cond_wait(&gate->free, &gate->lock);
        gate->waiting--;
        gate->running++;
    }
    pthread_mutex_unlock(&gate->lock);
    return result == 0 ? 0 : busy(err);
}

static void gate_leave(struct auth_gate *gate)
{
    if (gate == NULL)
        return;
    pthread_mutex_lock(&gate->lock);
    gate->running--;
    pthread_cond_signal(&gate->free);
    pthread_mutex_unlock(&gate->lock);
}

/* The commonest passwords of at least eight characters, in lower case. */
static const char *const commonest[] = {
    "123456789",   "12345678",     "1234567890", "password",      "password1",  "password12",
    "password123", "password1234", "passw0rd",   "passwort",      "passwort1",  "passwort123",
    "p@ssw0rd",    "p@ssword",     "pa$$w0rd",   "qwertyuiop",    "qwertzuiop", "qwerty123",
    "qwerty12",    "qwerty1234",   "qwertyui",   "qwertzui",      "1q2w3e4r",   "1q2w3e4r5t",
    "1qaz2wsx",    "qazwsxedc",    "zaq12wsx",   "asdfghjkl",     "asdfghjk",   "asdf1234",
    "iloveyou",    "iloveyou1",    "sunshine",   "princess",      "football",   "football1",
    "baseball",    "baseball1",    "superman",   "batman123",     "dragon123",  "monkey123",
    "trustno1",    "welcome1",     "welcome123", "willkommen",    "letmein1",   "letmein123",
    "abc12345",    "abcd1234",     "abcdefgh",   "abc123456",     "a1b2c3d4",   "aa123456",
    "admin123",    "admin1234",    "admin12345", "administrator", "adminadmin", "rootroot",
    "changeme",    "changeme1",    "changeit",   "default1",      "test1234",   "testtest",
    "test12345",   "temp1234",     "secret123",  "supersecret",   "master123",  "starwars",
    "whatever",    "computer",     "internet",   "michelle",      "jennifer",   "jonathan",
    "charlie1",    "shadow123",    "hello123",   "hallo123",      "hallohallo", "schatz123",
    "sommer2024",  "sommer2025",   "sommer2026", "winter2024",    "winter2025", "winter2026",
    "summer2024",  "summer2025",   "summer2026", "spring2025",    "spring2026", "january2026",
    "11223344",    "123123123",    "123321123",  "12344321",      "123454321",  "12345679",
    "87654321",    "987654321",    "0987654321", "9876543210",    "0123456789", "01234567",
    "147258369",   "789456123",    "159753456",  "asdasdasd",     "qweqweqwe",  "qweasdzxc",
    "zxcvbnm1",    "zxcvbnm123",   "zxcvbnma",   "google123",     "facebook1",  "samsung1",
    "liverpool",   "liverpool1",   "arsenal1",   "chelsea1",      "barcelona",  "realmadrid",
    "freedom1",    "mustang1",     "corvette",   "mercedes",      "ferrari1",   "porsche1",
    "midnight",    "butterfly",    "chocolate",  "elephant",      "snowball",   "pokemon1",
    "minecraft",   "blink182",     "metallica",  "slipknot",      "nirvana1",   "spiderman",
    "ihateyou",    "fuckyou1",     "fuckyou123", "jesus123",      "babygirl",   "babygirl1",
};

static bool is_common(const char *password)
{
    size_t len = strlen(password);

    for (size_t i = 0; i < sizeof commonest / sizeof commonest[0]; i++)
        if (str_equal_nocase(password, commonest[i]))
            return true;
    /* One or two characters over and over: "aaaaaaaa", "12121212". */
    for (size_t i = 2; i < len; i++)
        if (password[i] != password[i - 2])
            return false;
    return true;
}

int auth_password_rules(const char *password, const char *user_name, struct err *err)
{
    size_t len = strnlen(password, PASSWORD_MAX + 1);

    if (len < PASSWORD_MIN)
        return err_field(err, "password", "password_short", "a password has at least %d characters",
                         PASSWORD_MIN);
    if (len > PASSWORD_MAX)
        return err_field(err, "password", "password_long", "a password has at most %d bytes",
                         PASSWORD_MAX);
    if (!str_utf8(password, len))
        return err_field(err, "password", "password_encoding", "the password is not UTF-8");
    if (is_common(password))
        return err_field(err, "password", "password_common",
                         "this password is one of those that are tried first");
    if (user_name != NULL && str_equal_nocase(password, user_name))
        return err_field(err, "password", "password_common", "the password is the user's name");
    return 0;
}

/* As libsodium writes them: whoever can write such a one here could write any other. */
int auth_password_take(const char *hash, char out[160], struct err *err)
{
    size_t len = strnlen(hash, crypto_pwhash_STRBYTES);
    int level = len < crypto_pwhash_STRBYTES
                    ? crypto_pwhash_str_needs_rehash(hash, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                                     crypto_pwhash_MEMLIMIT_INTERACTIVE)
                    : -1;

    return level == -1 || str_copy(out, 160, hash) != 0
               ? err_field(err, "password", "password_hash", "this is no hash of argon2id")
               : 0;
}

static size_t memory_bytes(const struct auth_terms *terms)
{
    return (size_t)terms->argon2_mib << 20;
}

int auth_password_hash(struct auth_gate *gate, const struct auth_terms *terms, const char *password,
                       char out[160], struct err *err)
{
    char text[crypto_pwhash_STRBYTES];

    if (sodium_init() < 0)
        return err_set(err, ERR_INTERNAL, "no_random", "the system gives no random numbers");
    if (gate_enter(gate, err) != 0)
        return -1;
    int failed = crypto_pwhash_str_alg(text, password, strlen(password), terms->argon2_passes,
                                       memory_bytes(terms), crypto_pwhash_ALG_ARGON2ID13);
    gate_leave(gate);
    return failed != 0 || str_copy(out, 160, text) != 0 ? busy(err) : 0;
}

/* As much work as a real check, for somebody who does not exist. */
static int check_nobody(const struct auth_terms *terms, const char *password)
{
    uint8_t salt[crypto_pwhash_SALTBYTES];
    uint8_t out[32];

    randombytes_buf(salt, sizeof salt);
    return crypto_pwhash(out, sizeof out, password, strlen(password), salt, terms->argon2_passes,
                         memory_bytes(terms), crypto_pwhash_ALG_ARGON2ID13);
}

int auth_password_check(struct auth_gate *gate, const struct auth_terms *terms, const char *stored,
                        const char *password, struct err *err)
{
    int failed = 0;
    int number = 0;

    if (sodium_init() < 0)
        return err_set(err, ERR_INTERNAL, "no_random", "the system gives no random numbers");
    if (strnlen(password, PASSWORD_MAX + 1) > PASSWORD_MAX)
        return 0;
    if (gate_enter(gate, err) != 0)
        return -1;
    errno = 0;
    if (stored == NULL || stored[0] == '\0') {
        failed = check_nobody(terms, password) == 0 ? 1 : -1;
        number = failed == -1 ? ENOMEM : 0;
    } else {
        failed = crypto_pwhash_str_verify(stored, password, strlen(password));
        number = failed != 0 ? errno : 0;
    }
    gate_leave(gate);
    if (number == ENOMEM)
        return busy(err);
    return failed == 0 ? 1 : 0;
}

int auth_code_hash(struct auth_gate *gate, uint32_t mib, uint32_t passes, const char *code,
                   const uint8_t salt[16], uint8_t out[32], struct err *err)
{
    struct auth_terms terms = {.argon2_mib = mib, .argon2_passes = passes};
    int failed;

    _Static_assert(crypto_pwhash_SALTBYTES == 16, "salt");
    if (gate_enter(gate, err) != 0)
        return -1;
    failed = crypto_pwhash(out, 32, code, strlen(code), salt, passes, memory_bytes(&terms),
                           crypto_pwhash_ALG_ARGON2ID13);
    gate_leave(gate);
    return failed != 0 ? busy(err) : 0;
}
