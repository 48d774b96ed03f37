/*
 * Instructions for customers, in tables: a way and a language a row. They speak to somebody who has
 * never changed a name server, name no registrar, and say what is easily lost (DNSSEC, mail).
 */
#include "custom_domain_text.h"

#include <stdlib.h>
#include <string.h>

#include "custom_domain_note.h"
#include "idn.h"
#include "setting.h"
#include "str.h"

const char *const custom_domain_languages[] = {"en", "es", "de", NULL};

/* {domain} the domain, {registrable} what is registered, {servers} the name servers, {days} until
 * they must be there. */
/* A sentence is a row, not a column. */
/* clang-format off */
static const struct text {
    uint32_t via;
    const char *language, *title;
    const char *steps[DOMAIN_STEPS_MAX];
} texts[] = {
    {DOMAIN_VIA_ZONE,
     "en",
     "Lead {domain} to us by its name servers",
     {("Before anything else, switch DNSSEC off for {registrable} where the domain is "
       "registered, and wait until the DS record is gone (up to a day). Otherwise the domain "
       "cannot be reached after the change."),
      ("If you receive mail at {registrable}, or use other names below it, tell us its present "
       "DNS records first. The change of name servers replaces them all."),
      ("Sign in where you registered the domain, and open the settings for name servers (also "
       "called nameservers, DNS servers or delegation)."),
      "Remove all name servers that are entered there, and enter exactly these: {servers}",
      ("Save. It usually takes effect within some hours, at most within two days. We look by "
       "ourselves and write to you when it has."),
      ("Please do this within {days} days; after that the assignment of these name servers is "
       "void."),
      NULL}},
    {DOMAIN_VIA_ZONE,
     "es",
     "Dirija {domain} a nosotros mediante sus servidores de nombres",
     {("Antes de nada, desactive DNSSEC para {registrable} donde esté registrado el dominio y "
       "espere a que desaparezca el registro DS (hasta un día). De lo contrario, el dominio "
       "dejará de ser accesible tras el cambio."),
      ("Si recibe correo en {registrable} o usa otros nombres bajo él, comuníquenos primero "
       "sus registros DNS actuales. El cambio de servidores de nombres los sustituye todos."),
      ("Inicie sesión donde registró el dominio y abra los ajustes de los servidores de "
       "nombres (también llamados nameservers, servidores DNS o delegación)."),
      ("Elimine todos los servidores de nombres que figuren allí e introduzca exactamente "
       "estos: {servers}"),
      ("Guarde los cambios. Suelen surtir efecto en unas horas, a lo sumo en dos días. "
       "Nosotros lo comprobamos por nuestra cuenta y le escribimos cuando esté listo."),
      ("Le rogamos que lo haga en un plazo de {days} días; después, la asignación de estos "
       "servidores de nombres caduca."),
      NULL}},
    {DOMAIN_VIA_ZONE,
     "de",
     "Leiten Sie {domain} über die Nameserver zu uns",
     {("Schalten Sie zuallererst DNSSEC für {registrable} dort ab, wo die Domain registriert "
       "ist, und warten Sie, bis der DS-Eintrag verschwunden ist (bis zu einem Tag). Sonst ist "
       "die Domain nach der Umstellung nicht mehr erreichbar."),
      ("Falls Sie unter {registrable} E-Mails empfangen oder weitere Namen darunter nutzen, "
       "teilen Sie uns bitte zuerst die jetzigen DNS-Einträge mit. Der Wechsel der Nameserver "
       "ersetzt sie alle."),
      ("Melden Sie sich dort an, wo Sie die Domain registriert haben, und öffnen Sie die "
       "Einstellungen für Nameserver (auch DNS-Server oder Delegation genannt)."),
      ("Entfernen Sie alle dort eingetragenen Nameserver und tragen Sie genau diese ein: "
       "{servers}"),
      ("Speichern Sie. Das wirkt meist nach einigen Stunden, spätestens nach zwei Tagen. Wir "
       "sehen von selbst nach und schreiben Ihnen, sobald es so weit ist."),
      ("Bitte erledigen Sie das innerhalb von {days} Tagen; danach verfällt die Zuteilung "
       "dieser Nameserver."),
      NULL}},
    {DOMAIN_VIA_HOSTNAME,
     "en",
     "Lead {domain} to us and keep your DNS where it is",
     {"Sign in where the DNS of {registrable} is kept, and open its DNS records.",
      ("Enter the TXT records below first. They show that the domain is yours; nothing changes "
       "for your visitors yet."),
      ("Then enter the CNAME record for {domain}. Remove A, AAAA or CNAME records that this "
       "name already has. If {domain} has no label of its own before the registered domain, "
       "your provider must offer ALIAS, ANAME or a flattened CNAME for it."),
      "Leave the records in place for good: the certificate is renewed with their help.", NULL}},
    {DOMAIN_VIA_HOSTNAME,
     "es",
     "Dirija {domain} a nosotros y conserve su DNS donde está",
     {"Inicie sesión donde se gestione el DNS de {registrable} y abra sus registros DNS.",
      ("Introduzca primero los registros TXT indicados abajo. Demuestran que el dominio es "
       "suyo; para sus visitantes aún no cambia nada."),
      ("Después introduzca el registro CNAME para {domain}. Elimine los registros A, AAAA o "
       "CNAME que ese nombre ya tenga. Si {domain} no tiene una etiqueta propia ante el "
       "dominio registrado, su proveedor debe ofrecer ALIAS, ANAME o un CNAME aplanado."),
      "Deje los registros de forma permanente: el certificado se renueva con su ayuda.", NULL}},
    {DOMAIN_VIA_HOSTNAME,
     "de",
     "Leiten Sie {domain} zu uns und behalten Sie Ihr DNS, wo es ist",
     {("Melden Sie sich dort an, wo das DNS von {registrable} verwaltet wird, und öffnen Sie "
       "die DNS-Einträge."),
      ("Tragen Sie zuerst die unten genannten TXT-Einträge ein. Sie zeigen, dass die Domain "
       "Ihnen gehört; für Ihre Besucher ändert sich noch nichts."),
      ("Tragen Sie danach den CNAME-Eintrag für {domain} ein. Entfernen Sie A-, AAAA- oder "
       "CNAME-Einträge, die dieser Name bereits hat. Hat {domain} keinen eigenen Bestandteil "
       "vor der registrierten Domain, muss Ihr Anbieter dafür ALIAS, ANAME oder einen "
       "aufgelösten CNAME anbieten."),
      "Lassen Sie die Einträge dauerhaft stehen: Das Zertifikat wird mit ihrer Hilfe erneuert.",
      NULL}},
    {DOMAIN_VIA_LOCAL,
     "en",
     "Lead {domain} to us",
     {"Sign in where the DNS of {registrable} is kept, and open its DNS records.",
      "Enter the TXT record below first. It shows that the domain is yours.",
      ("Then enter the records that lead the names to us. Remove other A, AAAA or CNAME "
       "records of the same names. Mail (MX) and other records stay as they are."),
      "Leave the TXT record in place: we look at it every day.", NULL}},
    {DOMAIN_VIA_LOCAL,
     "es",
     "Dirija {domain} a nosotros",
     {"Inicie sesión donde se gestione el DNS de {registrable} y abra sus registros DNS.",
      "Introduzca primero el registro TXT indicado abajo. Demuestra que el dominio es suyo.",
      ("Después introduzca los registros que dirigen los nombres a nosotros. Elimine otros "
       "registros A, AAAA o CNAME de los mismos nombres. El correo (MX) y los demás registros "
       "quedan como están."),
      "Deje el registro TXT en su lugar: lo comprobamos cada día.", NULL}},
    {DOMAIN_VIA_LOCAL,
     "de",
     "Leiten Sie {domain} zu uns",
     {("Melden Sie sich dort an, wo das DNS von {registrable} verwaltet wird, und öffnen Sie "
       "die DNS-Einträge."),
      ("Tragen Sie zuerst den unten genannten TXT-Eintrag ein. Er zeigt, dass die Domain Ihnen "
       "gehört."),
      ("Tragen Sie danach die Einträge ein, die die Namen zu uns leiten. Entfernen Sie andere "
       "A-, AAAA- oder CNAME-Einträge derselben Namen. E-Mail (MX) und übrige Einträge "
       "bleiben, wie sie sind."),
      "Lassen Sie den TXT-Eintrag stehen: Wir sehen täglich nach.", NULL}},
};
/* clang-format on */

