/*
 * sett-restore: the commands of sett that read snapshots. A program of its own because it is linked
 * with libarchive, and because it alone puts one tree in the place of another.
 */
#include <sodium.h>

#include "cli.h"
#include "restore.h"
#include "str.h"

int main(int argc, char **argv)
{
    if (argc == 2 && str_equal(argv[1], RESTORE_CHILD))
        return sodium_init() == -1 ? 1 : restore_stage_child();
    return cli_main(argc, argv, restore_commands);
}
