/*
 * `sett greeting`: for the console, and for whoever signs in to the machine itself: where the box
 * is reached, and what it waits for. It asks the store each time, so that a password which was used
 * is not shown, and says what it can when the store does not open.
 */
#include "greeting.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "box_move.h"
#include "file.h"
#include "first_password.h"
#include "setting.h"
#include "setup_state.h"
#include "str.h"

/* ---- where ---- */

static void add(struct greeting_addresses *a, const struct sockaddr *at)
{
    const struct sockaddr_in6 *six = (const void *)at;
    const struct sockaddr_in *four = (const void *)at;
    char text[INET6_ADDRSTRLEN];

    if (a->count == GREETING_ADDRESSES)
        return;
    if (at->sa_family == AF_INET) {
        if (inet_ntop(AF_INET, &four->sin_addr, text, sizeof text) != NULL)
            (void)str_copy(a->at[a->count++], sizeof a->at[0], text);
    } else if (!IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr) && !IN6_IS_ADDR_LOOPBACK(&six->sin6_addr)) {
        if (inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text) != NULL)
            (void)str_format(a->at[a->count++], sizeof a->at[0], "[%s]", text);
    }
}

void greeting_addresses(struct greeting_addresses *a)
{
    static const int families[] = {AF_INET, AF_INET6};
    struct ifaddrs *all, *i;

    a->count = 0;
    if (getifaddrs(&all) == -1)
        return;
    for (size_t f = 0; f < sizeof families / sizeof families[0]; f++)
        for (i = all; i != NULL; i = i->ifa_next)
            if (i->ifa_addr != NULL && i->ifa_addr->sa_family == families[f] &&
                (i->ifa_flags & IFF_UP) != 0 && (i->ifa_flags & IFF_LOOPBACK) == 0)
                add(a, i->ifa_addr);
    freeifaddrs(all);
}

/* ---- what it waits for ---- */

struct box {
    char name[512], url[512], host[128];
    bool there, hidden, needed, once;
    enum box_place place;
};

static void look(struct cli *cli, struct box *box)
{
    struct err ignored = {0};
    struct box_move move;
    struct txn *txn;

    memset(box, 0, sizeof *box);
    if (cli_open(cli, &ignored) == -1 || db_read(&txn, cli->box.db, &ignored) == -1) {
        box->hidden = ignored.kind == ERR_FORBIDDEN;
        return;
    }
    box->there = true;
    (void)setting_text(txn, &cli->box.conf, "box.name", box->name, sizeof box->name, &ignored);
    if (setting_text(txn, &cli->box.conf, "box.url", box->url, sizeof box->url, &ignored) ==
        SETTING_DEFAULT)
        box->url[0] = '\0';
    box->needed = setup_needed(txn, &ignored) == 1;
    box->once = first_password_waits(txn);
    if (box_move_get(txn, &move, &ignored) == 0) {
        box->place = (enum box_place)move.place;
        (void)str_copy(box->host, sizeof box->host, move.host);
    }
    db_read_end(txn);
}

static bool read_password(const struct cli *cli, char *out, size_t size)
{
    char path[PATHS_SIZE + 32];
    struct err ignored;
    struct buf b;
    bool got;

    first_password_path(&cli->paths, path);
    buf_init(&b, 512);
    got = file_read(path, &b, &ignored) == 0 && b.data != NULL &&
          str_copy(out, size, str_trim(b.data)) == 0 && out[0] != '\0';
    if (b.data != NULL)
        sodium_memzero(b.data, b.cap);
    buf_free(&b);
    return got;
}

bool greeting_first_password(struct cli *cli, char *out, size_t size)
{
    struct box box;

    look(cli, &box);
    return box.once && read_password(cli, out, size);
}

/* ---- the words ---- */

/* The addresses of a console's greeting are put in by agetty, which follows them as they change. */
static void say_addresses(const struct box *box, bool issue)
{
    struct greeting_addresses a;

    if (box->url[0] != '\0')
        printf("  %s/admin\n", box->url);
    if (issue) {
        printf("  https://\\4/admin\n");
        return;
    }
    greeting_addresses(&a);
    for (unsigned i = 0; i < a.count; i++)
        if (!str_starts(box->url, "https://") || !str_equal(box->url + strlen("https://"), a.at[i]))
            printf("  https://%s/admin\n", a.at[i]);
    if (a.count == 0 && box->url[0] == '\0')
        printf("  no address yet: the network gave none\n");
}

static void say_state(const struct cli *cli, const struct box *box)
{
    char password[160];

    if (box->hidden)
        printf("More is for root: sudo sett greeting\n");
    else if (!box->there)
        printf("There is no box here yet: sett init makes it.\n");
    else if (box->place == BOX_COPIED)
        printf("THIS MACHINE IS A COPY of the one that the box lives on%s%s. Nothing is started.\n"
               "  The other one is off, and stays off:  sett box identify moved\n"
               "  This is to be a box of its own:       sett box identify second\n",
               box->host[0] == '\0' ? "" : ", ", box->host);
    else if (box->place == BOX_LEFT || box->place == BOX_LEAVING || box->place == BOX_STILL)
        printf("This box has gone to another machine, and does nothing here: sett box show\n");
    else if (box->once && read_password(cli, password, sizeof password)) {
        printf("This box is new. Sign in as  admin  with the first password  %s\n"
               "It is good for choosing your own, and for nothing else.\n",
               password);
        sodium_memzero(password, sizeof password);
    } else if (box->needed)
        printf("This box is not set up yet: sign in as admin, and go on.\n");
}

int cli_greeting(struct cli *cli, int argc, char **argv, struct err *err)
{
    bool issue = argc == 1 && str_equal(argv[0], "--issue");
    struct box box;

    if (argc > 0 && !issue)
        return err_field(err, "argument", "usage", "usage: sett greeting [--issue]");
    look(cli, &box);
    printf("\nsett %s%s%s%s\n", SETT_VERSION, box.name[0] == '\0' ? "" : ": ", box.name,
           issue ? "  (\\n)" : "");
    say_addresses(&box, issue);
    say_state(cli, &box);
    printf("\n");
    return 0;
}
