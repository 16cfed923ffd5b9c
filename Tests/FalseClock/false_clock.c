// Preloaded into a process, it moves what that sees as the wall clock by as many seconds as the first eight bytes of the
// file EBB_FALSE_CLOCK say, at any moment. The monotonic clock stays, and waiting until an instant of the wall clock
// takes as long as it would.
//
// Debian's libfaketime does the same but for C11's cnd_timedwait, by which librdkafka waits: under a clock that is ahead
// that sleeps until the false instant has truly come.

#define _GNU_SOURCE
#include "include/false_clock.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *shared;

__attribute__((constructor)) static void open_clock(void) {
  const char *path = getenv("EBB_FALSE_CLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *memory = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (memory != MAP_FAILED) shared = memory;
}

static int64_t wrong_by(void) { return shared ? *shared : 0; }

int clock_gettime(clockid_t clock, struct timespec *time) {
  int status = (int)syscall(SYS_clock_gettime, clock, time);
  if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += wrong_by();
  return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  (void)zone;
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  now->tv_sec = time.tv_sec;
  now->tv_usec = time.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *result) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  if (result) *result = time.tv_sec;
  return time.tv_sec;
}

int timespec_get(struct timespec *time, int base) {
  return clock_gettime(CLOCK_REALTIME, time) == 0 ? base : 0;
}

// An instant as the kernel's clock has it. One of the monotonic clock counts from the machine's start, and stays.
static struct timespec true_instant(const struct timespec *instant) {
  struct timespec truth = *instant;
  if (truth.tv_sec > 500000000) truth.tv_sec -= wrong_by();
  return truth;
}

int cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *until) {
  static int (*next)(cnd_t *, mtx_t *, const struct timespec *);
  if (!next) *(void **)&next = dlsym(RTLD_NEXT, "cnd_timedwait");
  struct timespec truth = true_instant(until);
  return next(condition, mutex, &truth);
}

int pthread_cond_timedwait(
    pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, const struct timespec *restrict until) {
  static int (*next)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
  // The first of its versions is another structure's.
  if (!next) *(void **)&next = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
  if (!next) *(void **)&next = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
  struct timespec truth = true_instant(until);
  return next(condition, mutex, &truth);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until) {
  static int (*next)(sem_t *, const struct timespec *);
  if (!next) *(void **)&next = dlsym(RTLD_NEXT, "sem_timedwait");
  struct timespec truth = true_instant(until);
  return next(semaphore, &truth);
}
