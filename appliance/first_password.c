/*
 * When the first password has served, its file goes: by the worker, which alone is awake and owns
 * it. Apart from the worker's main because the greeting and the setup speak of the same file.
 */
#include "first_password.h"

#include <unistd.h>

#include "file.h"
#include "log.h"
#include "str.h"
#include "user.h"

void first_password_path(const struct paths *p, char out[PATHS_SIZE + 32])
{
    (void)str_format(out, PATHS_SIZE + 32, "%s/admin-password",
                     p->root[0] == '\0' ? "/var/lib/sett" : p->root);
}

/* Return whether there is that admin; *${waits}: whether it has still to choose another. */
static bool admin(struct txn *txn, bool *waits)
{
    struct user user = {.name = "admin"};
    struct err ignored;
    bool there = record_find(txn, &user_table, "name", &user, &ignored) == 1;

    *waits = there && user.password_once;
    return there;
}

bool first_password_waits(struct txn *txn)
{
    bool waits;

    return admin(txn, &waits) && waits;
}

/* A setup that is under way has written the file, and made no admin yet. */
void first_password_tidy(const struct paths *p, struct db *db)
{
    char path[PATHS_SIZE + 32];
    bool there, waits;
    struct err err;
    struct txn *txn;

    first_password_path(p, path);
    if (p->root[0] != '\0' || !file_exists(path) || db_read(&txn, db, &err) == -1)
        return;
    there = admin(txn, &waits);
    db_read_end(txn);
    if (there && !waits && unlink(path) == 0)
        log_info("the first password was changed; its file is removed");
}
