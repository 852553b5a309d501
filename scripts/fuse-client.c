/*
 * The client of the transport benchmark: times system calls on one mount and prints a line "NAME MICROSECONDS" per
 * case. A case runs in batches of about 20 ms; the figure is the median batch, so that a stray wake-up does not count.
 *
 *   cc -O2 -o build/fuse-client scripts/fuse-client.c
 *   build/fuse-client DIR FILE          FILE is the name of a small control file, found in every directory
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BATCHES 41
#define BATCH_US 20000.0

static const char *file;
static int held;
static char text[4096];

static void must(int ok, const char *what) {
    if (ok) return;
    fprintf(stderr, "fuse-client: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void reread(void) { must(pread(held, text, sizeof text, 0) >= 0, "pread"); }

static void rewrite(void) { must(pwrite(held, "7\n", 2, 0) == 2, "pwrite"); }

static void open_read_close(void) {
    int fd = open(file, O_RDONLY);
    must(fd >= 0 && read(fd, text, sizeof text) >= 0, "open, read");
    close(fd);
}

static void open_write_close(void) {
    int fd = open(file, O_WRONLY | O_TRUNC);
    must(fd >= 0 && write(fd, "7\n", 2) == 2, "open, write");
    close(fd);
}

static void make_remove(void) { must(!mkdir("bench", 0755) && !rmdir("bench"), "mkdir, rmdir"); }

static void list(void) {
    struct stat st;
    struct dirent *entry;
    DIR *dir = opendir(".");
    must(dir != NULL, "opendir");
    while ((entry = readdir(dir))) must(!lstat(entry->d_name, &st), "lstat");
    closedir(dir);
}

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b) { return *(double *)a < *(double *)b ? -1 : 1; }

static void measure(const char *name, void (*step)(void)) {
    double batch[BATCHES], start = now_us();
    int rounds = 0;
    while (now_us() - start < 10 * BATCH_US) step(), rounds++; /* Warms up, and tells how long a batch is. */
    rounds = rounds / 10 + 1;
    for (int i = 0; i < BATCHES; i++) {
        start = now_us();
        for (int j = 0; j < rounds; j++) step();
        batch[i] = (now_us() - start) / rounds;
    }
    qsort(batch, BATCHES, sizeof *batch, ascending);
    printf("%s %.2f\n", name, batch[BATCHES / 2]);
}

int main(int argc, char **argv) {
    must(argc == 3 && !chdir(argv[1]), "usage: fuse-client DIR FILE");
    file = argv[2];
    held = open(file, O_RDWR);
    must(held >= 0, file);
    measure("pread", reread);
    measure("pwrite", rewrite);
    measure("open+read+close", open_read_close);
    measure("open+write+close", open_write_close);
    measure("mkdir+rmdir", make_remove);
    measure("readdir+lstat", list);
    return 0;
}