const char *custom_domain_language(const char *locale)
{
    for (size_t i = 0; custom_domain_languages[i] != NULL; i++)
        if (str_starts(locale, custom_domain_languages[i]) &&
            (locale[2] == '\0' || locale[2] == '-' || locale[2] == '_'))
            return custom_domain_languages[i];
    return custom_domain_languages[0];
}

/* ---- records ---- */

struct records {
    struct domain_record *at;
    unsigned count;
};

static void add(struct records *r, const char *type, const char *name, const char *value,
                const char *purpose)
{
    struct domain_record *record = &r->at[r->count];

    if (r->count == DOMAIN_RECORDS_MAX)
        return;
    memset(record, 0, sizeof *record);
    if (str_copy(record->type, sizeof record->type, type) == 0 &&
        str_copy(record->name, sizeof record->name, name) == 0 &&
        str_copy(record->value, sizeof record->value, value) == 0) {
        record->purpose = purpose;
        r->count++;
    }
}

static void add_proof(struct records *r, const struct custom_domain *d)
{
    char name[300], value[100];

    (void)str_format(name, sizeof name, DOMAIN_CHALLENGE_LABEL ".%s", d->name);
    (void)str_format(value, sizeof value, DOMAIN_CHALLENGE_PREFIX "%s", d->challenge);
    add(r, "TXT", name, value, "proof");
}

