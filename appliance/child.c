/*
 * Programs that are run to their end, with what they said. Apart because a failure of any of them
 * has to be told the same way: by its own last words, not by a code.
 */
#include "child.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process_launch.h"
#include "str.h"

#define SAID_MAX 262144
#define OURS     "sett: " /* how our own programs begin a complaint */

/* The line in which one of ours says what is wrong, and its remedy below it; else, with ${hint}
 * NULL, the last that says anything. */
static const char *last_words(struct buf *b, const char **hint)
{
    char *text = b->data == NULL ? NULL : str_trim(b->data), *line, *ours = NULL, *end;

    *hint = NULL;
    if (text == NULL || text[0] == '\0')
        return "it said nothing";
    for (line = text; line != NULL; line = (line = strchr(line, '\n')) == NULL ? NULL : line + 1)
        if (str_starts(line, OURS))
            ours = line + strlen(OURS);
    if (ours == NULL)
        return (line = strrchr(text, '\n')) == NULL ? text : line + 1;
    *hint = "";
    if ((end = strchr(ours, '\n')) != NULL) {
        *end = '\0';
        if (end[1] == ' ')
            *hint = str_trim(end + 1);
    }
    return ours;
}

/* One of ours speaks for itself; of others it is said who they are. */
static int complain(const char *const *argv, struct buf *out, struct err *err)
{
    const char *hint, *said = last_words(out, &hint);

    if (hint == NULL)
        return err_set(err, ERR_UNAVAILABLE, "command_failed", "%s%s%s: %.300s", argv[0],
                       argv[1] == NULL ? "" : " ", argv[1] == NULL ? "" : argv[1], said);
    (void)err_set(err, ERR_UNAVAILABLE, "command_failed", "%.300s", said);
    return hint[0] == '\0' ? -1 : err_hint(err, "%s", hint);
}

int child_run(const char *const *argv, uint32_t timeout_s, struct buf *out, struct err *err)
{
    struct process_plan *plan = calloc(1, sizeof *plan);
    int code = 0, rc = -1;

    if (plan == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to run %s", argv[0]);
    (void)str_copy(plan->name, sizeof plan->name, "command");
    plan->inherit = true;
    if (process_plan_args(plan, (char *const *)(uintptr_t)argv) == -1)
        (void)err_set(err, ERR_INVALID, "arguments", "the arguments of %s do not fit", argv[0]);
    else if (process_run(plan, timeout_s, out, &code, err) == 0)
        rc = code == 0 ? 0 : complain(argv, out, err);
    free(plan);
    return rc;
}

int child_quiet(const char *const *argv, uint32_t timeout_s, struct err *err)
{
    struct buf out;
    int rc;

    buf_init(&out, SAID_MAX);
    rc = child_run(argv, timeout_s, &out, err);
    buf_free(&out);
    return rc;
}

int child_sett(const struct cli *cli, const char *const *words, uint32_t timeout_s, struct buf *out,
               struct err *err)
{
    const char *argv[CHILD_WORDS];
    char self[PATHS_SIZE];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    size_t n = 0;

    if (len <= 0)
        return err_sys(err, "own_path", errno, "cannot find this program itself");
    self[len] = '\0';
    argv[n++] = self;
    if (cli->paths.root[0] != '\0') {
        argv[n++] = "--root";
        argv[n++] = cli->paths.root;
    }
    argv[n++] = "--no-input";
    for (; *words != NULL; words++) {
        if (n + 1 == CHILD_WORDS)
            return err_set(err, ERR_INTERNAL, "too_many", "too many words for a command");
        argv[n++] = *words;
    }
    argv[n] = NULL;
    return child_run(argv, timeout_s, out, err);
}

bool child_knows(const struct cli *cli, const char *noun, const char *verb)
{
    for (const struct cli_command *c = cli->commands; c->noun != NULL; c++)
        if (str_equal(c->noun, noun) &&
            (c->verb == NULL ? verb == NULL : verb != NULL && str_equal(c->verb, verb)))
            return true;
    return false;
}
