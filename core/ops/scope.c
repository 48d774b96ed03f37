/*
 * Scopes. Apart from the dispatch because the list of them follows from the operations themselves:
 * a noun that comes with a new file of operations has its two scopes with it.
 */
#include "scope.h"

#include <string.h>

#include "object.h"
#include "str.h"
#include "tenant.h"

#define SCOPE_SIZE 48
#define NOUNS_MOST 96
#define BETWEEN    " ,\t\n"

/* What a key is asked for none of: it needs nobody, or only says who it is. */
static bool free_of_scope(const struct op *op)
{
    return op->role == ROLE_PUBLIC || str_equal(op->name, "auth.me");
}

static bool writes(const struct op *op)
{
    return (op->flags & (OP_WRITE | OP_AUDIT | OP_SECRET)) != 0;
}

static void noun_of(const struct op *op, char out[SCOPE_SIZE])
{
    (void)str_copy_n(out, SCOPE_SIZE - 8, op->name, strcspn(op->name, "."));
}

void scope_of(const struct op *op, char out[SCOPE_SIZE])
{
    out[0] = '\0';
    if (free_of_scope(op))
        return;
    noun_of(op, out);
    (void)str_format(out + strlen(out), SCOPE_SIZE - strlen(out), ":%s",
                     writes(op) ? "write" : "read");
}

/* The parameter that names the tenant, or NULL. */
static const struct field *tenant_field(const struct op *op)
{
    const struct field *field;

    if (op->params == NULL)
        return NULL;
    if (str_starts(op->name, "tenant."))
        field = fields_find(op->params, "id");
    else
        field = str_starts(op->name, "turn.") ? fields_find(op->params, "tenant") : NULL;
    return field != NULL && field->type == FIELD_TEXT ? field : NULL;
}

bool scope_tenant_op(const struct op *op)
{
    return op->role == ROLE_PUBLIC || str_equal(op->name, "auth.me") || tenant_field(op) != NULL;
}

int scope_tenant(struct op_call *call, struct err *err)
{
    const struct field *field = tenant_field(call->op);
    struct tenant tenant = {0};
    struct txn *own = NULL;
    int found = 0;

    if (call->actor.tenant_id[0] == '\0' || field == NULL)
        return 0;
    if (call->txn == NULL) {
        if (db_read(&own, call->box->db, err) != 0)
            return -1;
        call->txn = own;
    }
    if (op_given(call, field->name))
        found = object_find(call, &tenant_table, (const char *)call->params + field->offset,
                            &tenant, err);
    if (own != NULL) {
        db_read_end(own);
        call->txn = NULL;
    }
    if (found < 0)
        return -1;
    return found == 1 && str_equal(tenant.id, call->actor.tenant_id)
               ? 0
               : err_set(err, ERR_FORBIDDEN, "key_of_tenant", "this key is for another tenant");
}

/* The nouns that have an operation for keys, each once, * first. */
struct nouns {
    char at[NOUNS_MOST][SCOPE_SIZE];
    size_t count;
};

static void gather(struct nouns *nouns)
{
    char noun[SCOPE_SIZE];
    size_t i;

    (void)str_copy(nouns->at[0], SCOPE_SIZE, "*");
    nouns->count = 1;
    for (const struct op *op = op_next(NULL); op != NULL; op = op_next(op)) {
        /* The password goes with what is fresh, and a key has none. */
        if (free_of_scope(op) || (op->flags & (OP_LOCAL | OP_FRESH)) != 0)
            continue;
        noun_of(op, noun);
        for (i = 0; i < nouns->count && !str_equal(nouns->at[i], noun); i++)
            ;
        if (i == nouns->count && i < NOUNS_MOST)
            (void)str_copy(nouns->at[nouns->count++], SCOPE_SIZE, noun);
    }
}

int scope_next(size_t *at, char out[SCOPE_SIZE])
{
    struct nouns nouns = {.count = 0};

    gather(&nouns);
    if (*at / 2 >= nouns.count)
        return 0;
    (void)str_format(out, SCOPE_SIZE, "%s:%s", nouns.at[*at / 2], *at % 2 == 0 ? "read" : "write");
    (*at)++;
    return 1;
}

/* Whether a list has just this word. */
static bool has_word(const char *list, const char *word)
{
    size_t wanted = strlen(word), len;

    for (const char *at = list; *at != '\0'; at += len) {
        at += strspn(at, BETWEEN);
        len = strcspn(at, BETWEEN);
        if (len == wanted && memcmp(at, word, len) == 0)
            return true;
    }
    return false;
}

bool scope_has(const char *list, const struct op *op)
{
    char scope[SCOPE_SIZE];

    scope_of(op, scope);
    return scope[0] == '\0' || has_word(list, scope) ||
           has_word(list, writes(op) ? "*:write" : "*:read");
}

/* The first word of ${text} that is no scope, as an error. */
static int check_words(const char *text, const struct nouns *nouns, struct err *err)
{
    char word[SCOPE_SIZE];
    size_t len, i;
    char *colon;

    for (const char *at = text; *at != '\0'; at += len) {
        at += strspn(at, BETWEEN);
        if ((len = strcspn(at, BETWEEN)) == 0)
            break;
        colon = str_copy_n(word, sizeof word, at, len) == 0 ? strchr(word, ':') : NULL;
        if (colon != NULL)
            *colon++ = '\0';
        for (i = 0; colon != NULL && i < nouns->count && !str_equal(nouns->at[i], word); i++)
            ;
        if (colon != NULL && i < nouns->count &&
            (str_equal(colon, "read") || str_equal(colon, "write")))
            continue;
        (void)err_field(err, "scopes", "scope_unknown", "\"%.*s\" is no scope",
                        (int)(len < SCOPE_SIZE ? len : SCOPE_SIZE), at);
        return err_hint(err, "as in tenant:read, snapshot:write or *:read; all: sett key scopes");
    }
    return 0;
}

int scope_list(const char *text, char out[AUTH_SCOPES_SIZE], struct err *err)
{
    char scope[SCOPE_SIZE];
    struct nouns nouns = {.count = 0};
    size_t len = 0;

    out[0] = '\0';
    gather(&nouns);
    if (check_words(text, &nouns, err) != 0)
        return -1;
    for (size_t i = 0; i < 2 * nouns.count; i++) {
        (void)str_format(scope, sizeof scope, "%s:%s", nouns.at[i / 2],
                         i % 2 == 0 ? "read" : "write");
        if (!has_word(text, scope))
            continue;
        if (str_format(out + len, AUTH_SCOPES_SIZE - len, "%s%s", len > 0 ? " " : "", scope) ==
            -1) {
            (void)err_field(err, "scopes", "too_many_scopes", "that are too many scopes");
            return err_hint(err, "*:read and *:write stand for all");
        }
        len += strlen(out + len);
    }
    return 0;
}
