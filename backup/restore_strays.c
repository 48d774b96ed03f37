/*
 * Files of tenants that the store does not know. The store's copy is the first thing in a snapshot,
 * so a tenant that was made while the rest was packed has files in it, and no record. Restored,
 * they would wait for whoever is given that number next.
 */
#include "restore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "schema.h"
#include "str.h"
#include "tenant.h"

static int drop(struct txn *txn, const char *folder, uint32_t *count, struct err *err)
{
    DIR *dir = opendir(folder);
    struct tenant tenant = {0};
    char path[PATHS_SIZE + 300];
    struct dirent *d;
    int rc = 0;

    if (dir == NULL)
        return errno == ENOENT ? 0 : err_sys(err, "restore_strays", errno, folder);
    while (rc == 0 && (d = readdir(dir)) != NULL) {
        struct stat st;

        if (str_u64(d->d_name, 1, UINT64_MAX, &tenant.number) == -1)
            continue;
        if ((rc = record_find(txn, &tenant_table, "number", &tenant, err)) != 0) {
            rc = rc == 1 ? 0 : -1;
            continue;
        }
        (void)str_format(path, sizeof path, "%s/%s", folder, d->d_name);
        if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
            rc = file_remove_tree(path, err);
        else if (unlinkat(dirfd(dir), d->d_name, 0) == -1)
            rc = err_sys(err, "restore_strays", errno, path);
        (*count)++;
    }
    (void)closedir(dir);
    return rc;
}

int restore_strays(struct txn *txn, const char *staging, uint32_t *count, struct err *err)
{
    static const char *const folders[] = {"tenants", "databases"};
    char path[PATHS_SIZE + 32];

    *count = 0;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        (void)str_format(path, sizeof path, "%s/%s", staging, folders[i]);
        if (drop(txn, path, count, err) == -1)
            return -1;
    }
    return 0;
}
