/*
 * The client of the transport benchmark: times system calls on several mounts in turns and prints a line
 * "CASE MICROSECONDS ..." per case, one figure per mount. Turns, because a virtual machine's speed drifts by more than
 * what is to be measured. All cases run for a while before the first is timed: a server in JavaScript is compiled while
 * it runs, on the same CPU. A batch takes about 20 ms; the figure is the median batch.
 *
 *   cc -O2 -o build/fuse-client scripts/fuse-client.c
 *   build/fuse-client FILE DIR...          FILE is the name of a small control file, found in every directory
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

#define BATCHES 51
#define BATCH_US 20e3
#define WARM_UP_US 1e6
#define DIRS 4

static const char *file;
static int held[DIRS], fd_here;
static char text[4096];

static void must(int ok, const char *what) {
    if (ok) return;
    fprintf(stderr, "fuse-client: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void reread(void) { must(pread(fd_here, text, sizeof text, 0) >= 0, "pread"); }

static void rewrite(void) { must(pwrite(fd_here, "7\n", 2, 0) == 2, "pwrite"); }

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

static const struct {
    const char *name;
    void (*step)(void);
} cases[] = {
    {"pread", reread},
    {"pwrite", rewrite},
    {"open+read+close", open_read_close},
    {"open+write+close", open_write_close},
    {"mkdir+rmdir", make_remove},
    {"readdir+lstat", list},
};
#define CASES (int)(sizeof cases / sizeof *cases)

static void enter(const char *dir, int i) {
    must(!chdir(dir), dir);
    fd_here = held[i];
}

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

/* How many rounds take so long. */
static int rounds_in(double us, void (*step)(void)) {
    double start = now_us();
    int rounds = 0;
    do step(), rounds++;
    while (now_us() - start < us);
    return rounds;
}

static double per_round(int rounds, void (*step)(void)) {
    double start = now_us();
    for (int i = 0; i < rounds; i++) step();
    return (now_us() - start) / rounds;
}

static int ascending(const void *a, const void *b) { return *(double *)a < *(double *)b ? -1 : 1; }

static void measure(int c, int dirs, char **dir) {
    double batch[DIRS][BATCHES];
    int rounds[DIRS];
    for (int d = 0; d < dirs; d++) {
        enter(dir[d], d);
        rounds[d] = rounds_in(BATCH_US, cases[c].step);
    }
    for (int b = 0; b < BATCHES; b++)
        for (int d = 0; d < dirs; d++) {
            enter(dir[d], d);
            batch[d][b] = per_round(rounds[d], cases[c].step);
        }
    printf("%s", cases[c].name);
    for (int d = 0; d < dirs; d++) {
        qsort(batch[d], BATCHES, sizeof **batch, ascending);
        printf(" %.2f", batch[d][BATCHES / 2]);
    }
    printf("\n");
}

int main(int argc, char **argv) {
    int dirs = argc - 2;
    char **dir = argv + 2;
    must(dirs > 0 && dirs <= DIRS, "usage: fuse-client FILE DIR...");
    file = argv[1];
    for (int d = 0; d < dirs; d++) {
        must(!chdir(dir[d]), dir[d]);
        held[d] = open(file, O_RDWR);
        must(held[d] >= 0, file);
        enter(dir[d], d);
        for (int c = 0; c < CASES; c++) rounds_in(WARM_UP_US, cases[c].step);
    }
    for (int c = 0; c < CASES; c++) measure(c, dirs, dir);
    return 0;
}
