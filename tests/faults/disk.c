/* Preloaded into mailwatch: what it writes below a directory meets the fault that a file names.
 *
 * DISK_DIRECTORY is the directory, and DISK_FAULT the file: it holds "well", "hangs" (every call
 * waits until that changes), or "eio". The file is read before each call, so that a test can change
 * the fault while mailwatch runs.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static ssize_t (*real_read)(int, void *, size_t);
static int (*real_open)(const char *, int, ...);

static char fault(void)
{
    const char *path = getenv("DISK_FAULT");
    char first = 'w';
    if (!path)
        return first;
    if (!real_open)
        real_open = dlsym(RTLD_NEXT, "open64");
    if (!real_read)
        real_read = dlsym(RTLD_NEXT, "read");
    int fd = real_open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return first;
    if (real_read(fd, &first, 1) != 1)
        first = 'w';
    close(fd);
    return first;
}

static int is_ours(const char *path)
{
    const char *directory = getenv("DISK_DIRECTORY");
    return directory && path && !strncmp(path, directory, strlen(directory));
}

/* Returns whether the call on `path` shall fail; waits first, for as long as the disk hangs. */
static int meets(const char *path)
{
    struct timespec pause = {0, 5000000};
    if (!is_ours(path))
        return 0;
    char now = fault();
    while (now == 'h') {
        nanosleep(&pause, NULL);
        now = fault();
    }
    if (now != 'e')
        return 0;
    errno = EIO;
    return 1;
}

static int meets_fd(int fd)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return meets(path);
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = dlsym(RTLD_NEXT, #name)

int fsync(int fd) { REAL(fsync); return meets_fd(fd) ? -1 : real(fd); }
int fdatasync(int fd) { REAL(fdatasync); return meets_fd(fd) ? -1 : real(fd); }
ssize_t write(int fd, const void *from, size_t count)
{ REAL(write); return meets_fd(fd) ? -1 : real(fd, from, count); }
ssize_t pwrite(int fd, const void *from, size_t count, off_t at)
{ REAL(pwrite); return meets_fd(fd) ? -1 : real(fd, from, count, at); }
ssize_t pwrite64(int fd, const void *from, size_t count, off64_t at)
{ REAL(pwrite64); return meets_fd(fd) ? -1 : real(fd, from, count, at); }
int ftruncate(int fd, off_t size) { REAL(ftruncate); return meets_fd(fd) ? -1 : real(fd, size); }
int ftruncate64(int fd, off64_t size)
{ REAL(ftruncate64); return meets_fd(fd) ? -1 : real(fd, size); }
int rename(const char *from, const char *to)
{ REAL(rename); return meets(from) ? -1 : real(from, to); }
int unlink(const char *path) { REAL(unlink); return meets(path) ? -1 : real(path); }

#define OPEN(name) \
    int name(const char *path, int flags, ...) \
    { \
        mode_t mode = 0; \
        if (flags & (O_CREAT | O_TMPFILE)) { \
            va_list more; \
            va_start(more, flags); \
            mode = va_arg(more, mode_t); \
            va_end(more); \
        } \
        REAL(name); \
        if ((flags & O_ACCMODE) != O_RDONLY && meets(path)) \
            return -1; \
        return real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)
