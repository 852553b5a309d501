/*
 * The floor the transport is measured against: a libfuse 3 low-level server in C with the shape of a cgroup tree and
 * no model behind it. Directories can be made and removed; each holds FILES small files of which text can be read and
 * written. It plays by the same rules as mount/fuse: one thread, names and attributes valid for 3600 s, contents never
 * cached (direct I/O, no flush), plain directory reading, the checks of mode and owner left to the kernel.
 *
 *   cc -O2 -o build/c-floor scripts/c-floor.c $(pkg-config --cflags --libs fuse3)
 *   build/c-floor -f -o fsname=c-floor,allow_other,default_permissions DIR
 */
#define FUSE_USE_VERSION 312
#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILES 35        /* Interface files per directory: a v2 cgroup with memory and pids. */
#define TEXT 128        /* Room for one file's text. */
#define LIFETIME 3600.0 /* Seconds the kernel may keep a name or attributes. */

/* A node number is the directory's first number plus 0 for itself or 1 + the file's index. */
#define BLOCK (FILES + 1)

struct dir {
    fuse_ino_t ino;
    struct dir *parent, *first, *next;
    mode_t mode;
    uid_t uid;
    gid_t gid;
    time_t born;
    unsigned children;
    unsigned long lookups;
    int dead;
    char name[256];
    struct {
        int length;
        char bytes[TEXT];
    } text[FILES];
};

struct reader {
    struct dir *dir;
    int file, length;
    char bytes[TEXT];
};

static char names[FILES][32];
static struct dir **dirs; /* By block number. */
static size_t blocks, room;

static fuse_ino_t first_ino(size_t block) { return FUSE_ROOT_ID + block * BLOCK; }

static struct dir *owner(fuse_ino_t ino) {
    size_t block = (ino - FUSE_ROOT_ID) / BLOCK;
    return block < blocks ? dirs[block] : NULL;
}

static int file_index(fuse_ino_t ino) { return (int)((ino - FUSE_ROOT_ID) % BLOCK) - 1; }

static struct dir *make_dir(struct dir *parent, const char *name, mode_t mode, uid_t uid, gid_t gid) {
    struct dir *dir = calloc(1, sizeof *dir);
    if (blocks == room) {
        room = room ? room * 2 : 64;
        dirs = realloc(dirs, room * sizeof *dirs);
    }
    dir->ino = first_ino(blocks);
    dirs[blocks++] = dir;
    dir->mode = S_IFDIR | mode;
    dir->uid = uid;
    dir->gid = gid;
    dir->born = time(NULL);
    snprintf(dir->name, sizeof dir->name, "%s", name);
    for (int i = 0; i < FILES; i++) dir->text[i].length = sprintf(dir->text[i].bytes, "%d\n", 67108864 + i);
    if ((dir->parent = parent)) {
        dir->next = parent->first;
        parent->first = dir;
        parent->children++;
    }
    return dir;
}

static void drop_if_unused(struct dir *dir) {
    if (!dir->dead || dir->lookups) return;
    dirs[(dir->ino - FUSE_ROOT_ID) / BLOCK] = NULL;
    free(dir);
}

static void attributes(struct dir *dir, fuse_ino_t ino, struct stat *st) {
    int file = file_index(ino);
    memset(st, 0, sizeof *st);
    st->st_ino = ino;
    st->st_mode = file < 0 ? dir->mode : (S_IFREG | 0644);
    st->st_nlink = file < 0 ? 2 + dir->children : 1;
    st->st_uid = dir->uid;
    st->st_gid = dir->gid;
    st->st_blksize = 4096;
    st->st_atime = st->st_mtime = st->st_ctime = dir->born;
}

static void entry_of(struct dir *dir, fuse_ino_t ino, struct fuse_entry_param *entry) {
    memset(entry, 0, sizeof *entry);
    entry->ino = ino;
    entry->attr_timeout = entry->entry_timeout = LIFETIME;
    attributes(dir, ino, &entry->attr);
    dir->lookups++;
}

