/* Runs a program and stands between it and its disk.
 *
 *   watch record       ROOT LOG -- PROGRAM...   every change below ROOT, in order
 *   watch kill N       ROOT LOG -- PROGRAM...   SIGKILL instead of change N
 *   watch fail N ERRNO ROOT LOG -- PROGRAM...   change N fails with ERRNO, once
 *   watch from N ERRNO ROOT LOG -- PROGRAM...   change N and every later one fails
 *
 * A change is what alters a file or a name below ROOT, or syncs one; they count from 1.
 * LOG gets those that were made. The exit status is the program's, 128 + n if a signal
 * ended it, 125 if something is wrong here.
 *
 * By ptrace and a seccomp filter, so nothing is compiled into the program and system
 * calls made without libc are seen, too. One change at a time: while one thread is in
 * it, no other enters another, so the log is a true order. What cannot be replayed
 * (a shared writable mapping, O_TMPFILE, a symlink) ends everything: better no answer
 * than a wrong one.
 *
 *   entry of a system call ──seccomp──► stopped: is it a change? ──► kill | errno | let it run
 *                                                                     └─► stopped at its exit: log it
 *
 * Log record: kind u8 | inode u64 | number u64 | length u32, bytes | length u32, bytes
 *   C create inode "path"        M mkdir inode "path"      W write inode offset data
 *   T length inode new length    S sync inode              R rename "from" "to"
 *   L link inode "path"          U unlink "path"           D rmdir "path"
 *   X exchange "one" "other"
 *   A what the program said on stdout
 *   E how many changes were tried: always the last
 * Integers little-endian, paths below ROOT.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#if !defined(__x86_64__)
#error "only the registers of x86-64 are known here"
#endif

enum mode { RECORD, KILL, FAIL, FROM };

static enum mode mode;
static uint64_t when, seen;
static int with;
static char root[PATH_MAX];
static size_t root_len;
static FILE *out;
static pid_t program;

static void die(const char *why) {
  fprintf(stderr, "watch: %s: %s\n", why, strerror(errno));
  if (program > 0)
    kill(program, SIGKILL);
  exit(125);
}

/* ---- what the program's arguments mean ---- */

static void take_string(pid_t tid, uint64_t address, char text[PATH_MAX]) {
  size_t got = 0;
  while (got < PATH_MAX) {
    /* Not across a page that may not be there. */
    size_t step = 4096 - (address + got) % 4096;
    if (step > PATH_MAX - got)
      step = PATH_MAX - got;
    struct iovec here = {text + got, step}, there = {(void *)(address + got), step};
    ssize_t read = process_vm_readv(tid, &here, 1, &there, 1, 0);
    if (read <= 0)
      break;
    if (memchr(text + got, 0, (size_t)read))
      return;
    got += (size_t)read;
  }
  text[0] = 0;
}

static void link_of(pid_t tid, const char *what, int fd, char path[PATH_MAX]) {
  char name[64];
  if (fd == AT_FDCWD)
    snprintf(name, sizeof name, "/proc/%d/cwd", tid);
  else
    snprintf(name, sizeof name, "/proc/%d/%s/%d", tid, what, fd);
  ssize_t len = readlink(name, path, PATH_MAX - 1);
  path[len < 0 ? 0 : len] = 0;
}

static int is_below(const char *path) {
  return strncmp(path, root, root_len) == 0 && (path[root_len] == '/' || path[root_len] == 0);
}

/* The place below ROOT that a path argument names; 0 if it is elsewhere. */
static int place_of(pid_t tid, int dirfd, uint64_t address, char place[PATH_MAX]) {
  char text[PATH_MAX], dir[PATH_MAX], whole[2 * PATH_MAX], real[PATH_MAX];
  take_string(tid, address, text);
  if (!text[0])
    return 0;
  if (text[0] == '/') {
    snprintf(whole, sizeof whole, "%s", text);
  } else {
    link_of(tid, "fd", dirfd, dir);
    snprintf(whole, sizeof whole, "%s/%s", dir, text);
  }
  size_t len = strlen(whole);
  while (len > 1 && whole[len - 1] == '/')
    whole[--len] = 0;
  char *last = strrchr(whole, '/');
  if (!last)
    return 0;
  char *name = last + 1;
  *last = 0;
  if (!realpath(last == whole ? "/" : whole, real) || !is_below(real))
    return 0;
  if (snprintf(place, PATH_MAX, "%s/%s", real, name) >= PATH_MAX)
    die("a path is too long");
  return 1;
}

