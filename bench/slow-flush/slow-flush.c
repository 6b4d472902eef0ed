/*
 * Counts every flush of a process and its children, and makes each take longer by a time that may change while they
 * run: loaded with LD_PRELOAD, in front of the C library. The file named by PAWL_BENCH_FLUSHES holds two 64-bit numbers
 * that are shared with the bench: nanoseconds to wait after a flush, and flushes so far.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct gauge {
  _Atomic uint64_t delay_nanos;
  _Atomic uint64_t flushes;
};

static struct gauge *gauge;

/* Without its file a process would be measured as if nothing had been slowed, so it does not start at all. */
__attribute__((constructor)) static void open_gauge(void) {
  const char *path = getenv("PAWL_BENCH_FLUSHES");
  int file = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (file == -1) _exit(125);
  void *page = mmap(NULL, sizeof(struct gauge), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (page == MAP_FAILED) _exit(125);
  gauge = page;
}

static int slowed(int outcome) {
  int error = errno;
  uint64_t nanos = atomic_load_explicit(&gauge->delay_nanos, memory_order_relaxed);
  atomic_fetch_add_explicit(&gauge->flushes, 1, memory_order_relaxed);
  if (nanos > 0) {
    struct timespec left = {.tv_sec = nanos / 1000000000, .tv_nsec = nanos % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) continue;
  }
  errno = error;
  return outcome;
}

int fsync(int file) {
  static int (*real)(int);
  if (real == NULL) real = dlsym(RTLD_NEXT, "fsync");
  return slowed(real(file));
}

int fdatasync(int file) {
  static int (*real)(int);
  if (real == NULL) real = dlsym(RTLD_NEXT, "fdatasync");
  return slowed(real(file));
}

/* Only a call that waits for the disk is a flush: the others are PostgreSQL's hints to begin writing. */
int sync_file_range(int file, off64_t offset, off64_t bytes, unsigned int flags) {
  static int (*real)(int, off64_t, off64_t, unsigned int);
  if (real == NULL) real = dlsym(RTLD_NEXT, "sync_file_range");
  int outcome = real(file, offset, bytes, flags);
  return flags & SYNC_FILE_RANGE_WAIT_AFTER ? slowed(outcome) : outcome;
}

int msync(void *address, size_t bytes, int flags) {
  static int (*real)(void *, size_t, int);
  if (real == NULL) real = dlsym(RTLD_NEXT, "msync");
  int outcome = real(address, bytes, flags);
  return flags & MS_SYNC ? slowed(outcome) : outcome;
}