static void floor_lookup(fuse_req_t req, fuse_ino_t parent, const char *name) {
    struct dir *dir = owner(parent), *child;
    struct fuse_entry_param entry;
    fuse_ino_t found = 0;
    if (!dir || dir->dead) return (void)fuse_reply_err(req, ENOENT);
    for (int i = 0; i < FILES && !found; i++)
        if (!strcmp(names[i], name)) found = dir->ino + 1 + i;
    for (child = dir->first; child && !found; child = child->next)
        if (!strcmp(child->name, name)) found = child->ino;
    if (!found) return (void)fuse_reply_err(req, ENOENT);
    entry_of(owner(found), found, &entry);
    fuse_reply_entry(req, &entry);
}

static void floor_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count) {
    struct dir *dir = owner(ino);
    if (dir) {
        dir->lookups -= count;
        drop_if_unused(dir);
    }
    fuse_reply_none(req);
}

static void floor_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
    struct stat st;
    (void)fi;
    attributes(owner(ino), ino, &st);
    fuse_reply_attr(req, &st, LIFETIME);
}

static void floor_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *change, int valid, struct fuse_file_info *fi) {
    (void)change, (void)valid;
    floor_getattr(req, ino, fi);
}

static void floor_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode) {
    struct dir *dir = owner(parent);
    struct fuse_entry_param entry;
    const struct fuse_ctx *who = fuse_req_ctx(req);
    if (!dir || dir->dead) return (void)fuse_reply_err(req, ENOENT);
    for (struct dir *child = dir->first; child; child = child->next)
        if (!strcmp(child->name, name)) return (void)fuse_reply_err(req, EEXIST);
    dir = make_dir(dir, name, mode, who->uid, who->gid);
    entry_of(dir, dir->ino, &entry);
    fuse_reply_entry(req, &entry);
}

static void floor_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name) {
    struct dir *dir = owner(parent), **link = &dir->first, *gone;
    while (*link && strcmp((*link)->name, name)) link = &(*link)->next;
    if (!(gone = *link)) return (void)fuse_reply_err(req, ENOENT);
    if (gone->first) return (void)fuse_reply_err(req, EBUSY);
    *link = gone->next;
    dir->children--;
    gone->dead = 1;
    drop_if_unused(gone);
    fuse_reply_err(req, 0);
}

static void floor_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
    struct reader *reader;
    if (!owner(ino) || owner(ino)->dead) return (void)fuse_reply_err(req, ENODEV);
    reader = malloc(sizeof *reader);
    reader->dir = owner(ino);
    reader->file = file_index(ino);
    reader->length = 0;
    fi->fh = (uintptr_t)reader;
    fi->direct_io = 1;
    fi->noflush = 1;
    fuse_reply_open(req, fi);
}

static void floor_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi) {
    (void)ino;
    free((void *)(uintptr_t)fi->fh);
    fuse_reply_err(req, 0);
}

/* As seq_file does: the text is made at offset 0 and kept for the offsets that follow. */
static void floor_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi) {
    struct reader *reader = (void *)(uintptr_t)fi->fh;
    size_t left;
    (void)ino;
    if (offset == 0) {
        if (reader->dir->dead) return (void)fuse_reply_err(req, ENODEV);
        reader->length = reader->dir->text[reader->file].length;
        memcpy(reader->bytes, reader->dir->text[reader->file].bytes, reader->length);
    }
    left = offset < reader->length ? (size_t)(reader->length - offset) : 0;
    fuse_reply_buf(req, reader->bytes + offset, left < size ? left : size);
}

static void floor_write(fuse_req_t req, fuse_ino_t ino, const char *from, size_t size, off_t offset,
                        struct fuse_file_info *fi) {
    struct reader *reader = (void *)(uintptr_t)fi->fh;
    (void)ino, (void)offset;
    if (reader->dir->dead) return (void)fuse_reply_err(req, ENODEV);
    if (size > TEXT) return (void)fuse_reply_err(req, E2BIG);
    memcpy(reader->dir->text[reader->file].bytes, from, size);
    reader->dir->text[reader->file].length = size;
    fuse_reply_write(req, size);
}

