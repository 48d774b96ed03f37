/*
 * sett-restore: the commands of sett that read snapshots. A program of its own because it is linked
 * with libarchive, and because it alone puts one tree in the place of another.
 */
#include <sodium.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "cli.h"
#include "restore.h"
#include "str.h"

int main(int argc, char **argv)
{
    const struct rlimit none = {0, 0}; /* the recovery secret is in our memory */

    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
    if (argc == 2 && str_equal(argv[1], RESTORE_CHILD))
        return sodium_init() == -1 ? 1 : restore_stage_child();
    return cli_main(argc, argv, restore_commands);
}
