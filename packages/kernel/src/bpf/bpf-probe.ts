import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../errno.ts';
import { KernelError } from '../errors.ts';
import { u32 } from '../netlink/codec.ts';
import { bpfError, tryBpf } from './bpf-call.ts';
import { BATCH } from './bpf-command.ts';
import { attachCgroup, type CgroupAttachType } from './cgroup-attachment.ts';
import type { FunctionName } from './function-number.ts';
import type { Instruction } from './instruction.ts';
import { attachNetns, attachTcx, attachXdp } from './link.ts';
import { createMap } from './map.ts';
import type { MapSpec } from './map-spec.ts';
import { add, atomic, call, exit, jumpIf, label, mov, movSigned, r0, r1, r2, r10, store } from './mnemonic.ts';
import { type BpfProgram, loadProgram, type ProgramSpec } from './program.ts';
import type { AttachType, ProgramType } from './program-type.ts';

const PAGE = 65_536;
const LOOPBACK = 1;

const plain = { key: u32, value: u32, maxEntries: 1 };
const MAPS = {
  'bpf-hash': { ...plain, type: 'hash' },
  'bpf-array': { ...plain, type: 'array' },
  'bpf-percpu-hash': { ...plain, type: 'percpu_hash' },
  'bpf-percpu-array': { ...plain, type: 'percpu_array' },
  'bpf-lru': { ...plain, type: 'lru_hash' },
  'bpf-lpm-trie': { ...plain, type: 'lpm_trie', key: 8 },
  'bpf-prog-array': { ...plain, type: 'prog_array' },
  'bpf-queue': { type: 'queue', key: 0, value: u32, maxEntries: 1 },
  'bpf-ringbuf': { type: 'ringbuf', key: 0, value: 0, maxEntries: PAGE },
  'bpf-sk-storage': { type: 'sk_storage', key: u32, value: 8, maxEntries: 0 },
} as const satisfies Record<string, MapSpec>;

const returns = (value: number): Instruction[] => [mov(r0, value), exit()];
const PROGRAMS = {
  'bpf-socket-filter': { type: 'socket_filter', instructions: returns(0) },
  'bpf-sched-cls': { type: 'sched_cls', instructions: returns(0) },
  'bpf-xdp': { type: 'xdp', instructions: returns(2) },
  'bpf-cgroup-skb': { type: 'cgroup_skb', instructions: returns(1) },
  'bpf-atomic-fetch': {
    type: 'socket_filter',
    instructions: [
      store(r10, -8, 0, 'u64'),
      mov(r1, 1),
      atomic('add', { base: r10, offset: -8, fetch: true }, r1),
      ...returns(0),
    ],
  },
  /** Signed loads, moves and divisions, long jumps, byte swaps: the fourth version of the instruction set. */
  'bpf-isa-v4': { type: 'socket_filter', instructions: [mov(r1, 1), movSigned(r2, r1, 8), ...returns(0)] },
} as const satisfies Record<string, ProgramSpec>;

const loop = [mov(r0, 0), label('again'), add(r0, 1), jumpIf(r0, '<', 100, 'again'), exit()];

const CGROUP_HOOKS = {
  'bpf-cgroup-connect4': 'cgroup_inet4_connect',
  'bpf-cgroup-connect6': 'cgroup_inet6_connect',
  'bpf-cgroup-sendmsg4': 'cgroup_udp4_sendmsg',
  'bpf-cgroup-sendmsg6': 'cgroup_udp6_sendmsg',
  'bpf-cgroup-recvmsg4': 'cgroup_udp4_recvmsg',
  'bpf-cgroup-recvmsg6': 'cgroup_udp6_recvmsg',
  'bpf-cgroup-getpeername4': 'cgroup_inet4_getpeername',
  'bpf-cgroup-getpeername6': 'cgroup_inet6_getpeername',
} as const satisfies Record<string, CgroupAttachType>;

/**
 * What each feature takes, tried; a trial throws KernelError when the kernel cannot. To be run in a network namespace
 * that is thrown away. Nothing is left behind.
 */
