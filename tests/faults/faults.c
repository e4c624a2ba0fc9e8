/* A disk that fails on demand, and remembers: preloaded before libc (LD_PRELOAD).

   Counts the calls that change what stands under one folder, and at one of them ends the
   process, lets half of a write through and ends it, returns an error (once, or from then on),
   or writes short; with FAULTS_NO_LINK in the environment, link(2) is never to be had. Each call that succeeded is noted with its data in a file descriptor, so
   that the disk as a power cut leaves it can be worked out afterwards (power.py).

   Armed by faults_arm(), or for the first process by the environment (FAULTS_ROOT, FAULTS_AT,
   FAULTS_MODE, FAULTS_ERRNO; FAULTS_COUNT names a file that gets the count at the end). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/time.h>
#include <unistd.h>

enum { COUNT, KILL, TORN, ERROR, ALWAYS, SHORT, NOLOCK };

static char root[PATH_MAX];
static size_t root_length;
static long at, count;
static int mode, error_number, note_to = -1, no_link;

void faults_arm(const char *folder, long call, int how, int number, int handle)
{
    strncpy(root, folder, sizeof root - 1);
    root_length = strlen(root);
    at = call, mode = how, error_number = number, note_to = handle, count = 0;
}

long faults_count(void) { return count; }

__attribute__((constructor)) static void from_environment(void)
{
    const char *folder = getenv("FAULTS_ROOT");
    no_link = getenv("FAULTS_NO_LINK") != NULL;
    if (!folder)
        return;
    faults_arm(folder, atol(getenv("FAULTS_AT")), atoi(getenv("FAULTS_MODE")),
               atoi(getenv("FAULTS_ERRNO")), -1);
    unsetenv("FAULTS_ROOT"); /* the first process alone: workers write nothing */
}

__attribute__((destructor)) static void at_exit(void)
{
    const char *file = getenv("FAULTS_COUNT");
    if (root_length && file) {
        int handle = syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        char text[32];
        int length = snprintf(text, sizeof text, "%ld\n", count);
        syscall(SYS_write, handle, text, length);
        syscall(SYS_close, handle);
    }
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

/* --- where a call points to ---------------------------------------------------------- */

static int inside(const char *path)
{
    return root_length && !strncmp(path, root, root_length) &&
           (path[root_length] == '/' || !path[root_length]);
}

static int of_handle(int handle, char *path)
{
    char link[64];
    path[0] = 0;
    if (!root_length)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = 0;
    return inside(path);
}

static int of_path(int folder, const char *name, char *path)
{
    path[0] = 0;
    if (!root_length || !name)
        return 0;
    if (name[0] == '/')
        snprintf(path, PATH_MAX, "%s", name);
    else if (folder == AT_FDCWD) {
        if (!getcwd(path, PATH_MAX))
            return 0;
        strncat(path, "/", PATH_MAX - strlen(path) - 1);
        strncat(path, name, PATH_MAX - strlen(path) - 1);
    } else {
        of_handle(folder, path);
        strncat(path, "/", PATH_MAX - strlen(path) - 1);
        strncat(path, name, PATH_MAX - strlen(path) - 1);
    }
    return inside(path);
}

/* --- what becomes of it -------------------------------------------------------------- */

static void end(void)
{
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;)
        pause();
}

enum { CHANGES, WRITES, TAKES_ROOM };

/* Counts a call; true if it is to fail with errno, which is set. */
static int fails(int what)
{
    count++;
    if (mode == ALWAYS && at && count >= at && what != CHANGES) {
        errno = error_number;
        return 1;
    }
    if (count != at)
        return 0;
    if (mode == KILL || (mode == TORN && what != WRITES))
        end();
    if (mode == ERROR) {
        errno = error_number;
        return 1;
    }
    return 0;
}

static int cut(void) { return count == at && (mode == TORN || mode == SHORT); }

/* One note: a line of numbers, then the paths and the data that it tells the lengths of. */
static void note(const char *kind, long inode, long offset, int bits, const char *path,
                 const char *other, const void *data, size_t length)
{
    if (note_to < 0)
        return;
    int kept = errno;
    char head[256];
    size_t first = path ? strlen(path) : 0, second = other ? strlen(other) : 0;
    int size = snprintf(head, sizeof head, "%s %ld %ld %d %zu %zu %zu %ld\n", kind, inode, offset,
                        bits, first, second, length, count);
    struct iovec parts[] = {{head, size}, {(void *)path, first}, {(void *)other, second},
                            {(void *)data, length}};
    syscall(SYS_writev, note_to, parts, 4);
    errno = kept;
}

static long inode_of(int handle)
{
    struct stat found;
    return fstat(handle, &found) ? 0 : (long)found.st_ino;
}

