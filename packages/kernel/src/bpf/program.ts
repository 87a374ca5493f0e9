import { choose } from '../choice.ts';
import { errnoOf } from '../errno.ts';
import { encodeError, KernelError } from '../errors.ts';
import { type AssembleOptions, assemble } from './assembler.ts';
import { answered, bpf, bpfError, tryBpf } from './bpf-call.ts';
import { BPF } from './bpf-command.ts';
import { BpfObject, checkName, idsOf, openPin } from './bpf-object.ts';
import type { Instruction } from './instruction.ts';
import { decodeProgramInfo, type ProgramInfo, readInfo } from './object-info.ts';
import { ATTACH_TYPES, type AttachType, PROGRAM_TYPES, type ProgramType } from './program-type.ts';

/** BPF_F_* of BPF_PROG_LOAD. */
export const PROGRAM_FLAGS = {
  strict_alignment: 1 << 0,
  any_alignment: 1 << 1,
  sleepable: 1 << 4,
  xdp_has_frags: 1 << 5,
} as const;

/** What a program is to be. */
export interface ProgramSpec {
  readonly type: ProgramType;
  /** Which hook it is for; has to be given for cgroup_sock_addr, cgroup_sockopt and sk_lookup. */
  readonly attachType?: AttachType;
  /** Up to 15 letters, digits, `_` and `.`. */
  readonly name?: string;
  /** Some functions are only for programs under the GPL, which is the default here. */
  readonly license?: string;
  /** Instructions, or what `assemble` made of them. */
  readonly instructions: readonly Instruction[] | Uint8Array;
  /** The maps that the instructions call by name. */
  readonly maps?: AssembleOptions['maps'];
  readonly flags?: readonly (keyof typeof PROGRAM_FLAGS)[];
}

/** What a test run gets. */
export interface TestRunInput {
  /** The packet; at least 14 bytes (an Ethernet header) for programs that see packets. */
  readonly data?: Uint8Array;
  /** The context as in CONTEXTS, where the type of program allows one. */
  readonly context?: Uint8Array;
  /** How often the program runs. */
  readonly repeat?: number;
}

export interface TestRunResult {
  /** What the program returned, unsigned 32 bits. */
  readonly returnValue: number;
  /** The packet as the program left it. */
  readonly data: Buffer;
  readonly context: Buffer;
  /** Mean time of one run in nanoseconds. */
  readonly duration: number;
}

/** BPF_JMP | BPF_CALL. */
const CALL = 0x85;
const EAGAIN = -errnoOf('EAGAIN');
const MAX_TRIES = 5;
/** Room for what a program adds to a packet (encapsulation). */
const HEADROOM = 256;

/** A program that the verifier has let through. */
export class BpfProgram extends BpfObject {
  readonly label: string;

  constructor(fd: number, name: string) {
    super(fd);
    this.label = `program ${name}`;
  }

  /** Runs the program on a packet that is made for it (BPF_PROG_TEST_RUN); not every type can be tested. */
  testRun({ data, context, repeat = 1 }: TestRunInput = {}): TestRunResult {
    const dataOut = data && Buffer.alloc(data.length + HEADROOM);
    const contextOut = context && Buffer.alloc(context.length);
    const command = BPF.PROG_TEST_RUN;
    const values = {
      programFd: this.fd,
      dataIn: data,
      dataSizeIn: data?.length,
      dataOut,
      dataSizeOut: dataOut?.length,
      contextIn: context,
      contextSizeIn: context?.length,
      contextOut,
      contextSizeOut: contextOut?.length,
      repeat,
    };
    bpf(command, values, () => `test BPF ${this.label}`);
    return {
      returnValue: answered(command, 'returnValue'),
      data: dataOut?.subarray(0, answered(command, 'dataSizeOut')) ?? Buffer.alloc(0),
      context: contextOut?.subarray(0, answered(command, 'contextSizeOut')) ?? Buffer.alloc(0),
      duration: answered(command, 'duration'),
    };
  }

  info(): ProgramInfo {
    return decodeProgramInfo(readInfo(this.fd, this.label));
  }

  /** The instructions as the verifier rewrote them; maps are named by id. For `disassemble(..., { maps: 'id' })`. */
  translated(): Buffer {
    const length = this.info().translatedSize;
    const bytes = Buffer.alloc(length);
    readInfo(this.fd, this.label, { lengthAt: 20, addressAt: 32, length, bytes });
    // In calls the kernel keeps a number of its own where the instruction set wants zero
    for (let at = 0; at < length; at += 8) if (bytes[at] === CALL) bytes.writeInt16LE(0, at + 2);
    return bytes;
  }

  /** The ids of the maps it uses. */
  mapIds(): number[] {
    const length = this.info().mapCount;
    const bytes = Buffer.alloc(length * 4);
    readInfo(this.fd, this.label, { lengthAt: 52, addressAt: 56, length, bytes });
    return Array.from({ length }, (_, i) => bytes.readUInt32LE(i * 4));
  }
}

/**
 * Loads a program. Throws KERNEL_BPF_ASSEMBLY for instructions that make no sense, KERNEL_BPF_VERIFIER with the
 * verifier's text when the kernel refuses the program, else KernelError.
 */
