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

bool first_password_waits(struct txn *txn)
{
    struct user user = {.name = "admin"};
    struct err ignored;

    return record_find(txn, &user_table, "name", &user, &ignored) == 1 && user.password_once;
}

void first_password_tidy(const struct paths *p, struct db *db)
{
    char path[PATHS_SIZE + 32];
    struct err err;
    struct txn *txn;
    bool waits;

    first_password_path(p, path);
    if (p->root[0] != '\0' || !file_exists(path) || db_read(&txn, db, &err) == -1)
        return;
    waits = first_password_waits(txn);
    db_read_end(txn);
    if (!waits && unlink(path) == 0)
        log_info("the first password was changed; its file is removed");
}
