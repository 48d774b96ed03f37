/* Words that are searched for, in what is found and in the tenant whose it is. Apart from the pages
 * because not everything has words. */
#include "find.h"

#include "str.h"
#include "tenant_text.h"

/* The host of an address that was pasted. */
static void cut_to_host(char *text)
{
    char *host = strstr(text, "://");

    if (host == NULL)
        return;
    host += 3;
    host[strcspn(host, "/?#:")] = '\0';
    memmove(text, host, strlen(host) + 1);
}

void find_words_split(struct find_words *words, const char *text)
{
    char folded[320] = "";
    const char *at = folded;

    words->count = 0;
    fold_words(folded, sizeof folded, text);
    while (*at != '\0' && words->count < FIND_WORDS) {
        size_t len = strcspn(at, " ");

        if (str_copy_n(words->at[words->count], sizeof words->at[0], at, len) == 0)
            words->count++;
        at += len + (at[len] == ' ');
    }
}

void find_words_read(struct find_words *words, const char *q)
{
    char text[160];

    str_cut(text, sizeof text, q);
    cut_to_host(text);
    find_words_split(words, text);
}

int find_words_tenants(struct op_call *call, struct find_ids *ids, const struct table *table,
                       const char *word, struct err *err)
{
    const struct field *whose = fields_find(&table->fields, "tenant_id");
    char *match = calloc(1, table->fields.struct_size);
    struct tenant_text text;
    struct scan scan;
    int found = 0;

    if (match == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a search");
    if (scan_words(&scan, call->txn, &tenant_text_table, "words", word, err) != 0)
        found = -1;
    for (unsigned seen = 0; found >= 0 && !ids->over; seen++) {
        if ((found = scan_skim(&scan, &text, err)) != 1)
            break;
        ids->over = seen >= FIND_GATHER_MOST;
        memcpy(match + whose->offset, text.tenant_id, ID_SIZE);
        if (find_equal(call, ids, table, "tenant_id", match, err) != 0)
            found = -1;
    }
    free(match);
    return found < 0 ? -1 : 0;
}

int find_words_fit(struct op_call *call, const struct find_words *words, const char *own,
                   const char *tenant_id, struct err *err)
{
    struct tenant_text text = {.words = ""};
    bool read = tenant_id[0] == '\0';

    for (unsigned i = 0; i < words->count; i++) {
        if (fold_has(own, words->at[i]))
            continue;
        if (!read) {
            (void)str_copy(text.tenant_id, sizeof text.tenant_id, tenant_id);
            if (record_get(call->txn, &tenant_text_table, &text, err) < 0)
                return -1;
            read = true;
        }
        if (!fold_has(text.words, words->at[i]))
            return 0;
    }
    return 1;
}
