import fs from 'node:fs';
import { checkCall } from '../errors.ts';
import { libc } from '../libc.ts';

/** Requests of ioctl_tty(2), as on every architecture Node runs on but MIPS, PowerPC and SPARC. */
const TIOC = { SWINSZ: 0x5414, GPTN: 0x80045430, SPTLCK: 0x40045431, GPTPEER: 0x5441 } as const;
const O_CLOEXEC = 0o2000000;
const { O_RDWR, O_NOCTTY } = fs.constants;

/** The two ends of a terminal, both open in this process only: whoever has them closes them. */
export interface Pseudoterminal {
  /** What is written here is typed; what is read here is shown. */
  readonly master: number;
  /** The terminal of a program: its stdin, stdout and stderr. */
  readonly slave: number;
  /** `/dev/pts/7`: the slave in the devpts of the calling thread's mount namespace. */
  readonly path: string;
}

/**
 * Makes a pseudoterminal (pts(4)) of no size. Reading the master fails with EIO when nobody has the slave open any more.
 * A program gets it as controlling terminal when, leader of a session without one, it opens `path`. Throws KernelError.
 */
export function openPseudoterminal(): Pseudoterminal {
  const master = fs.openSync('/dev/ptmx', O_RDWR | O_NOCTTY);
  try {
    const number = Buffer.alloc(4);
    checkCall(libc.ioctl(master, TIOC.SPTLCK, Buffer.alloc(4)), () => 'unlock a pseudoterminal');
    checkCall(libc.ioctl(master, TIOC.GPTN, number), () => 'number a pseudoterminal');
    const slave = libc.ioctlNumber(master, TIOC.GPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    checkCall(slave, () => 'open the other end of a pseudoterminal');
    return { master, slave, path: `/dev/pts/${number.readUInt32LE()}` };
  } catch (error) {
    fs.closeSync(master);
    throw error;
  }
}

/** Gives the terminal a size in characters, 0 to 65535 each; the programs in its foreground get SIGWINCH if it changes. */
export function resizePseudoterminal(master: number, columns: number, rows: number): void {
  const size = Buffer.alloc(8);
  size.writeUInt16LE(rows, 0);
  size.writeUInt16LE(columns, 2);
  checkCall(libc.ioctl(master, TIOC.SWINSZ, size), () => `resize a terminal to ${columns}x${rows}`);
}
