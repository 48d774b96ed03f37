/* The page sett.conf(5). Apart from the commands' pages because it is made of other tables: the
 * settings, and the keys that programs read by themselves. */
#include "manual.h"

#include "conf_key.h"
#include "setting.h"
#include "str.h"

static const char intro[] =
    ".SH NAME\nsett.conf \\- configuration of a sett box\n.SH SYNOPSIS\n.I /etc/sett/sett.conf\n"
    ".SH DESCRIPTION\nNothing has to stand in this file. What can be changed while the box runs "
    "is a setting: it is set in the admin or by\n.BR sett\\-setting (1),\nkept in the store, and "
    "there overrules what this file says, which in turn overrules the default.\n.B sett config "
    "show\ntells which of the three won. The box reads this file when its programs begin and "
    "never writes it.\n.PP\nIt is an INI file. A section begins with a line [NAME], and a key is "
    "a line NAME = VALUE. A comment is a line of its own that begins with # or ;. A value ends "
    "with its line and may hold any of = : # ; so that a command stands as it is; blanks around "
    "it are cut. A flag is true or false. The setting\n.B box.domain\nis the key\n.B domain\nin "
    "the section\n.BR [box] .\nA section or key that nobody knows is an error.\n"
    ".SH \"KEYS OF THE PROGRAMS\"\nThese have no place in the store: a program wants them before "
    "there is one, or must not take them from it. They hold from the next start of sett\\-front, "
    "sett\\-worker or sett\\-hands on.\n";

static const char tail[] =
    ".SH SECRETS\nTokens and passwords never stand here. They are sealed in the store, by\n.B sett "
    "secret set NAME \\-\\-value\\-file FILE\n(see\n.BR sett\\-secret (1)):\n";

static const char ending[] =
    ".SH EXAMPLE\n.nf\n[box]\ndomain = example.com\nurl = https://sett.example.com\n\n[web]\n"
    "pid = /run/nginx.pid\ntest = /usr/sbin/nginx \\-t \\-q\n.fi\n"
    ".SH \"SEE ALSO\"\n.BR sett (1),\n.BR sett\\-setting (1),\n.BR sett\\-blueprint (5)\n";

static void sentence(struct buf *out, const char *text)
{
    manual_text(out, text);
    (void)buf_text(out, ".\n");
}

static void entry(struct buf *out, const char *name)
{
    (void)buf_text(out, ".TP\n.B ");
    manual_text(out, name);
    (void)buf_text(out, "\n");
}

static void section(struct buf *out, const char *name, char *last, size_t size)
{
    char now[64];

    if (str_copy_n(now, sizeof now, name, strcspn(name, ".")) == -1 || str_equal(now, last))
        return;
    (void)str_copy(last, size, now);
    (void)buf_format(out, ".SS [%s]\n", now);
}

static void setting(struct buf *out, const struct setting_row *row)
{
    const char *unit = setting_unit(row);

    entry(out, strchr(row->name, '.') + 1);
    sentence(out, row->help);
    if (row->choices != NULL) {
        (void)buf_text(out, "One of: ");
        for (const char *p = row->choices; *p != '\0'; p++)
            (void)buf_text(out, (const char[3]){*p, *p == ',' ? ' ' : '\0', '\0'});
        (void)buf_text(out, ".\n");
    } else if (row->type == FIELD_U64) {
        (void)buf_format(out, "A number from %llu to %llu%s%s.\n", (unsigned long long)row->min,
                         (unsigned long long)row->max, unit[0] == '\0' ? "" : " ", unit);
    }
    if (row->otherwise[0] != '\0') {
        (void)buf_text(out, "Default: ");
        manual_text(out, row->otherwise);
        (void)buf_text(out, "\n");
    }
}

void manual_conf(const char *date, struct buf *out)
{
    char last[64] = "";

    (void)buf_format(out, ".TH SETT.CONF 5 \"%s\" \"sett %s\" \"sett\"\n", date, SETT_VERSION);
    (void)buf_text(out, intro);
    for (const struct conf_key *key = conf_keys; key->section != NULL; key++) {
        section(out, key->section, last, sizeof last);
        entry(out, key->name);
        sentence(out, key->help);
        if (key->otherwise[0] != '\0') {
            (void)buf_text(out, "Default: ");
            manual_text(out, key->otherwise);
            (void)buf_text(out, "\n");
        }
    }
    (void)buf_text(out, ".SH SETTINGS\n");
    last[0] = '\0';
    for (size_t i = 0; i < setting_row_count; i++) {
        section(out, setting_rows[i].name, last, sizeof last);
        setting(out, &setting_rows[i]);
    }
    (void)buf_text(out, tail);
    for (size_t i = 0; i < secret_row_count; i++) {
        entry(out, secret_rows[i].name);
        sentence(out, secret_rows[i].help);
    }
    (void)buf_text(out, ending);
}
