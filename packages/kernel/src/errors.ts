import { type ErrorCodeTable, PodwireError } from '@podwire/base';
import { errnoName, errnoText } from './errno.ts';
import { lastErrno } from './libc.ts';

export const KERNEL_ERRORS = {
  KERNEL_CALL: 'the kernel refused a system call or a netlink request; details hold op, errno, errnoName, extack',
  KERNEL_PERMISSION: 'as KERNEL_CALL, because a capability is missing; the message names it',
  KERNEL_CONNECT: 'a TCP connection could not be made; details.errnoName says why (ECONNREFUSED, ETIMEDOUT, ...)',
  KERNEL_DECODE: 'bytes from the kernel do not have the expected form',
  KERNEL_ENCODE: 'a value does not fit the field it is meant for',
  KERNEL_NETLINK_LOST: 'an answer of the kernel got lost; whether the request was done is not known',
  KERNEL_BAD_NETNS: 'a network namespace does not exist, exists already, has an unusable name, or its handle is closed',
  KERNEL_NETNS_ASYNC: 'a function run inside a network namespace returned a promise',
  KERNEL_MAIN_THREAD: 'the main thread was asked to stay in another network namespace',
  KERNEL_CLOSED: 'a socket, map, program or link was used after close()',
  KERNEL_BPF_ASSEMBLY:
    'an instruction of a BPF program cannot be assembled: unknown label, register or map, a value that does not fit',
  KERNEL_BPF_VERIFIER: "the kernel's verifier refused a BPF program; details.log holds what it says",
  KERNEL_NO_FAMILY:
    'this kernel has no generic netlink family of that name; the message names the module that brings it',
  KERNEL_BAD_BIND: 'source or target of a bind mount does not exist',
} as const satisfies ErrorCodeTable;

export interface KernelFailure {
  /** What was tried, to what: `bind 10.0.0.1:80`, `create veth pwp1`. */
  readonly op: string;
  readonly errno: number;
  /** The kernel's own sentence, from netlink's extended acknowledgement. */
  readonly extack?: string | undefined;
  /** Where in the request the offending attribute begins. */
  readonly offset?: number | undefined;
  /** The names of the offending (or missing) attribute and of those around it: `IFLA_LINKINFO IFLA_INFO_KIND`. */
  readonly attribute?: string | undefined;
  /** What the attribute may hold. */
  readonly allowed?: string | undefined;
  /** Position of the failed message in a batch or transaction. */
  readonly index?: number | undefined;
  /** What the verifier says about a BPF program, in full. */
  readonly log?: string | undefined;
  /** What to do about it, when more is known than the errno tells. */
  readonly advice?: string | undefined;
}

/** The kernel said no. */
export class KernelError extends PodwireError {
  readonly op: string;
  readonly errno: number;
  readonly errnoName: string;
  readonly extack: string | undefined;
  readonly offset: number | undefined;
  readonly attribute: string | undefined;
  readonly index: number | undefined;

  constructor(failure: KernelFailure, code: keyof typeof KERNEL_ERRORS = codeFor(failure)) {
    const { op, errno, extack, offset, attribute, index, log } = failure;
    const name = errnoName(errno);
    super(code, messageFor(failure, code), {
      details: { op, errno, errnoName: name, extack, offset, attribute, index, ...(log === undefined ? {} : { log }) },
    });
    this.name = 'KernelError';
    this.op = op;
    this.errno = errno;
    this.errnoName = name;
    this.extack = extack;
    this.offset = offset;
    this.attribute = attribute;
    this.index = index;
  }
}