/* The inode behind a descriptor, if it is a file or directory below ROOT. */
static int inode_of(pid_t tid, int fd, struct stat *found) {
  char path[PATH_MAX], name[64];
  link_of(tid, "fd", fd, path);
  if (!is_below(path))
    return 0;
  snprintf(name, sizeof name, "/proc/%d/fd/%d", tid, fd);
  return stat(name, found) == 0 && (S_ISREG(found->st_mode) || S_ISDIR(found->st_mode));
}

static void position_of(pid_t tid, int fd, uint64_t *position, int *append) {
  char name[64], line[128];
  snprintf(name, sizeof name, "/proc/%d/fdinfo/%d", tid, fd);
  FILE *info = fopen(name, "r");
  if (!info)
    die("fdinfo");
  *position = 0;
  unsigned flags = 0;
  while (fgets(line, sizeof line, info)) {
    sscanf(line, "pos: %lu", position);
    sscanf(line, "flags: %o", &flags);
  }
  *append = (flags & O_APPEND) != 0;
  fclose(info);
}

/* ---- the log ---- */

static void put(const void *bytes, size_t len) {
  if (len && fwrite(bytes, len, 1, out) != 1)
    die("the log");
}

static void record(char kind, uint64_t inode, uint64_t number, const void *a, uint32_t a_len,
                   const char *b) {
  uint32_t b_len = b ? (uint32_t)strlen(b) : 0;
  put(&kind, 1);
  put(&inode, 8);
  put(&number, 8);
  put(&a_len, 4);
  put(a, a_len);
  put(&b_len, 4);
  put(b, b_len);
}

static void record_path(char kind, uint64_t inode, const char *path, const char *to) {
  record(kind, inode, 0, path + root_len, (uint32_t)strlen(path + root_len),
         to ? to + root_len : NULL);
}

/* What was just written lies in the file: no need to understand how it came there. */
static void record_write(pid_t tid, int fd, uint64_t inode, uint64_t offset, uint64_t len) {
  char name[64];
  snprintf(name, sizeof name, "/proc/%d/fd/%d", tid, fd);
  int file = open(name, O_RDONLY);
  void *data = malloc(len ? len : 1);
  if (file < 0 || !data)
    die("reading back what was written");
  for (uint64_t got = 0; got < len;) {
    ssize_t read = pread(file, (char *)data + got, len - got, (off_t)(offset + got));
    if (read <= 0)
      die("reading back what was written");
    got += (uint64_t)read;
  }
  record('W', inode, offset, data, (uint32_t)len, NULL);
  free(data);
  close(file);
}

/* ---- one system call ---- */

struct call {
  enum { NONE, OPEN, MKDIR, WRITE, LENGTH, SYNC, RENAME, EXCHANGE, LINK, UNLINK, RMDIR, SAY, WRITABLE } kind;
  int fd, existed;
  uint64_t offset, length;
  struct stat file;
  char path[PATH_MAX], to[PATH_MAX];
};

static void opening(struct call *call, pid_t tid, int dirfd, uint64_t path, uint64_t flags) {
  struct stat found;
  int writes = (flags & O_ACCMODE) != O_RDONLY;
  if (!(flags & (O_CREAT | O_TRUNC)) && !writes)
    return;
  if (!place_of(tid, dirfd, path, call->path))
    return;
  if ((flags & O_TMPFILE) == O_TMPFILE)
    die("O_TMPFILE cannot be replayed");
  call->existed = lstat(call->path, &found) == 0;
  if (call->existed && S_ISLNK(found.st_mode))
    die("a symlink cannot be replayed");
  int creates = (flags & O_CREAT) && !call->existed;
  int cuts = (flags & O_TRUNC) && call->existed && found.st_size > 0;
  call->kind = creates || cuts ? OPEN : writes ? WRITABLE : NONE;
}

static void writing(struct call *call, pid_t tid, int fd, int at_position, uint64_t offset) {
  if (!inode_of(tid, fd, &call->file))
    return;
  int append = 0;
  call->kind = WRITE;
  call->fd = fd;
  call->offset = offset;
  if (at_position)
    position_of(tid, fd, &call->offset, &append);
  if (append)
    call->offset = (uint64_t)call->file.st_size;
}

