import koffi from 'koffi';

/** The C library calls podwire makes; each returns -1 and sets errno on failure, see checkCall. */
interface Libc {
  setns(fd: number, type: number): number;
  unshare(flags: number): number;
  mount(source: string | null, target: string, type: string | null, flags: number, data: string | null): number;
  umount2(target: string, flags: number): number;
  sethostname(name: string, length: number): number;
  fchdir(fd: number): number;
  if_nametoindex(name: string): number;
  strerror(errno: number): string;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  listen(fd: number, backlog: number): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array, length: number): number;
  getsockopt(fd: number, level: number, option: number, value: Uint8Array, length: Uint8Array): number;
  send(fd: number, data: Uint8Array, length: number, flags: number): number;
  recv(fd: number, data: Uint8Array, length: number, flags: number): number;
  recvfrom(
    fd: number,
    data: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array,
    addressLength: Uint8Array,
  ): number;
  recvmmsg(fd: number, headers: Uint8Array, count: number, flags: number, timeout: null): number;
  sendmmsg(fd: number, headers: Uint8Array, count: number, flags: number): number;
  getsockname(fd: number, address: Uint8Array, addressLength: Uint8Array): number;
  read(fd: number, data: Uint8Array, length: number): number;
  write(fd: number, data: Uint8Array, length: number): number;
  ioctl(fd: number, request: number, data: Uint8Array): number;
  /** For requests whose argument is the number itself. */
  ioctlNumber(fd: number, request: number, value: number): number;
  close(fd: number): number;
  /** For commands whose argument is a number. */
  fcntl(fd: number, command: number, value: number): number;
  /** Addresses as numbers; -1 on failure. */
  mmap(address: number, length: number, protection: number, flags: number, fd: number, offset: number): number;
  munmap(address: number, length: number): number;
  madvise(address: number, length: number, advice: number): number;
  getpagesize(): number;
  /** syscall(2), for the calls that have no wrapper: bpf. */
  syscall(number: number, command: number, data: Uint8Array, length: number): number;
}

const library = koffi.load('libc.so.6');

export const libc: Libc = {
  setns: library.func('int setns(int, int)'),
  unshare: library.func('int unshare(int)'),
  mount: library.func('int mount(const char*, const char*, const char*, unsigned long, const char*)'),
  umount2: library.func('int umount2(const char*, int)'),
  sethostname: library.func('int sethostname(const char*, size_t)'),
  fchdir: library.func('int fchdir(int)'),
  if_nametoindex: library.func('uint32_t if_nametoindex(const char*)'),
  strerror: library.func('const char* strerror(int)'),
  socket: library.func('int socket(int, int, int)'),
  bind: library.func('int bind(int, void*, uint32_t)'),
  connect: library.func('int connect(int, void*, uint32_t)'),
  listen: library.func('int listen(int, int)'),
  setsockopt: library.func('int setsockopt(int, int, int, void*, uint32_t)'),
  getsockopt: library.func('int getsockopt(int, int, int, void*, void*)'),
  send: library.func('int64_t send(int, void*, size_t, int)'),
  recv: library.func('int64_t recv(int, void*, size_t, int)'),
  recvfrom: library.func('int64_t recvfrom(int, void*, size_t, int, void*, void*)'),
  recvmmsg: library.func('int recvmmsg(int, void*, uint32_t, int, void*)'),
  sendmmsg: library.func('int sendmmsg(int, void*, uint32_t, int)'),
  getsockname: library.func('int getsockname(int, void*, void*)'),
  read: library.func('int64_t read(int, void*, size_t)'),
  write: library.func('int64_t write(int, void*, size_t)'),
  ioctlNumber: library.func('ioctl', 'int', ['int', 'unsigned long', 'unsigned long']),
  ioctl: library.func('int ioctl(int, unsigned long, void*)'),
  close: library.func('int close(int)'),
  fcntl: library.func('int fcntl(int, int, long)'),
  mmap: library.func('intptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)'),
  munmap: library.func('int munmap(uintptr_t, size_t)'),
  madvise: library.func('int madvise(uintptr_t, size_t, int)'),
  getpagesize: library.func('int getpagesize()'),
  syscall: library.func('int64_t syscall(int64_t, int64_t, void*, uint64_t)'),
};

/** The errno of this thread's last failed libc call. */
export function lastErrno(): number {
  return koffi.errno();
}

export const AF = { INET: 2, INET6: 10, NETLINK: 16, PACKET: 17 } as const;
export const SOCK = { STREAM: 1, DGRAM: 2, RAW: 3, NONBLOCK: 0o4000, CLOEXEC: 0o2000000 } as const;
export const MSG = { DONTWAIT: 0x40, TRUNC: 0x20 } as const;
export const CLONE = { FS: 0x200, NEWNS: 0x20000, NEWUTS: 0x4000000, NEWNET: 0x40000000 } as const;
export const MS = { RDONLY: 1, REMOUNT: 32, BIND: 4096, MOVE: 8192, REC: 16384, SLAVE: 1 << 19 } as const;
export const MNT_DETACH = 2;
export const F_DUPFD_CLOEXEC = 1030;