/** Which capability an operation wants (capabilities(7)), by the first words of `op`; the first that fits counts. */
const CAPABILITIES: readonly (readonly [op: RegExp, capability: string])[] = [
  [/^(setns|unshare|mount|umount|sethostname)\b/, 'CAP_SYS_ADMIN'],
  [/^(open a )?(packet|raw)\b.* socket|^packet socket/, 'CAP_NET_RAW'],
  [/^bind a socket to link\b/, 'CAP_NET_RAW'],
  [/^(bind|listen) (?!a )/, 'CAP_NET_BIND_SERVICE'],
  [/\bBPF\b/i, 'CAP_BPF (and CAP_NET_ADMIN or CAP_PERFMON for most programs)'],
  [/^/, 'CAP_NET_ADMIN'],
];

function codeFor({ op, errno }: KernelFailure): 'KERNEL_CALL' | 'KERNEL_PERMISSION' {
  const name = errnoName(errno);
  // bind(2) says EACCES for the ports below net.ipv4.ip_unprivileged_port_start
  return name === 'EPERM' || (name === 'EACCES' && op.startsWith('bind')) ? 'KERNEL_PERMISSION' : 'KERNEL_CALL';
}

function messageFor(failure: KernelFailure, code: string): string {
  const { op, errno, extack, attribute, allowed, advice } = failure;
  const place = attribute ? ` [${attribute}${allowed ? `, allowed: ${allowed}` : ''}]` : '';
  const reason = `${op}: ${errnoText(errno)} (${errnoName(errno)})${extack ? `: ${extack}` : ''}${place}`;
  if (advice) return `${reason}; ${advice}`;
  return code === 'KERNEL_PERMISSION' ? `${reason}; ${capabilityAdvice(op)}` : reason;
}

function capabilityAdvice(op: string): string {
  const [, capability] = CAPABILITIES.find(([pattern]) => pattern.test(op)) ?? [];
  return `run as root or add the capability ${capability}`;
}

/** Whether something thrown is the kernel's answer with this errno, e.g. `isErrno(error, 'ENOENT')`. */
export function isErrno(error: unknown, ...names: string[]): error is KernelError {
  return error instanceof KernelError && names.includes(error.errnoName);
}

/** The result of a libc call, or a KernelError made of errno. `op` is only called on failure. */
export function checkCall(result: number, op: () => string, advice?: string): number {
  if (result >= 0) return result;
  throw new KernelError({ op: op(), errno: lastErrno(), advice });
}

/** Bytes are not what they should be. Decoders throw nothing else. */
export class DecodeError extends PodwireError {
  /** The attributes and fields around the place, outermost first: `info.data.local`. */
  readonly path: string;
  /** Bytes from the beginning of what was decoded. */
  readonly offset: number;
  readonly #what: string;

  constructor(what: string, { path = '', offset = 0 }: { path?: string; offset?: number } = {}) {
    const place = path === '' ? '' : ` in ${path}`;
    const advice = 'the kernel may be newer or older than podwire knows';
    super('KERNEL_DECODE', `cannot decode ${what}${place} at byte ${offset}; ${advice}`, { details: { path, offset } });
    this.name = 'DecodeError';
    this.path = path;
    this.offset = offset;
    this.#what = what;
  }

  /** The same failure, seen from a value that holds the failed one at byte `at` under the name `key`. */
  within(key: string, at: number): DecodeError {
    const path = this.path === '' ? key : `${key}.${this.path}`;
    return new DecodeError(this.#what, { path, offset: this.offset + at });
  }
}

/** A value does not fit the field it is meant for. */
export class EncodeError extends PodwireError {
  /** The attributes and fields around the value, outermost first: `info.data.local`. */
  readonly path: string;
  readonly #what: string;

  constructor(what: string, path = '') {
    super('KERNEL_ENCODE', `cannot encode ${what}${path === '' ? '' : ` in ${path}`}`, { details: { path } });
    this.name = 'EncodeError';
    this.path = path;
    this.#what = what;
  }

  /** The same failure, seen from a value that holds the failed one under the name `key`. */
  within(key: string): EncodeError {
    return new EncodeError(this.#what, this.path === '' ? key : `${key}.${this.path}`);
  }
}

export function encodeError(what: string): EncodeError {
  return new EncodeError(what);
}