static void renaming(struct call *call, pid_t tid, int from_dir, uint64_t from, int to_dir,
                     uint64_t to, uint64_t flags) {
  int out_of = place_of(tid, from_dir, from, call->path), into = place_of(tid, to_dir, to, call->to);
  if (!out_of && !into)
    return;
  /* RENAME_NOREPLACE is one that went well, RENAME_EXCHANGE a change of its own. */
  if (out_of != into || (flags & ~3ul))
    die("this rename cannot be replayed");
  call->kind = flags & 2 ? EXCHANGE : RENAME;
}

static void unlinking(struct call *call, pid_t tid, int dirfd, uint64_t path, int is_dir) {
  if (place_of(tid, dirfd, path, call->path))
    call->kind = is_dir ? RMDIR : UNLINK;
}

static void look(struct call *call, pid_t tid, uint64_t nr, const uint64_t *args) {
  int fd = (int)args[0];
  struct open_how how = {0};
  call->kind = NONE;
  switch (nr) {
  case SYS_open:
    opening(call, tid, AT_FDCWD, args[0], args[1]);
    break;
  case SYS_creat:
    opening(call, tid, AT_FDCWD, args[0], O_CREAT | O_TRUNC | O_WRONLY);
    break;
  case SYS_openat:
    opening(call, tid, fd, args[1], args[2]);
    break;
  case SYS_openat2: {
    struct iovec here = {&how, sizeof how}, there = {(void *)args[2], sizeof how};
    if (process_vm_readv(tid, &here, 1, &there, 1, 0) != sizeof how)
      die("openat2");
    opening(call, tid, fd, args[1], how.flags);
    break;
  }
  case SYS_mkdir:
  case SYS_mkdirat:
    if (place_of(tid, nr == SYS_mkdir ? AT_FDCWD : fd, args[nr == SYS_mkdir ? 0 : 1], call->path))
      call->kind = MKDIR;
    break;
  case SYS_write:
  case SYS_writev:
    if (fd == 1 && nr == SYS_write && !inode_of(tid, fd, &call->file)) {
      call->kind = SAY;
      break;
    }
    writing(call, tid, fd, 1, 0);
    break;
  case SYS_pwrite64:
  case SYS_pwritev:
    writing(call, tid, fd, 0, args[3]);
    break;
  case SYS_pwritev2:
    writing(call, tid, fd, args[3] == (uint64_t)-1, args[3]);
    break;
  case SYS_sendfile:
    writing(call, tid, fd, 1, 0);
    break;
  case SYS_copy_file_range: {
    uint64_t offset = 0;
    struct iovec here = {&offset, 8}, there = {(void *)args[3], 8};
    if (args[3] && process_vm_readv(tid, &here, 1, &there, 1, 0) != 8)
      die("copy_file_range");
    writing(call, tid, (int)args[2], args[3] == 0, offset);
    break;
  }
  case SYS_truncate:
    if (place_of(tid, AT_FDCWD, args[0], call->path))
      die("truncate by name cannot be replayed");
    break;
  case SYS_ftruncate:
  case SYS_fallocate:
    if (!inode_of(tid, fd, &call->file))
      break;
    if (nr == SYS_fallocate && args[1] & ~0x01ul)
      die("punching holes cannot be replayed");
    call->kind = LENGTH;
    call->fd = fd;
    break;
  case SYS_fsync:
  case SYS_fdatasync:
  case SYS_syncfs:
    if (inode_of(tid, fd, &call->file))
      call->kind = SYNC;
    break;
  case SYS_rename:
    renaming(call, tid, AT_FDCWD, args[0], AT_FDCWD, args[1], 0);
    break;
  case SYS_renameat:
    renaming(call, tid, fd, args[1], (int)args[2], args[3], 0);
    break;
  case SYS_renameat2:
    renaming(call, tid, fd, args[1], (int)args[2], args[3], args[4]);
    break;
  case SYS_link:
  case SYS_linkat: {
    int at = nr == SYS_linkat;
    if (place_of(tid, at ? (int)args[2] : AT_FDCWD, args[at ? 3 : 1], call->path))
      call->kind = LINK;
    break;
  }
  case SYS_symlink:
  case SYS_symlinkat:
    if (place_of(tid, nr == SYS_symlink ? AT_FDCWD : (int)args[1], args[nr == SYS_symlink ? 1 : 2],
                 call->path))
      die("a symlink cannot be replayed");
    break;
  case SYS_unlink:
    unlinking(call, tid, AT_FDCWD, args[0], 0);
    break;
  case SYS_rmdir:
    unlinking(call, tid, AT_FDCWD, args[0], 1);
    break;
  case SYS_unlinkat:
    unlinking(call, tid, fd, args[1], (args[2] & AT_REMOVEDIR) != 0);
    break;
  case SYS_mmap:
    if ((args[2] & PROT_WRITE) && (args[3] & MAP_SHARED) && !(args[3] & MAP_ANONYMOUS) &&
        inode_of(tid, (int)args[4], &call->file))
      die("a shared writable mapping cannot be replayed");
    break;
  }
}