static void add_servers(struct records *r, const struct custom_domain *d)
{
    char one[256];

    for (const char *at = d->name_servers; *at != '\0'; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        if (str_copy_n(one, sizeof one, at, len) == 0)
            add(r, "NS", d->name, one, "lead");
        at += len;
    }
}

/* Lines of what the provider wants: "TXT name value". */
static void add_lines(struct records *r, const struct custom_domain *d)
{
    char line[900];

    for (const char *at = d->records; *at != '\0';) {
        size_t len = strcspn(at, "\n");
        char *type = line, *name, *value;

        if (str_copy_n(line, sizeof line, at, len) == 0 && (name = strchr(line, ' ')) != NULL &&
            (value = strchr(name + 1, ' ')) != NULL) {
            *name++ = '\0';
            *value++ = '\0';
            add(r, type, name, value, "certificate");
        }
        at += len;
        at += *at == '\n';
    }
}

static void add_addresses(struct records *r, const char *name, const char *addresses,
                          const char *target)
{
    char one[64];

    for (const char *at = addresses; *at != '\0'; at += strspn(at, " ,")) {
        size_t len = strcspn(at, " ,");
        if (str_copy_n(one, sizeof one, at, len) == 0)
            add(r, strchr(one, ':') != NULL ? "AAAA" : "A", name, one, "lead");
        at += len;
    }
    if (addresses[0] == '\0')
        add(r, "CNAME", name, target, "lead");
}

int custom_domain_records(struct txn *txn, const struct conf *conf, const struct custom_domain *d,
                          struct domain_record records[DOMAIN_RECORDS_MAX], unsigned *count,
                          struct err *err)
{
    struct records r = {.at = records};
    char target[256], addresses[512], www[300];

