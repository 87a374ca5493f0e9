import fs from 'node:fs';
import { PodwireError } from '@podwire/base';
import { errnoOf } from '../errno.ts';
import { encodeError } from '../errors.ts';
import { libc } from '../libc.ts';
import { answered, type BpfCommand, bpf, bpfError, tryBpf } from './bpf-call.ts';
import { BPF } from './bpf-command.ts';

/** The kernel keeps 16 bytes for a name, the last one zero (BPF_OBJ_NAME_LEN). */
const NAME_LENGTH = 15;

/** A name as the kernel takes it: up to 15 letters, digits, `_` and `.`. Throws KERNEL_ENCODE. */
export function checkName(name: string): string {
  if (/^[\w.]*$/.test(name) && name.length <= NAME_LENGTH) return name;
  throw encodeError(`"${name}" as the name of a BPF object: up to 15 letters, digits, _ and . are possible`);
}

/** A path as the kernel reads it. */
function pathBytes(path: string): Buffer {
  if (path.includes('\0')) throw encodeError(`a path with a zero byte: ${JSON.stringify(path)}`);
  return Buffer.from(`${path}\0`);
}

/**
 * A map, program or link that is held by a descriptor. The object lives on in the kernel while a descriptor, a pin or
 * another object holds it.
 */
export abstract class BpfObject implements Disposable {
  /** For messages: `map services`. */
  abstract readonly label: string;
  #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Throws KERNEL_CLOSED after close(). */
  get fd(): number {
    if (this.#fd < 0) throw new PodwireError('KERNEL_CLOSED', `BPF ${this.label} is closed; make or open it again`);
    return this.#fd;
  }

  get closed(): boolean {
    return this.#fd < 0;
  }

  /** Gives the object a name in a bpf file system (mostly /sys/fs/bpf), where it lives on until the file is removed. */
  pin(path: string): void {
    bpf(BPF.OBJ_PIN, { path: pathBytes(path), fd: this.fd }, () => `pin BPF ${this.label} at ${path}`);
  }

  /** Gives up the descriptor; a second call does nothing. */
  close(): void {
    if (this.#fd >= 0) libc.close(this.#fd);
    this.#fd = -1;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** The descriptor of the object pinned at a path. Throws KERNEL_ENCODE when it is of another kind. */
export function openPin(path: string, kind: 'map' | 'prog' | 'link'): number {
  const fd = bpf(BPF.OBJ_GET, { path: pathBytes(path) }, () => `open the BPF object pinned at ${path}`);
  const actual = /bpf.(map|prog|link)/.exec(fs.readlinkSync(`/proc/self/fd/${fd}`))?.[1];
  if (actual === kind || actual === undefined) return fd;
  libc.close(fd);
  throw encodeError(`what is pinned at ${path} as a BPF ${kind}: it is a ${actual}`);
}

/** All ids of one kind of object. */
export function idsOf(command: BpfCommand<'id' | 'nextId'>, what: string): number[] {
  const ids: number[] = [];
  for (let id = 0; ; ids.push(id)) {
    const result = tryBpf(command, { id });
    if (result === -errnoOf('ENOENT')) return ids;
    if (result < 0) throw bpfError(`list BPF ${what}`, -result);
    id = answered(command, 'nextId');
  }
}