/* Offsets: 1 and 2 are `.` and `..`, 3 … the files, then the node numbers of the child directories, newest first. */
static void read_directory(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, int plus) {
    struct dir *dir = owner(ino), *child = dir->first;
    char *buffer = malloc(size);
    size_t used = 0;
    for (off_t at = offset; used < size;) {
        struct fuse_entry_param entry;
        struct dir *of = dir;
        const char *name;
        fuse_ino_t number;
        off_t next;
        size_t need;
        if (at < 2) name = at ? ".." : ".", number = dir->ino, next = at + 1;
        else if (at < 2 + FILES) name = names[at - 2], number = dir->ino + at - 1, next = at + 1;
        else {
            while (at > 2 + FILES && child && child->ino >= (fuse_ino_t)at - 2 - FILES) child = child->next;
            if (!child) break;
            of = child, name = child->name, number = child->ino, next = 2 + FILES + child->ino;
        }
        memset(&entry, 0, sizeof entry);
        attributes(of, number, &entry.attr);
        if (plus && at >= 2) {
            entry.ino = number;
            entry.attr_timeout = entry.entry_timeout = LIFETIME;
        }
        need = plus ? fuse_add_direntry_plus(req, buffer + used, size - used, name, &entry, next)
                    : fuse_add_direntry(req, buffer + used, size - used, name, &entry.attr, next);
        if (need > size - used) break;
        if (plus && at >= 2) of->lookups++;
        used += need;
        at = next;
    }
    fuse_reply_buf(req, buffer, used);
    free(buffer);
}

static void floor_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi) {
    (void)fi;
    read_directory(req, ino, size, offset, 0);
}

static void floor_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi) {
    (void)fi;
    read_directory(req, ino, size, offset, 1);
}

static void floor_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size) {
    (void)ino, (void)name, (void)size;
    fuse_reply_err(req, ENODATA);
}

/* As the transport asks for it: an open with O_TRUNC is one request. Splicing costs more than it gains at this size. */
static void floor_init(void *data, struct fuse_conn_info *conn) {
    (void)data;
    conn->want |= conn->capable & FUSE_CAP_ATOMIC_O_TRUNC;
    conn->want &= ~(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE | FUSE_CAP_READDIRPLUS_AUTO |
                    FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_ASYNC_READ | FUSE_CAP_ASYNC_DIO);
}

static const struct fuse_lowlevel_ops operations = {
    .init = floor_init,
    .lookup = floor_lookup,
    .forget = floor_forget,
    .getattr = floor_getattr,
    .setattr = floor_setattr,
    .mkdir = floor_mkdir,
    .rmdir = floor_rmdir,
    .open = floor_open,
    .release = floor_release,
    .read = floor_read,
    .write = floor_write,
    .readdir = floor_readdir,
    .readdirplus = floor_readdirplus,
    .getxattr = floor_getxattr,
};

int main(int argc, char **argv) {
    struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
    struct fuse_cmdline_opts options;
    struct fuse_session *session;
    int status;
    for (int i = 2; i < FILES; i++) snprintf(names[i], sizeof names[i], "floor.file%02d", i);
    strcpy(names[0], "memory.current");
    strcpy(names[1], "memory.high");
    make_dir(NULL, "", 0755, getuid(), getgid());
    if (fuse_parse_cmdline(&args, &options) || !options.mountpoint) return 2;
    session = fuse_session_new(&args, &operations, sizeof operations, NULL);
    if (!session || fuse_set_signal_handlers(session) || fuse_session_mount(session, options.mountpoint)) return 1;
    status = fuse_session_loop(session);
    fuse_session_unmount(session);
    fuse_remove_signal_handlers(session);
    fuse_session_destroy(session);
    return status ? 1 : 0;
}
