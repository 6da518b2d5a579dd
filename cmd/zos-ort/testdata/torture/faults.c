// faults CALL ERRNO NTH WHICH PROGRAM ARGUMENT...: runs a program whose NTH call of a kind fails, alone (once) or with
// all that follow (on). The calls that change files are reported to a second process (seccomp_unotify(2)), which lets
// them through or answers with the error. Nothing needs root, and no library of the program is involved, as Go makes
// its system calls itself. The kind "size" lets no file grow beyond NTH times 512 bytes. Status 77: this system does not
// allow it.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { unavailable = 77, most = 40 };
static struct sock_filter code[most];
static unsigned short length;

static void add(unsigned short op, unsigned k, unsigned char yes, unsigned char no) {
  code[length++] = (struct sock_filter)BPF_JUMP(op, k, yes, no);
}
static void load(size_t offset) { add(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset, 0, 0); }

// watch reports a call; of those with many users, only what changes a file: an argument that is above least, or that
// has a bit of mask.
static void watch(int call, int argument, unsigned least, unsigned mask) {
  load(offsetof(struct seccomp_data, nr));
  if (argument < 0) {
    add(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 1);
  } else {
    add(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 5);
    load(offsetof(struct seccomp_data, args) + 0 * 8);
    if (mask) add(BPF_JMP | BPF_JGE | BPF_K, 0, 0, 3); // any descriptor
    else add(BPF_JMP | BPF_JGT | BPF_K, 2, 0, 3);      // not standard output
    load(offsetof(struct seccomp_data, args) + 8 * (size_t)argument);
    if (mask) add(BPF_JMP | BPF_JSET | BPF_K, mask, 0, 1);
    else add(BPF_JMP | BPF_JGT | BPF_K, least, 0, 1);
  }
  add(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF, 0, 0);
}

static int filter(const char *call) {
  if (strcmp(call, "write") == 0) {
    watch(__NR_write, 2, 16, 0); // Go wakes its poller with 8 bytes
    watch(__NR_writev, -1, 0, 0);
    watch(__NR_pwrite64, -1, 0, 0);
  } else if (strcmp(call, "fsync") == 0) {
    watch(__NR_fsync, -1, 0, 0);
    watch(__NR_fdatasync, -1, 0, 0);
  } else if (strcmp(call, "rename") == 0) {
#ifdef __NR_rename
    watch(__NR_rename, -1, 0, 0);
#endif
#ifdef __NR_renameat
    watch(__NR_renameat, -1, 0, 0);
#endif
    watch(__NR_renameat2, -1, 0, 0);
  } else if (strcmp(call, "create") == 0) {
    watch(__NR_openat, 2, 0, O_CREAT);
    watch(__NR_mkdirat, -1, 0, 0);
  } else if (strcmp(call, "remove") == 0) {
    watch(__NR_unlinkat, -1, 0, 0);
  } else {
    return 0;
  }
  add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
  return 1;
}

static void answer(int listener, int error, long nth, int on) {
  for (long n = 1;;) {
    struct seccomp_notif ask;
    struct seccomp_notif_resp reply;
    memset(&ask, 0, sizeof ask);
    memset(&reply, 0, sizeof reply);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &ask) != 0) {
      if (errno == EINTR || errno == ENOENT) continue;
      _exit(1);
    }
    reply.id = ask.id;
    if (n == nth || (on && n > nth)) reply.error = -error;
    else reply.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    n++;
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply); // it fails where the caller was killed
  }
}

int main(int argc, char **argv) {
  if (argc > 5 && strcmp(argv[1], "size") == 0) {
    rlim_t limit = 512 * (rlim_t)atol(argv[3]);
    if (setrlimit(RLIMIT_FSIZE, &(struct rlimit){limit, limit}) != 0) return unavailable;
    execvp(argv[5], argv + 5);
    return unavailable;
  }
  if (argc < 6 || !filter(argv[1])) return 2;
  struct sock_fprog program = {length, code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return unavailable;
  int listener = (int)syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  if (listener < 0) return unavailable;
  pid_t parent = getpid(), child = fork();
  if (child < 0) return unavailable;
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(0);
    for (int fd = 0; fd < 3; fd++) close(fd);
    answer(listener, atoi(argv[2]), atol(argv[3]), strcmp(argv[4], "on") == 0);
  }
  close(listener);
  execvp(argv[5], argv + 5);
  return unavailable;
}