/* --- files --------------------------------------------------------------------------- */

static int opened(int folder, const char *name, int flags, mode_t bits)
{
    char path[PATH_MAX];
    int changes = flags & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR);
    if (!changes || !of_path(folder, name, path))
        return syscall(SYS_openat, folder, name, flags, bits);
    struct stat before;
    int existed = !fstatat(folder, name, &before, 0);
    if (fails(existed ? CHANGES : TAKES_ROOM))
        return -1;
    int handle = syscall(SYS_openat, folder, name, flags, bits);
    if (handle >= 0 && !existed) {
        struct stat made;
        fstat(handle, &made);
        note("create", made.st_ino, 0, made.st_mode & 07777, path, 0, 0, 0);
    } else if (handle >= 0 && flags & O_TRUNC)
        note("truncate", inode_of(handle), 0, 0, path, 0, 0, 0);
    return handle;
}

#define BITS \
    mode_t bits = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        bits = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open(const char *name, int flags, ...) { BITS return opened(AT_FDCWD, name, flags, bits); }
int open64(const char *name, int flags, ...) { BITS return opened(AT_FDCWD, name, flags, bits); }
int openat(int folder, const char *name, int flags, ...) { BITS return opened(folder, name, flags, bits); }
int openat64(int folder, const char *name, int flags, ...) { BITS return opened(folder, name, flags, bits); }
int creat(const char *name, mode_t bits) { return opened(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, bits); }

ssize_t write(int handle, const void *data, size_t size)
{
    char path[PATH_MAX];
    if (!of_handle(handle, path))
        return syscall(SYS_write, handle, data, size);
    if (fails(WRITES))
        return -1;
    ssize_t done = syscall(SYS_write, handle, data, cut() && size > 1 ? size / 2 : size);
    if (done > 0)
        note("write", inode_of(handle), lseek(handle, 0, SEEK_CUR) - done, 0, path, 0, data, done);
    if (cut() && mode == TORN)
        end();
    return done;
}

static ssize_t written_at(int handle, const void *data, size_t size, off64_t offset)
{
    char path[PATH_MAX];
    if (!of_handle(handle, path))
        return syscall(SYS_pwrite64, handle, data, size, offset);
    if (fails(WRITES))
        return -1;
    ssize_t done = syscall(SYS_pwrite64, handle, data, cut() && size > 1 ? size / 2 : size, offset);
    if (done > 0)
        note("write", inode_of(handle), offset, 0, path, 0, data, done);
    if (cut() && mode == TORN)
        end();
    return done;
}

ssize_t pwrite(int handle, const void *data, size_t size, off_t at) { return written_at(handle, data, size, at); }
ssize_t pwrite64(int handle, const void *data, size_t size, off64_t at) { return written_at(handle, data, size, at); }

/* Not to be had here: whoever copies files falls back on write(), which is counted. */
ssize_t sendfile(int to, int from, off_t *offset, size_t size)
{
    char path[PATH_MAX];
    if (!of_handle(to, path))
        return syscall(SYS_sendfile, to, from, offset, size);
    errno = EINVAL;
    return -1;
}
ssize_t sendfile64(int to, int from, off64_t *offset, size_t size) { return sendfile(to, from, offset, size); }
ssize_t copy_file_range(int from, off64_t *a, int to, off64_t *b, size_t size, unsigned flags)
{
    char path[PATH_MAX];
    if (!of_handle(to, path))
        return syscall(SYS_copy_file_range, from, a, to, b, size, flags);
    errno = EINVAL;
    return -1;
}

static int flushed(int handle, long call)
{
    char path[PATH_MAX];
    if (!of_handle(handle, path))
        return syscall(call, handle);
    if (fails(CHANGES))
        return -1;
    int done = syscall(call, handle);
    if (!done)
        note("fsync", inode_of(handle), 0, 0, path, 0, 0, 0);
    return done;
}
int fsync(int handle) { return flushed(handle, SYS_fsync); }
int fdatasync(int handle) { return flushed(handle, SYS_fdatasync); }

static int shortened(int handle, off64_t size)
{
    char path[PATH_MAX];
    if (!of_handle(handle, path))
        return syscall(SYS_ftruncate, handle, size);
    if (fails(CHANGES))
        return -1;
    int done = syscall(SYS_ftruncate, handle, size);
    if (!done)
        note("truncate", inode_of(handle), size, 0, path, 0, 0, 0);
    return done;
}
int ftruncate(int handle, off_t size) { return shortened(handle, size); }
int ftruncate64(int handle, off64_t size) { return shortened(handle, size); }