    if (custom_domain_target(txn, conf, d->via, target, sizeof target, err) == -1 ||
        setting_text(txn, conf, "domains.addresses", addresses, sizeof addresses, err) == -1)
        return -1;
    (void)str_format(www, sizeof www, "www.%s", d->name);
    if (d->via == DOMAIN_VIA_ZONE) {
        add_servers(&r, d);
    } else {
        add_proof(&r, d);
        if (d->via == DOMAIN_VIA_HOSTNAME) {
            add_lines(&r, d);
            add(&r, "CNAME", d->name, target, "lead");
        } else {
            add_addresses(&r, d->name, addresses, target);
            if (d->www)
                add(&r, "CNAME", www, d->name, "lead");
        }
    }
    *count = r.count;
    return 0;
}

/* ---- texts ---- */

struct fill {
    const char *name, *value;
};

static void fill_in(char *out, size_t size, const char *text, const struct fill *fills)
{
    size_t len = 0;

    out[0] = '\0';
    while (*text != '\0') {
        const struct fill *f = fills;

        while (f->name != NULL && !str_starts(text, f->name))
            f++;
        if (f->name == NULL) {
            if (len + 1 < size)
                out[len++] = *text;
            text++;
        } else {
            size_t more = strlen(f->value);
            if (len + more < size)
                memcpy(out + len, f->value, more), len += more;
            text += strlen(f->name);
        }
    }
    out[len < size ? len : size - 1] = '\0';
}

/* "ada.ns.cloudflare.com, bob.ns.cloudflare.com" */
static void list_servers(const struct custom_domain *d, char *out, size_t size)
{
    size_t len = 0;

    for (const char *c = d->name_servers; *c != '\0' && len + 2 < size; c++) {
        if (*c == ' ')
            out[len++] = ',';
        out[len++] = *c;
    }
    out[len] = '\0';
}

int custom_domain_instruct(struct txn *txn, const struct conf *conf, const struct custom_domain *d,
                           const char *language, struct domain_instructions *out, struct err *err)
{
    const struct text *text = NULL;
    char servers[500], days[16], registrable[512];
    uint64_t left = setting_u64(txn, conf, "domains.pending_days");
    int64_t now = txn_time_ms(txn);

    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && text == NULL; i++)
        if (texts[i].via == d->via && str_equal(texts[i].language, language))
            text = &texts[i];
    if (text == NULL)
        return err_field(err, "language", "bad_language", "language must be en, es or de");
    if (d->deadline_at > now)
        left = custom_domain_days_left(d, now);
    (void)str_format(days, sizeof days, "%llu", (unsigned long long)left);
    list_servers(d, servers, sizeof servers);
    idn_unicode(d->registrable, registrable, sizeof registrable);
    const struct fill fills[] = {{"{domain}", d->unicode},
                                 {"{registrable}", registrable},
                                 {"{servers}", servers},
                                 {"{days}", days},
                                 {NULL, NULL}};
    (void)str_copy(out->language, sizeof out->language, text->language);
    fill_in(out->title, sizeof out->title, text->title, fills);
    for (; text->steps[out->step_count] != NULL; out->step_count++)
        fill_in(out->steps[out->step_count], sizeof out->steps[0], text->steps[out->step_count],
                fills);
    return custom_domain_records(txn, conf, d, out->records, &out->record_count, err);
}

void custom_domain_instruct_text(const struct domain_instructions *i, struct buf *out)
{
    (void)buf_format(out, "%s\n\n", i->title);
    for (unsigned n = 0; n < i->step_count; n++)
        (void)buf_format(out, "%u. %s\n", n + 1, i->steps[n]);
    (void)buf_text(out, "\n");
    for (unsigned n = 0; n < i->record_count; n++)
        (void)buf_format(out, "%-5s  %s  %s\n", i->records[n].type, i->records[n].name,
                         i->records[n].value);
}