static void done(const struct call *call, pid_t tid, const uint64_t *args, int64_t result) {
  struct stat found;
  if (result < 0)
    return;
  switch (call->kind) {
  case OPEN:
    if (lstat(call->path, &found) != 0)
      die("a new file is not there");
    if (call->existed)
      record('T', found.st_ino, 0, NULL, 0, NULL);
    else
      record_path('C', found.st_ino, call->path, NULL);
    break;
  case MKDIR:
  case LINK:
    if (lstat(call->path, &found) != 0)
      die("a new name is not there");
    record_path(call->kind == LINK ? 'L' : 'M', found.st_ino, call->path, NULL);
    break;
  case WRITE:
    record_write(tid, call->fd, call->file.st_ino, call->offset, (uint64_t)result);
    break;
  case LENGTH: {
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/fd/%d", tid, call->fd);
    if (stat(name, &found) != 0)
      die("a file is not there");
    record('T', found.st_ino, (uint64_t)found.st_size, NULL, 0, NULL);
    break;
  }
  case SYNC:
    record('S', call->file.st_ino, 0, NULL, 0, NULL);
    break;
  case RENAME:
  case EXCHANGE:
    record_path(call->kind == RENAME ? 'R' : 'X', 0, call->path, call->to);
    break;
  case UNLINK:
  case RMDIR:
    record_path(call->kind == RMDIR ? 'D' : 'U', 0, call->path, NULL);
    break;
  case SAY: {
    char text[4096];
    size_t len = (size_t)result < sizeof text ? (size_t)result : sizeof text;
    struct iovec here = {text, len}, there = {(void *)args[1], len};
    if (process_vm_readv(tid, &here, 1, &there, 1, 0) != (ssize_t)len)
      die("what the program said");
    record('A', 0, 0, text, (uint32_t)len, NULL);
    break;
  }
  case NONE:
  case WRITABLE:
    break;
  }
}

/* ---- running ---- */

/* Lets the thread go on to the end of its call and tells what came of it; 0 if it died. */
static int finish(pid_t tid, int64_t *result) {
  int status;
  if (ptrace(PTRACE_SYSCALL, tid, 0, 0) != 0)
    return 0;
  for (;;) {
    if (waitpid(tid, &status, __WALL) != tid || !WIFSTOPPED(status))
      return 0;
    if (WSTOPSIG(status) == (SIGTRAP | 0x80))
      break;
    /* A signal, or a stop: it comes again after the call. */
    int pass = status >> 16 ? 0 : WSTOPSIG(status);
    if (ptrace(PTRACE_SYSCALL, tid, 0, pass) != 0)
      return 0;
  }
  struct __ptrace_syscall_info info;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) <= 0 ||
      info.op != PTRACE_SYSCALL_INFO_EXIT)
    die("the end of a call");
  *result = info.exit.rval;
  return 1;
}

static void refuse(pid_t tid) {
  struct user_regs_struct registers;
  if (ptrace(PTRACE_GETREGS, tid, 0, &registers) != 0)
    die("the registers");
  registers.orig_rax = (unsigned long long)-1;
  registers.rax = (unsigned long long)-(long long)with;
  if (ptrace(PTRACE_SETREGS, tid, 0, &registers) != 0)
    die("the registers");
}

/* A full disk still forgets; one that is read-only does nothing any more. */
static int would_fail(const struct call *call) {
  if (call->kind == SAY)
    return 0;
  if (call->kind == WRITABLE)
    return mode == FROM && with == EROFS && seen >= when;
  if (with == ENOSPC && (call->kind == UNLINK || call->kind == RMDIR))
    return 0;
  return mode == FROM ? seen >= when : mode == FAIL && seen == when;
}