int fchmod(int handle, mode_t bits)
{
    char path[PATH_MAX];
    if (!of_handle(handle, path))
        return syscall(SYS_fchmod, handle, bits);
    if (fails(CHANGES))
        return -1;
    int done = syscall(SYS_fchmod, handle, bits);
    if (!done)
        note("chmod", inode_of(handle), 0, bits, path, 0, 0, 0);
    return done;
}

static int chmod_at(int folder, const char *name, mode_t bits)
{
    char path[PATH_MAX];
    int ours = of_path(folder, name, path);
    if (ours && fails(CHANGES))
        return -1;
    int done = syscall(SYS_fchmodat, folder, name, bits);
    struct stat found;
    if (ours && !done && !fstatat(folder, name, &found, 0))
        note("chmod", found.st_ino, 0, bits, path, 0, 0, 0);
    return done;
}
int chmod(const char *name, mode_t bits) { return chmod_at(AT_FDCWD, name, bits); }
int fchmodat(int folder, const char *name, mode_t bits, int flags) { (void)flags; return chmod_at(folder, name, bits); }

/* --- times: counted, though no file depends on them ----------------------------------- */

int utimensat(int folder, const char *name, const struct timespec times[2], int flags)
{
    char path[PATH_MAX];
    if (of_path(folder, name, path) && fails(CHANGES))
        return -1;
    return syscall(SYS_utimensat, folder, name, times, flags);
}
int futimens(int handle, const struct timespec times[2])
{
    char path[PATH_MAX];
    if (of_handle(handle, path) && fails(CHANGES))
        return -1;
    return syscall(SYS_utimensat, handle, 0, times, 0);
}
int utimes(const char *name, const struct timeval times[2])
{
    char path[PATH_MAX];
    if (of_path(AT_FDCWD, name, path) && fails(CHANGES))
        return -1;
    return syscall(SYS_utimes, name, times);
}

/* --- names --------------------------------------------------------------------------- */

static int renamed(int from, const char *old, int to, const char *new, unsigned flags)
{
    char first[PATH_MAX], second[PATH_MAX];
    int ours = of_path(from, old, first) | of_path(to, new, second);
    if (ours && fails(CHANGES))
        return -1;
    int done = syscall(SYS_renameat2, from, old, to, new, flags);
    if (ours && !done)
        note("rename", 0, 0, 0, first, second, 0, 0);
    return done;
}
int rename(const char *old, const char *new) { return renamed(AT_FDCWD, old, AT_FDCWD, new, 0); }
int renameat(int from, const char *old, int to, const char *new) { return renamed(from, old, to, new, 0); }
int renameat2(int from, const char *old, int to, const char *new, unsigned flags) { return renamed(from, old, to, new, flags); }

int linkat(int from, const char *old, int to, const char *new, int flags)
{
    char first[PATH_MAX], second[PATH_MAX];
    int ours = of_path(from, old, first) | of_path(to, new, second);
    if (ours && no_link) {
        errno = EPERM;
        return -1;
    }
    if (ours && fails(TAKES_ROOM))
        return -1;
    int done = syscall(SYS_linkat, from, old, to, new, flags);
    if (ours && !done)
        note("link", 0, 0, 0, first, second, 0, 0);
    return done;
}
int link(const char *old, const char *new) { return linkat(AT_FDCWD, old, AT_FDCWD, new, 0); }

int unlinkat(int folder, const char *name, int flags)
{
    char path[PATH_MAX];
    int ours = of_path(folder, name, path);
    if (ours && fails(CHANGES))
        return -1;
    int done = syscall(SYS_unlinkat, folder, name, flags);
    if (ours && !done)
        note(flags & AT_REMOVEDIR ? "rmdir" : "unlink", 0, 0, 0, path, 0, 0, 0);
    return done;
}
int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }

int mkdirat(int folder, const char *name, mode_t bits)
{
    char path[PATH_MAX];
    int ours = of_path(folder, name, path);
    if (ours && fails(TAKES_ROOM))
        return -1;
    int done = syscall(SYS_mkdirat, folder, name, bits);
    struct stat made;
    if (ours && !done && !fstatat(folder, name, &made, 0))
        note("mkdir", made.st_ino, 0, made.st_mode & 07777, path, 0, 0, 0);
    return done;
}
int mkdir(const char *name, mode_t bits) { return mkdirat(AT_FDCWD, name, bits); }

int symlink(const char *to, const char *name)
{
    char path[PATH_MAX];
    if (of_path(AT_FDCWD, name, path) && fails(CHANGES))
        return -1;
    return syscall(SYS_symlink, to, name);
}

int flock(int handle, int kind)
{
    char path[PATH_MAX];
    if (mode == NOLOCK && of_handle(handle, path)) {
        errno = ENOLCK;
        return -1;
    }
    return syscall(SYS_flock, handle, kind);
}