export const BPF_PROBES = {
  bpf: () => tryProgram(PROGRAMS['bpf-socket-filter']),
  'bpf-map-batch': tryMapBatch,
  'bpf-test-run': tryTestRun,
  'bpf-bounded-loop': () => tryProgram({ type: 'socket_filter', instructions: loop }),
  'bpf-cgroup-link': () => tryCgroupHook('cgroup_inet4_connect', true),
  'bpf-tcx': () =>
    usingProgram({ type: 'sched_cls', instructions: returns(-1) }, (p) => attachTcx(p, LOOPBACK, 'ingress')),
  'bpf-xdp-link': () => usingProgram(PROGRAMS['bpf-xdp'], (program) => attachXdp(program, LOOPBACK)),
  'bpf-sk-lookup': trySkLookup,
  'bpf-get-netns-cookie': () => tryFunction('cgroup_sock_addr', 'get_netns_cookie', 'cgroup_inet4_connect'),
  'bpf-get-socket-cookie': () => tryFunction('cgroup_sock_addr', 'get_socket_cookie', 'cgroup_inet4_connect'),
  ...trials(MAPS, (spec: MapSpec) => createMap(spec).close()),
  ...trials(PROGRAMS, tryProgram),
  ...trials(CGROUP_HOOKS, (hook: CgroupAttachType) => tryCgroupHook(hook, false)),
} satisfies Record<string, () => void>;

export type BpfProbeName = keyof typeof BPF_PROBES;

function trials<K extends string, V>(table: Readonly<Record<K, V>>, run: (value: V) => void): Record<K, () => void> {
  const entries = Object.entries<V>(table).map(([name, value]) => [name, () => run(value)] as const);
  return Object.fromEntries(entries) as Record<K, () => void>;
}

function usingProgram(spec: ProgramSpec, attach?: (program: BpfProgram) => Disposable): void {
  using program = loadProgram(spec);
  using _attachment = attach?.(program);
}

function tryProgram(spec: ProgramSpec): void {
  usingProgram(spec);
}

function tryMapBatch(): void {
  using map = createMap({ type: 'hash', key: u32, value: u32, maxEntries: 1 });
  const [keys, values] = [Buffer.alloc(4), Buffer.alloc(4)];
  const result = tryBpf(BATCH.UPDATE, { mapFd: map.fd, keys, values, count: 1 });
  if (result < 0) throw bpfError('update a BPF map in a batch', -result);
}

function tryTestRun(): void {
  usingProgram(PROGRAMS['bpf-sched-cls'], (program) => {
    program.testRun({ data: Buffer.alloc(14) });
    return program;
  });
}

function trySkLookup(): void {
  const file = '/proc/thread-self/ns/net';
  const fd = fs.openSync(file, 'r');
  try {
    const spec: ProgramSpec = { type: 'sk_lookup', attachType: 'sk_lookup', instructions: returns(1) };
    usingProgram(spec, (program) => attachNetns(program, { fd, path: file }));
  } finally {
    fs.closeSync(fd);
  }
}

/** Attaches where a cgroup can be made; where none can, that the program loads has to do. */
function tryCgroupHook(attachType: CgroupAttachType, needLink: boolean): void {
  const cgroup = makeCgroup();
  try {
    usingProgram({ type: 'cgroup_sock_addr', attachType, instructions: returns(1) }, (program) => {
      if (cgroup === undefined) return program;
      const attachment = attachCgroup(program, { path: cgroup, attachType });
      if (needLink && attachment.link === undefined) {
        attachment.close();
        throw bpfError('attach a BPF program to a cgroup by a link', errnoOf('EINVAL'));
      }
      return attachment;
    });
  } finally {
    if (cgroup !== undefined) fs.rmdirSync(cgroup);
  }
}

function makeCgroup(): string | undefined {
  const mounts = fs.readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const root = mounts.map((line) => line.split(' ')).find((fields) => fields[2] === 'cgroup2')?.[1];
  if (root === undefined) return undefined;
  const directory = path.join(root, `podwire-probe-${randomBytes(4).toString('hex')}`);
  try {
    fs.mkdirSync(directory);
    return directory;
  } catch {
    return undefined;
  }
}

/**
 * Whether programs of a type may call a function of the kernel: it is called with no arguments at all, and the kernel
 * that knows it complains of the arguments. Throws KernelError when it does not know it.
 */
export function tryFunction(type: ProgramType, name: FunctionName, attachType?: AttachType): void {
  try {
    usingProgram({ type, ...(attachType && { attachType }), instructions: [call(name), ...returns(0)] });
  } catch (error) {
    if (!(error instanceof KernelError) || error.code !== 'KERNEL_BPF_VERIFIER') throw error;
    if (/(invalid|unknown) func|cannot use helper|helper call is not allowed/.test(String(error.details['log'])))
      throw error;
  }
}
