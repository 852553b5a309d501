/*
 * The client of scripts/bench: times system calls on several trees in turns and prints a line
 * "CASE MICROSECONDS ..." per case, one figure per tree. Turns, because a virtual machine's speed drifts by more than
 * what is to be measured. All cases run for a while before the first is timed: a server in JavaScript is compiled while
 * it runs, on the same CPU. A batch takes about 20 ms; the figure is the median batch. bench-client.ts is the same
 * where there is no C compiler.
 *
 *   cc -O2 -o build/bench-client scripts/bench-client.c
 *   build/bench-client DIR READ WRITE [DIR READ WRITE]...     the directory, and the names of two files in it
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
#define TREES 4
#define VALUE "1G\n"

static struct tree {
    const char *dir, *to_read, *to_write;
    int held;
} trees[TREES], *here;
static char text[4096];

static void must(int ok, const char *what) {
    if (ok) return;
    fprintf(stderr, "bench-client: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void reread(void) { must(pread(here->held, text, sizeof text, 0) > 0, "pread"); }

static void open_read_close(void) {
    int fd = open(here->to_read, O_RDONLY);
    must(fd >= 0 && read(fd, text, sizeof text) > 0, "open, read");
    close(fd);
}

static void open_write_close(void) {
    int fd = open(here->to_write, O_WRONLY | O_TRUNC);
    must(fd >= 0 && write(fd, VALUE, strlen(VALUE)) == (ssize_t)strlen(VALUE), "open, write");
    close(fd);
}

static void status(void) {
    struct stat st;
    must(!stat(here->to_read, &st), "stat");
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
    {"re-read", reread},
    {"open+read+close", open_read_close},
    {"open+write+close", open_write_close},
    {"stat", status},
    {"mkdir+rmdir", make_remove},
    {"ls -l", list},
};
#define CASES (int)(sizeof cases / sizeof *cases)

static void enter(struct tree *tree) {
    must(!chdir(tree->dir), tree->dir);
    here = tree;
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

static void measure(int c, int count) {
    double batch[TREES][BATCHES];
    int rounds[TREES];
    for (int t = 0; t < count; t++) {
        enter(&trees[t]);
        rounds[t] = rounds_in(BATCH_US, cases[c].step);
    }
    for (int b = 0; b < BATCHES; b++)
        for (int t = 0; t < count; t++) {
            enter(&trees[t]);
            batch[t][b] = per_round(rounds[t], cases[c].step);
        }
    printf("%s", cases[c].name);
    for (int t = 0; t < count; t++) {
        qsort(batch[t], BATCHES, sizeof **batch, ascending);
        printf("\t%.2f", batch[t][BATCHES / 2]);
    }
    printf("\n");
}

int main(int argc, char **argv) {
    int count = (argc - 1) / 3;
    if (count < 1 || count > TREES || argc != 1 + 3 * count) {
        fprintf(stderr, "usage: bench-client DIR READ WRITE [DIR READ WRITE]...\n");
        return 2;
    }
    for (int t = 0; t < count; t++) {
        trees[t] = (struct tree){argv[1 + 3 * t], argv[2 + 3 * t], argv[3 + 3 * t], -1};
        enter(&trees[t]);
        must((here->held = open(here->to_read, O_RDONLY)) >= 0, here->to_read);
        for (int c = 0; c < CASES; c++) rounds_in(WARM_UP_US, cases[c].step);
    }
    for (int c = 0; c < CASES; c++) measure(c, count);
    return 0;
}
