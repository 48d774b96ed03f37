/* A vault that is a folder of an SSH server: OpenSSH's own, on a port of this machine, started here
 * with keys made here. What is cut off is gone on with, what is another host is not spoken to. */
#include "place_world.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "place_sftp.h"
#include "sftp.h"

#define SIZE (600u * 1024u)

struct world {
    char folder[64], vault[96], host_key[80], key[4096];
    pid_t sshd;
    unsigned port;
};

/* A way to the server that breaks after so many bytes: once, then it is whole. */
struct breaking {
    int listener;
    unsigned port, to;
    atomic_long cut_after; /* bytes towards the server; 0: never */
    pthread_t thread;
};

static int run(char *const argv[])
{
    extern char **environ;
    int status = -1;
    pid_t pid;

    return posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) == 0 &&
                   waitpid(pid, &status, 0) == pid
               ? status
               : -1;
}

static unsigned free_port(int *listener)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    if (listener != NULL) {
        assert_int_equal(listen(fd, 16), 0);
        *listener = fd;
    } else {
        (void)close(fd);
    }
    return ntohs(a.sin_port);
}

static int reach(unsigned port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static void make_key(const char *folder, const char *name)
{
    char path[128];
    char *argv[] = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path, NULL};

    (void)str_format(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(run(argv), 0);
}

/* SHA-256 of the key itself: the second word of the public file, from base64. */
static void fingerprint(const char *folder, const char *name, char out[80])
{
    char path[128], line[512], raw[256], print[64];
    uint8_t hash[32];
    size_t len = 0;
    char *word;
    FILE *f;

    (void)str_format(path, sizeof path, "%s/%s.pub", folder, name);
    assert_non_null(f = fopen(path, "re"));
    assert_non_null(fgets(line, sizeof line, f));
    (void)fclose(f);
    assert_non_null(word = strchr(line, ' '));
    word++;
    word[strcspn(word, " \n")] = '\0';
    assert_int_equal(sodium_base642bin((unsigned char *)raw, sizeof raw, word, strlen(word), NULL,
                                       &len, NULL, sodium_base64_VARIANT_ORIGINAL),
                     0);
    (void)crypto_hash_sha256(hash, (const unsigned char *)raw, len);
    (void)sodium_bin2base64(print, sizeof print, hash, sizeof hash,
                            sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    (void)str_format(out, 80, "SHA256:%s", print);
}

static void read_key(struct world *w)
{
    char path[128];
    FILE *f;
    size_t n;

    (void)str_format(path, sizeof path, "%s/client", w->folder);
    assert_non_null(f = fopen(path, "re"));
    n = fread(w->key, 1, sizeof w->key - 1, f);
    w->key[n] = '\0';
    (void)fclose(f);
}

static int setup(void **state)
{
    static struct world w;
    char conf[1200], path[128], from[128];
    char *argv[] = {"/usr/sbin/sshd", "-D", "-q", "-f", path, NULL};
    char *copy[] = {"cp", from, path, NULL};
    extern char **environ;
    int64_t until;
    int fd;

    assert_true(sodium_init() >= 0);
    (void)str_copy(w.folder, sizeof w.folder, "/tmp/sett-sftp-XXXXXX");
    assert_non_null(mkdtemp(w.folder));
    (void)str_format(w.vault, sizeof w.vault, "%s/vault", w.folder);
    assert_int_equal(mkdir(w.vault, 0700), 0);
    (void)mkdir("/run/sshd", 0755); /* it wants that, and never uses it */
    make_key(w.folder, "host");
    make_key(w.folder, "client");
    make_key(w.folder, "stranger");
    (void)str_format(from, sizeof from, "%s/client.pub", w.folder);
    (void)str_format(path, sizeof path, "%s/authorized", w.folder);
    assert_int_equal(run(copy), 0);
    fingerprint(w.folder, "host", w.host_key);
    read_key(&w);
    w.port = free_port(NULL);
    (void)str_format(conf, sizeof conf,
                     "ListenAddress 127.0.0.1:%u\nHostKey %s/host\nAuthorizedKeysFile "
                     "%s/authorized\nPidFile none\nStrictModes no\nUsePAM no\n"
                     "PasswordAuthentication no\nPermitRootLogin yes\nMaxStartups 100\n"
                     "Subsystem sftp internal-sftp\n",
                     w.port, w.folder, w.folder);
    (void)str_format(path, sizeof path, "%s/sshd.conf", w.folder);
    assert_int_equal(file_write(path, conf, strlen(conf), 0600, NULL), 0);
    assert_int_equal(posix_spawn(&w.sshd, argv[0], NULL, NULL, argv, environ), 0);
    until = clock_mono_ms() + 20000;
    while ((fd = reach(w.port)) == -1 && clock_mono_ms() < until)
        clock_sleep_ms(20);
    assert_true(fd != -1);
    (void)close(fd);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    char *argv[] = {"rm", "-r", w->folder, NULL};

    (void)kill(w->sshd, SIGTERM);
    (void)waitpid(w->sshd, NULL, 0);
    return run(argv);
}

static struct vault_place vault_of(const struct world *w, unsigned port)
{
    struct vault_place v = {.kind = VAULT_SFTP};
    const char *user = getenv("USER");

    (void)str_format(v.address, sizeof v.address, "sftp://%s@127.0.0.1:%u%s",
                     geteuid() == 0 || user == NULL ? "root" : user, port, w->vault);
    (void)str_copy(v.host_key, sizeof v.host_key, w->host_key);
    return v;
}

static void open_vault(struct place *p, const struct vault_place *v, const char *secret)
{
    struct err err = {0};

    if (place_sftp(p, v, secret, 3, &err) == -1)
        fail_msg("%s", err.text);
}

static void put(struct place *p, const char *name, int fd, size_t size)
{
    struct err err = {0};
    uint64_t told = 0;

    if (p->put(p->self, name, fd, size, place_told, &told, &err) == -1)
        fail_msg("%s: %s", err.code, err.text);
}

static unsigned files_in(const char *folder)
{
    DIR *dir = opendir(folder);
    unsigned count = 0;
    struct dirent *d;

    assert_non_null(dir);
    while ((d = readdir(dir)) != NULL)
        count += d->d_name[0] != '.';
    (void)closedir(dir);
    return count;
}

static void test_put_get_list_remove(void **state)
{
    struct world *w = *state;
    struct vault_place v = vault_of(w, w->port);
    int small = place_file_of(1000, 1), large = place_file_of(SIZE, 2);
    struct err err = {0};
    struct place p;

    open_vault(&p, &v, w->key);
    put(&p, "sett-a.sett", small, 1000);
    put(&p, "sett-b.sett", large, SIZE);
    put(&p, "other", small, 1000);
    place_same(&p, "sett-b.sett", large, SIZE, 0);
    place_same(&p, "sett-b.sett", large, SIZE, 70000);
    assert_int_equal(place_list_of(&p, "sett-").count, 2);
    assert_int_equal(place_list_of(&p, "sett-").bytes, SIZE + 1000);
    assert_int_equal(files_in(w->vault), 3);
    /* Again is fine, something else is not, and what is there stays. */
    put(&p, "sett-a.sett", small, 1000);
    assert_int_equal(p.put(p.self, "sett-a.sett", large, 1000, NULL, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_CORRUPT);
    assert_int_equal(p.put(p.self, "sett-a.sett", large, SIZE, NULL, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    place_same(&p, "sett-a.sett", small, 1000, 0);
    assert_int_equal(p.remove(p.self, "sett-b.sett", &err), 0);
    assert_int_equal(p.remove(p.self, "sett-b.sett", &err), 0);
    assert_int_equal(p.get(p.self, "sett-b.sett", 0, large, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    (void)close(small);
    (void)close(large);
    place_free(&p);
}

static void test_another_host(void **state)
{
    struct world *w = *state;
    struct vault_place v = vault_of(w, w->port);
    int fd = place_file_of(1000, 3);
    unsigned before = files_in(w->vault);
    struct err err = {0};
    struct place p;

    fingerprint(w->folder, "stranger", v.host_key);
    open_vault(&p, &v, w->key);
    assert_int_equal(p.put(p.self, "x", fd, 1000, NULL, NULL, &err), -1);
    assert_string_equal(err.code, "sftp_host_key");
    assert_int_equal(err.kind, ERR_FORBIDDEN);
    place_free(&p);
    (void)str_copy(v.host_key, sizeof v.host_key, "");
    assert_int_equal(place_sftp(&p, &v, w->key, 0, &err), -1);
    assert_string_equal(err.field, "host_key");
    assert_int_equal(files_in(w->vault), before);
    (void)close(fd);
}

static void test_another_key(void **state)
{
    struct world *w = *state;
    struct vault_place v = vault_of(w, w->port);
    int fd = place_file_of(1000, 4);
    char own[4096], name[96];
    struct err err = {0};
    struct place p;

    (void)str_copy(own, sizeof own, w->key);
    (void)str_format(name, sizeof name, "%s/client", w->folder);
    open_vault(&p, &v,
               "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n");
    assert_int_equal(p.put(p.self, "x", fd, 1000, NULL, NULL, &err), -1);
    assert_string_equal(err.code, "sftp_login");
    place_free(&p);
    open_vault(&p, &v, "a password");
    assert_int_equal(p.put(p.self, "x", fd, 1000, NULL, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_FORBIDDEN);
    place_free(&p);
    (void)close(fd);
}

static void test_no_folder_no_server(void **state)
{
    struct world *w = *state;
    struct vault_place v = vault_of(w, w->port);
    int fd = place_file_of(1000, 5);
    struct err err = {0};
    struct place p;

    (void)str_format(v.address + strlen(v.address), sizeof v.address - strlen(v.address), "/none");
    open_vault(&p, &v, w->key);
    assert_int_equal(p.put(p.self, "x", fd, 1000, NULL, NULL, &err), -1);
    if (err.kind != ERR_NOT_FOUND)
        fail_msg("%s: %s", err.code, err.text);
    place_free(&p);
    v = vault_of(w, 9);
    open_vault(&p, &v, w->key);
    assert_int_equal(p.put(p.self, "x", fd, 1000, NULL, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_NETWORK);
    place_free(&p);
    (void)close(fd);
}

/* ---- a way that breaks ---- */

static void carry(struct breaking *b, int here, int there)
{
    struct pollfd fds[2] = {{.fd = here, .events = POLLIN}, {.fd = there, .events = POLLIN}};
    long sent = 0, cut = atomic_load(&b->cut_after);
    char block[16384];

    for (;;) {
        if (poll(fds, 2, 20000) <= 0)
            return;
        for (int i = 0; i < 2; i++)
            if (fds[i].revents != 0) {
                ssize_t n = read(fds[i].fd, block, sizeof block);
                if (n <= 0 || file_write_all(fds[1 - i].fd, block, (size_t)n) == -1)
                    return;
                sent += i == 0 ? n : 0;
                if (cut != 0 && sent >= cut) {
                    atomic_store(&b->cut_after, 0);
                    return;
                }
            }
    }
}

static void *breaking_main(void *arg)
{
    struct breaking *b = arg;
    int here;

    while ((here = accept(b->listener, NULL, NULL)) != -1) {
        int there = reach(b->to);
        if (there != -1) {
            carry(b, here, there);
            (void)close(there);
        }
        (void)close(here);
    }
    return NULL;
}

/* Broken at many points of what is sent, in the handshake too; and the file is there whole. */
static void test_cut_everywhere(void **state)
{
    struct world *w = *state;
    struct breaking b = {.to = w->port};
    int fd = place_file_of(SIZE, 6);
    struct vault_place v;

    b.port = free_port(&b.listener);
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pthread_create(&b.thread, NULL, breaking_main, &b), 0);
    v = vault_of(w, b.port);
    for (long cut = 500; cut < SIZE; cut += 150001) {
        char name[32];
        struct place p;
        (void)str_format(name, sizeof name, "cut-%ld", cut);
        atomic_store(&b.cut_after, cut);
        open_vault(&p, &v, w->key);
        put(&p, name, fd, SIZE);
        assert_int_equal(atomic_load(&b.cut_after), 0);
        place_free(&p);
        v = vault_of(w, w->port);
        open_vault(&p, &v, w->key);
        place_same(&p, name, fd, SIZE, 0);
        place_free(&p);
        v = vault_of(w, b.port);
    }
    (void)shutdown(b.listener, SHUT_RDWR);
    (void)close(b.listener);
    (void)pthread_join(b.thread, NULL);
    (void)close(fd);
}

/* Half a file that is not ours, or too long a one, is seen when it is read back. */
static void test_strange_part(void **state)
{
    struct world *w = *state;
    struct vault_place v = vault_of(w, w->port);
    int fd = place_file_of(SIZE, 7);
    struct err err = {0};
    char path[160], junk[3000] = "junk";
    struct place p;

    open_vault(&p, &v, w->key);
    (void)str_format(path, sizeof path, "%s/strange.part", w->vault);
    assert_int_equal(file_write(path, junk, sizeof junk, 0600, NULL), 0);
    assert_int_equal(p.put(p.self, "strange", fd, SIZE, NULL, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_CORRUPT);
    assert_int_equal(place_list_of(&p, "strange").count, 0);
    put(&p, "strange", fd, SIZE); /* the junk is gone */
    (void)str_format(path, sizeof path, "%s/short.part", w->vault);
    assert_int_equal(file_write(path, junk, sizeof junk, 0600, NULL), 0);
    put(&p, "short", fd, 1000);
    place_same(&p, "short", fd, 1000, 0);
    (void)close(fd);
    place_free(&p);
}

static void test_addresses(void **state)
{
    static const char *const bad[] = {"",
                                      "sftp://host/path",
                                      "sftp://user@host",
                                      "http://u@h/p",
                                      "sftp://user:pw@host/p",
                                      "sftp://u@h/a b",
                                      "sftp://u@h/../x",
                                      "sftp://u@h/a//b",
                                      "sftp://@h/x"};
    struct world *w = *state;
    struct vault_place v = vault_of(w, w->port);
    struct err err = {0};
    struct place p;
    char key[64];

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)str_copy(v.address, sizeof v.address, bad[i]);
        if (place_sftp(&p, &v, "x", 0, &err) == 0)
            fail_msg("%s is taken", bad[i]);
        assert_string_equal(err.field, "address");
    }
    assert_int_equal(sftp_host_key("SHA256:short", key), -1);
    assert_int_equal(
        sftp_host_key("sha256:0000000000000000000000000000000000000000000000000000000000000000",
                      key),
        0);
    assert_string_equal(key, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),           cmocka_unit_test(test_put_get_list_remove),
        cmocka_unit_test(test_another_host),        cmocka_unit_test(test_another_key),
        cmocka_unit_test(test_no_folder_no_server), cmocka_unit_test(test_cut_everywhere),
        cmocka_unit_test(test_strange_part),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
