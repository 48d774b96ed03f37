/* The pages of the commands. Apart from --help because a page has an order, quoting and neighbours
 * of its own; both say what the rows say. */
#include "manual.h"

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "noun.h"
#include "str.h"

/* A backslash, a minus, a leading dot and some quotes mean something to roff. */
void manual_text(struct buf *out, const char *text)
{
    bool begins = true;

    for (; *text != '\0'; text++) {
        if (begins && (*text == '.' || *text == '\''))
            (void)buf_text(out, "\\&");
        begins = *text == '\n';
        if (*text == '\\')
            (void)buf_text(out, "\\e");
        else if (*text == '-')
            (void)buf_text(out, "\\-");
        else if (*text == '~')
            (void)buf_text(out, "\\(ti");
        else if (*text == '^')
            (void)buf_text(out, "\\(ha");
        else if (*text == '`')
            (void)buf_text(out, "\\(ga");
        else
            (void)buf_byte(out, *text);
    }
}

/* A sentence of a row: it has no point at its end. */
static void sentence(struct buf *out, const char *text)
{
    manual_text(out, text);
    (void)buf_text(out, str_ends(text, ".") ? "\n" : ".\n");
}

static void head(struct buf *out, const char *name, const char *date, const char *about)
{
    char upper[80];

    (void)str_copy(upper, sizeof upper, name);
    for (char *p = upper; *p != '\0'; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
    (void)buf_text(out, ".TH \"");
    manual_text(out, upper);
    (void)buf_format(out, "\" 1 \"%s\" \"sett %s\" \"sett\"\n.SH NAME\n", date, SETT_VERSION);
    manual_text(out, name);
    (void)buf_text(out, " \\- ");
    manual_text(out, about);
    (void)buf_text(out, "\n");
}

/* The command's line, as .SY would be: words in bold, the rest as it is. */
static void usage(const struct command *c, struct buf *out)
{
    struct buf line;

    (void)buf_text(out, ".B sett ");
    manual_text(out, c->words);
    (void)buf_text(out, "\n");
    buf_init(&line, 8192);
    if (c->op != NULL) {
        help_usage(c->op, &line);
        const char *rest = buf_string(&line) + strlen("sett ") + strlen(c->words);
        manual_text(out, rest + strspn(rest, " "));
        (void)buf_text(out, *rest == '\0' ? "" : "\n");
    } else if (c->own->usage != NULL && c->own->usage[0] != '\0') {
        /* Lines of a form of its own begin with "sett" again. */
        for (const char *p = c->own->usage; *p != '\0'; p++) {
            if (str_starts(p, "\n       sett "))
                (void)buf_text(&line, "\n.br\n");
            if (*p != '\n' && !(*p == ' ' && p[1] == ' '))
                (void)buf_byte(&line, *p);
        }
        for (const char *p = buf_string(&line); *p != '\0';) {
            const char *end = strstr(p, "\n.br\n");
            char part[2048];
            size_t len = end == NULL ? strlen(p) : (size_t)(end - p);
            if (str_copy_n(part, sizeof part, p, len) == 0)
                manual_text(out, str_trim(part));
            (void)buf_text(out, end == NULL ? "\n" : "\n.br\n");
            p += len + (end == NULL ? 0 : strlen("\n.br\n"));
        }
    }
    buf_free(&line);
}

static void slot_text(const struct command_slot *slot, struct buf *out)
{
    (void)buf_text(out, ".TP\n");
    if (slot->option) {
        (void)buf_text(out, ".BI \"");
        manual_text(out, slot->name);
        if (slot->value[0] != '\0') {
            (void)buf_text(out, " \" \"");
            manual_text(out, slot->value);
        }
        (void)buf_text(out, "\"\n");
    } else {
        (void)buf_text(out, ".I ");
        manual_text(out, slot->name);
        (void)buf_text(out, "\n");
    }
    sentence(out, slot->help);
    if (strchr(slot->kind, ',') != NULL) {
        (void)buf_text(out, "One of:");
        for (const char *p = slot->kind; *p != '\0'; p += strcspn(p, ","), p += *p == ',') {
            char word[64];
            if (str_copy_n(word, sizeof word, p, strcspn(p, ",")) == -1)
                continue;
            (void)buf_text(out, p == slot->kind ? " " : ", ");
            manual_text(out, word);
        }
        (void)buf_text(out, ".\n");
    }
}

static void example(const struct command *c, struct buf *out)
{
    const char *text = c->op != NULL ? c->op->example : c->own->example;

    if (text == NULL || text[0] == '\0')
        return;
    (void)buf_text(out, ".PP\n.RS 4\n.nf\n.B sett ");
    manual_text(out, c->words);
    (void)buf_text(out, " ");
    manual_text(out, text);
    (void)buf_text(out, "\n.fi\n.RE\n");
}

static void command(const struct command *c, struct command_slot *slots, struct buf *out)
{
    size_t n = command_slots(c, slots);

    (void)buf_text(out, ".SS sett ");
    manual_text(out, c->words);
    (void)buf_text(out, "\n");
    sentence(out, c->help);
    for (size_t i = 0; i < n; i++)
        if (slots[i].help[0] != '\0')
            slot_text(&slots[i], out);
    if (c->op != NULL) {
        (void)buf_format(out, ".PP\nOver the API it needs the role %s.", role_names[c->op->role]);
        if (c->op->flags & OP_JOB)
            (void)buf_text(out, " It starts a job: \\-\\-dry\\-run shows its steps and changes "
                                "nothing, \\-\\-wait watches them.");
        if (c->op->flags & OP_PREVIEW)
            (void)buf_text(out, " \\-\\-dry\\-run says what it would do and changes nothing.");
        if (c->op->flags & OP_VERDICT)
            (void)buf_text(out, " It exits 1 when something is wrong.");
        if (c->op->flags & OP_PARTIAL)
            (void)buf_text(out, " It exits 7 when some could not be done.");
        (void)buf_text(out, "\n");
    }
    example(c, out);
}

static const char *about(const struct command *c)
{
    const struct noun_row *row = noun_find(c->noun);

    return row != NULL ? row->about : c->help;
}

bool manual_noun(const char *noun, const struct help_command *more, const char *date,
                 struct buf *out)
{
    struct command_slot *slots = calloc(COMMAND_SLOTS, sizeof *slots);
    struct command c;
    char name[80];
    bool any = false;

    for (size_t i = 0; slots != NULL && command_at(more, i, &c); i++) {
        if (!str_equal(c.noun, noun))
            continue;
        if (!any) {
            (void)str_format(name, sizeof name, "sett-%s", noun);
            head(out, name, date, about(&c));
            (void)buf_text(out, ".SH SYNOPSIS\n");
        }
        (void)buf_text(out, any ? ".br\n" : "");
        usage(&c, out);
        any = true;
    }
    if (any)
        (void)buf_text(out, ".SH COMMANDS\n");
    for (size_t i = 0; any && command_at(more, i, &c); i++)
        if (str_equal(c.noun, noun))
            command(&c, slots, out);
    if (any)
        (void)buf_text(out, ".SH \"SEE ALSO\"\n.BR sett (1)\nfor options and exit codes that all "
                            "commands have in common,\n.BR sett.conf (5),\n.BR sett\\-errors "
                            "(7)\n");
    free(slots);
    return any;
}

static const struct {
    const char *name, *text;
} options[] =
    {
        {"--root FOLDER", "The box below this folder, in place of the system's"},
        {"--json, -o table|json|plain",
         "The form of the answer: json is the API's own objects, plain "
         "has tabs between columns and no heads"},
        {"-q, --quiet", "Ids alone"},
        {"--dry-run", "Say what would be done, and do nothing; refused where that cannot be said"},
        {"--wait, --no-wait",
         "Watch the job that a command starts until it ends, or do not. On a "
         "terminal it is watched unless told otherwise; Ctrl-C ends the watching "
         "and not the job"},
        {"--timeout SECONDS", "How long it is watched"},
        {"--confirm=NAME", "The name of what is to be removed, in place of being asked for it"},
        {"--no-input", "Never ask; fail where an answer would be needed"},
        {"--no-color",
         "No colours; also with NO_COLOR in the environment, or where standard output is "
         "no terminal"},
        {"-h, --help", "What a command takes, with an example"},
        {"--version", "The version"},
},
  codes[] =
      {
          {"0", "Done"},
          {"1", "Failed; also a check that found a fault"},
          {"2", "The command line is wrong"},
          {"3", "What was named is not there"},
          {"4", "Not allowed"},
          {"5", "In conflict with what is"},
          {"6", "Timed out waiting; the job goes on"},
          {"7", "Some of many could not be done"},
          {"130", "Interrupted; a job goes on"},
},
  environment[] =
      {
          {"SETT_ROOT", "The folder of --root, where none is given"},
          {"NO_COLOR", "No colours, whatever it holds"},
},
  files[] = {
      {"/etc/sett/sett.conf", "Configuration, see sett.conf(5)"},
      {"/etc/sett/blueprints/NAME.conf", "How tenants are made, see sett-blueprint(5)"},
      {"/etc/sett/mail/", "Templates of letters in place of the box's own, see sett-mail(5)"},
      {"/var/lib/sett/live/db/", "The store, see sett-store(5)"},
      {"/var/lib/sett/live/keys/", "The box's keys"},
      {"/var/lib/sett/live/tenants/", "What tenants' programs keep"},
      {"/var/backups/sett/", "Snapshots of a vault on this machine, see sett-snapshot(5)"},
      {"/run/sett/", "Sockets"},
};

#define LIST(out_, title_, rows_)                                                                  \
    do {                                                                                           \
        (void)buf_text(out_, ".SH " title_ "\n");                                                  \
        for (size_t i_ = 0; i_ < sizeof(rows_) / sizeof(rows_)[0]; i_++) {                         \
            (void)buf_text(out_, ".TP\n.B ");                                                      \
            manual_text(out_, (rows_)[i_].name);                                                   \
            (void)buf_text(out_, "\n");                                                            \
            sentence(out_, (rows_)[i_].text);                                                      \
        }                                                                                          \
    } while (0)

void manual_main(const struct help_command *more, const char *date, struct buf *out)
{
    struct command c;

    head(out, "sett", date, "one box that sells and runs software");
    (void)buf_text(out,
                   ".SH SYNOPSIS\n.B sett\n[\\-\\-root FOLDER] NOUN [VERB] [ARGUMENTS] "
                   "[OPTIONS]\n.br\n.B sett\nNOUN VERB \\-\\-help\n.SH DESCRIPTION\nA customer "
                   "pays, and an address of their own answers from a program that is theirs "
                   "alone; when they stop paying it goes away again.\n.B sett\nspeaks to the box "
                   "on this machine, as root or as its user; what it does is done by the same "
                   "operations that the web admin and the HTTP API call, and stands in the same "
                   "audit.\n.PP\nAnswers go to standard output, progress and errors to standard "
                   "error. Secrets are never given in words of a command: an option \\-\\-"
                   "\\fINAME\\fR\\-file takes a private file, or \\- for standard input. Whatever "
                   "is named by ID can be named by its id, its number or its name.\n"
                   ".SH COMMANDS\nEach has a page of its own: sett\\-\\fINOUN\\fR(1).\n");
    for (size_t i = 0; command_at(more, i, &c); i++) {
        if (!command_first(more, i))
            continue;
        (void)buf_text(out, ".TP\n.BR \"sett\\-");
        manual_text(out, c.noun);
        (void)buf_text(out, "\" (1)\n");
        sentence(out, about(&c));
    }
    LIST(out, "OPTIONS", options);
    LIST(out, "\"EXIT STATUS\"", codes);
    LIST(out, "ENVIRONMENT", environment);
    LIST(out, "FILES", files);
    (void)buf_text(out,
                   ".SH EXAMPLES\n.nf\n.B sett tenant create globex \\-\\-plan demo \\-\\-wait\n"
                   ".B sett tenant list \\-\\-q \"ann acme\" \\-\\-state active,failed\n"
                   ".B sett system attention\n.B sett snapshot create\n.fi\n"
                   ".SH \"SEE ALSO\"\n.BR sett.conf (5),\n.BR sett\\-blueprint (5),\n"
                   ".BR sett\\-errors (7),\n.BR sett\\-front (8),\n.BR sett\\-worker (8),\n"
                   ".BR sett\\-hands (8),\n.BR sett\\-restore (8),\n.BR sett\\-send (8)\n");
}
