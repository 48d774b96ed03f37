/* Whether the hands are where they were. Apart from what they do there: this comes before all of
 * it.
 */
#include "hands_machine.h"

#include <sys/stat.h>

#include "log.h"
#include "str.h"

/* What the worker says, if it is the worker who says it. */
static bool vouched(const struct paths *paths, uid_t worker, const char *machine)
{
    char path[PATHS_SIZE + 32], said[MACHINE_SIZE];
    struct stat st;

    return str_format(path, sizeof path, "%s/" MACHINE_VOUCHED, paths->run) == 0 &&
           lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == worker &&
           machine_read(path, said) == 1 && str_equal(said, machine);
}

int hands_machine_known(const struct paths *paths, uid_t worker, struct err *err)
{
    char path[PATHS_SIZE + 32], machine[MACHINE_SIZE], known[MACHINE_SIZE];

    if (str_format(path, sizeof path, "%s/" MACHINE_KNOWN, paths->root) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", paths->root);
    if (machine_id(paths, machine) == 0)
        return 1;
    if (machine_read(path, known) == 1) {
        if (str_equal(known, machine))
            return 1;
        if (!vouched(paths, worker, machine))
            return 0;
        log_info("this machine is the box's from now on");
    }
    return machine_write(path, machine, err) == -1 ? -1 : 1;
}