static void stopped_at_a_call(pid_t tid) {
  struct __ptrace_syscall_info info;
  static struct call call;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) <= 0 ||
      info.op != PTRACE_SYSCALL_INFO_SECCOMP)
    die("a call");
  uint64_t args[6];
  memcpy(args, info.seccomp.args, sizeof args);
  look(&call, tid, info.seccomp.nr, args);
  int64_t result = 0;
  if (call.kind != NONE && call.kind != SAY && call.kind != WRITABLE)
    seen++;
  if (call.kind == NONE) {
    ptrace(PTRACE_CONT, tid, 0, 0);
  } else if (mode == KILL && seen == when && call.kind != WRITABLE && call.kind != SAY) {
    kill(program, SIGKILL);
  } else if (would_fail(&call)) {
    refuse(tid);
    ptrace(PTRACE_CONT, tid, 0, 0);
  } else if (finish(tid, &result)) {
    done(&call, tid, args, result);
    ptrace(PTRACE_CONT, tid, 0, 0);
  }
}

static void ask_to_be_stopped(void) {
  static const int calls[] = {
      SYS_open,     SYS_creat,     SYS_openat,   SYS_openat2,   SYS_mkdir,    SYS_mkdirat,
      SYS_write,    SYS_writev,    SYS_pwrite64, SYS_pwritev,   SYS_pwritev2, SYS_sendfile,
      SYS_truncate, SYS_ftruncate, SYS_fsync,    SYS_fdatasync, SYS_syncfs,   SYS_fallocate,
      SYS_rename,   SYS_renameat,  SYS_link,     SYS_renameat2, SYS_linkat,   SYS_symlink,
      SYS_unlink,   SYS_unlinkat,  SYS_rmdir,    SYS_symlinkat, SYS_mmap,     SYS_copy_file_range,
  };
  enum { COUNT = sizeof calls / sizeof *calls };
  struct sock_filter filter[COUNT + 3];
  filter[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (int i = 0; i < COUNT; i++)
    filter[i + 1] =
        (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], COUNT - i, 0);
  filter[COUNT + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  filter[COUNT + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
  struct sock_fprog program = {COUNT + 3, filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    die("the filter");
}

static pid_t start(char **argv) {
  int gate[2];
  char go;
  if (pipe2(gate, O_CLOEXEC) != 0)
    die("pipe");
  pid_t child = fork();
  if (child < 0)
    die("fork");
  if (child == 0) {
    if (read(gate[0], &go, 1) != 1)
      _exit(125);
    ask_to_be_stopped();
    execvp(argv[0], argv);
    die(argv[0]);
  }
  long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE |
                 PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_EXITKILL;
  if (ptrace(PTRACE_SEIZE, child, 0, options) != 0)
    die("ptrace");
  if (write(gate[1], "", 1) != 1)
    die("pipe");
  close(gate[0]);
  close(gate[1]);
  return child;
}

static void usage(void) {
  fputs("usage: watch record | kill N | fail N ERRNO | from N ERRNO  ROOT LOG -- PROGRAM...\n", stderr);
  exit(125);
}

int main(int argc, char **argv) {
  int at = 1, numbers = 0;
  if (argc < 2)
    usage();
  static const char *const names[] = {"record", "kill", "fail", "from"};
  static const int wanted[] = {0, 1, 2, 2};
  while (mode <= FROM && strcmp(argv[at], names[mode]) != 0)
    mode++;
  if (mode > FROM)
    usage();
  numbers = wanted[mode];
  at++;
  if (argc < at + numbers + 4 || strcmp(argv[at + numbers + 2], "--") != 0)
    usage();
  if (numbers > 0)
    when = strtoull(argv[at], NULL, 10);
  if (numbers > 1)
    with = atoi(argv[at + 1]);
  at += numbers;
  if (!realpath(argv[at], root))
    die(argv[at]);
  root_len = strlen(root);
  out = fopen(argv[at + 1], "we");
  if (!out)
    die(argv[at + 1]);
  program = start(argv + at + 3);

  int status, ended = 125;
  pid_t tid;
  while ((tid = waitpid(-1, &status, __WALL)) > 0) {
    if (!WIFSTOPPED(status)) {
      if (tid == program)
        ended = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
      continue;
    }
    int event = status >> 16;
    if (event == PTRACE_EVENT_SECCOMP)
      stopped_at_a_call(tid);
    else
      ptrace(PTRACE_CONT, tid, 0, event ? 0 : WSTOPSIG(status));
  }
  record('E', 0, seen, NULL, 0, NULL);
  if (fclose(out) != 0)
    die("the log");
  return ended;
}