export function loadProgram(spec: ProgramSpec): BpfProgram {
  const { type, name = '' } = spec;
  const values = loadValues(spec);
  let fd = tryBpf(BPF.PROG_LOAD, values);
  // a signal interrupts the verifier, which then wants to be asked again
  for (let tries = 1; fd === EAGAIN && tries < MAX_TRIES; tries++) fd = tryBpf(BPF.PROG_LOAD, values);
  if (fd < 0) throw loadError(`load BPF program ${name || 'without a name'} (${type})`, -fd, values);
  return new BpfProgram(fd, name || `of type ${type}`);
}

/**
 * What the verifier says of a program, whether it lets it through or not: every instruction with what is known of the
 * registers. Level 2 follows each branch.
 */
export function verifierLog(spec: ProgramSpec, level: 1 | 2 = 2): string {
  return readVerifierLog(loadValues(spec), level);
}

/** The types that the kernel refuses without a hook (EINVAL), and their hooks. */
const HOOKS: Readonly<Partial<Record<ProgramType, readonly string[]>>> = {
  cgroup_sock_addr: Object.keys(ATTACH_TYPES).filter((name) =>
    /_(inet[46]|udp[46]|unix)_(bind|connect|sendmsg|recvmsg|get\w+name)$/.test(name),
  ),
  cgroup_sockopt: ['cgroup_getsockopt', 'cgroup_setsockopt'],
  sk_lookup: ['sk_lookup'],
};

type LoadValues = Parameters<typeof tryBpf<keyof typeof BPF.PROG_LOAD.fields>>[1];

function loadValues(spec: ProgramSpec): LoadValues {
  const { type, attachType, name = '', license = 'GPL', flags = [] } = spec;
  choose(PROGRAM_TYPES, type, 'a type of BPF program');
  if (attachType !== undefined) choose(ATTACH_TYPES, attachType, 'an attach type');
  if (attachType === undefined && HOOKS[type])
    throw encodeError(`a BPF program of type ${type} without attachType; write ${HOOKS[type].join(', ')}`);
  const instructions = bytesOf(spec);
  return {
    type: PROGRAM_TYPES[type],
    expectedAttachType: attachType && ATTACH_TYPES[attachType],
    instructions,
    instructionCount: instructions.length / 8,
    license: Buffer.from(`${license}\0`),
    name: checkName(name),
    flags: flags.reduce((bits, flag) => bits | PROGRAM_FLAGS[flag], 0),
  };
}

function bytesOf({ instructions, maps = {} }: ProgramSpec): Uint8Array {
  const bytes = instructions instanceof Uint8Array ? instructions : assemble(instructions, { maps });
  if (bytes.length === 0 || bytes.length % 8 !== 0) throw encodeError(`a BPF program of ${bytes.length} bytes`);
  return bytes;
}

/** Errors that come before the verifier has a word to say. */
const SILENT = ['EPERM', 'ENOMEM', 'EMFILE', 'ENFILE', 'EAGAIN', 'EINTR'].map(errnoOf);
const TAIL_LINES = 4;

function loadError(op: string, errno: number, values: LoadValues): Error {
  const log = SILENT.includes(errno) ? '' : readVerifierLog(values, 1);
  if (log === '') return bpfError(op, errno);
  const lines = log.trimEnd().split('\n');
  const tail = lines.filter((line) => !/^(processed|verification time|stack depth)/.test(line)).slice(-TAIL_LINES);
  const advice = `the verifier says: ${tail.join(' | ')}`;
  return new KernelError({ op, errno, advice, log }, 'KERNEL_BPF_VERIFIER');
}

const FIRST_LOG = 64 * 1024;
const LAST_LOG = 64 * 1024 * 1024;

/** Loads again for the sake of the log; ENOSPC says that it was longer than the room for it. */
function readVerifierLog(values: LoadValues, logLevel: 1 | 2): string {
  for (let size = FIRST_LOG; ; size *= 8) {
    const log = Buffer.alloc(size);
    const result = tryBpf(BPF.PROG_LOAD, { ...values, log, logSize: size, logLevel });
    if (result === -errnoOf('ENOSPC') && size * 8 <= LAST_LOG) continue;
    if (result >= 0) new BpfProgram(result, '').close();
    return log.toString('utf8', 0, Math.max(log.indexOf(0), 0));
  }
}

/** Opens a program by its pin. */
export function openPinnedProgram(path: string): BpfProgram {
  return named(openPin(path, 'prog'), path);
}

/** Opens a program by its number (`ProgramInfo.id`, `bpftool prog`). */
export function openProgramById(id: number): BpfProgram {
  return named(
    bpf(BPF.PROG_GET_FD_BY_ID, { id }, () => `open BPF program ${id}`),
    String(id),
  );
}

/** Reading the info also shows that it is a program. */
function named(fd: number, label: string): BpfProgram {
  const program = new BpfProgram(fd, label);
  try {
    const { name } = program.info();
    return name === '' ? program : new BpfProgram(fd, name);
  } catch (error) {
    program.close();
    throw error;
  }
}

/** The numbers of all programs on the machine. */
export function programIds(): number[] {
  return idsOf(BPF.PROG_GET_NEXT_ID, 'programs');
}
