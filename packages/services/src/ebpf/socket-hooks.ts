import fs from 'node:fs';
import path from 'node:path';
import { hasCode, messageOf } from '@podwire/base';
import { isErrno, KernelError } from '@podwire/kernel';
import {
  attachCgroup,
  type BpfProgram,
  type CgroupAttachment,
  type CgroupAttachType,
  type Instruction,
  loadProgram,
  openPinnedLink,
  tryFunction,
} from '@podwire/kernel/bpf';
import { release } from './least-connections.ts';
import { type Place, unpin } from './place.ts';
import { reverseTranslation, translation } from './program.ts';
import type { SocketMaps } from './socket-maps.ts';

/**
 * What sockets do, and who looks at it, in the order of attaching: names are translated back before they are translated, and
 * nothing is counted that would stay so.
 */
const HOOKS = {
  release: ['cgroup_inet_sock_release', () => release()],
  getpeername4: ['cgroup_inet4_getpeername', () => reverseTranslation({ family: 'ipv4', datagrams: false })],
  getpeername6: ['cgroup_inet6_getpeername', () => reverseTranslation({ family: 'ipv6', datagrams: false })],
  recvmsg4: ['cgroup_udp4_recvmsg', () => reverseTranslation({ family: 'ipv4', datagrams: true })],
  recvmsg6: ['cgroup_udp6_recvmsg', () => reverseTranslation({ family: 'ipv6', datagrams: true })],
  connect4: ['cgroup_inet4_connect', (canRefuse) => translation({ family: 'ipv4', datagrams: false, canRefuse })],
  connect6: ['cgroup_inet6_connect', (canRefuse) => translation({ family: 'ipv6', datagrams: false, canRefuse })],
  sendmsg4: ['cgroup_udp4_sendmsg', (canRefuse) => translation({ family: 'ipv4', datagrams: true, canRefuse })],
  sendmsg6: ['cgroup_udp6_sendmsg', (canRefuse) => translation({ family: 'ipv6', datagrams: true, canRefuse })],
} as const satisfies Record<string, readonly [CgroupAttachType, (canRefuse: boolean) => Instruction[]]>;

/** What the names of pinned links begin with. */
const LINK = 'link-';

export type Hook = keyof typeof HOOKS;
export const HOOK_NAMES = Object.keys(HOOKS) as readonly Hook[];

/** A program at its hook. */
interface Attached {
  readonly attachment: CgroupAttachment;
  readonly programId: number;
}

/** The programs at the cgroup: links that are pinned there are taken over, their programs exchanged without a gap. */
export class SocketHooks {
  readonly #place: Place;
  readonly #maps: SocketMaps;
  readonly #attached = new Map<Hook, Attached>();
  /** Hooks this kernel does not have, and why. */
  readonly lacking = new Map<Hook, string>();

  constructor(place: Place, maps: SocketMaps) {
    this.#place = place;
    this.#maps = maps;
  }

  /** How many programs were put in place; 0 when all are there. */
  attach(look: boolean): number {
    const missing = HOOK_NAMES.filter((hook) => !this.lacking.has(hook) && !this.#isThere(hook, look));
    if (missing.length === 0) return 0;
    const canRefuse = canSayRefused();
    for (const hook of missing) this.#attach(hook, canRefuse);
    return missing.length;
  }

  get count(): number {
    return this.#attached.size;
  }

  /** Hooks whose program is not there any more. */
  missing(): Hook[] {
    return HOOK_NAMES.filter((hook) => !this.lacking.has(hook) && !this.#isThere(hook, true));
  }

  /** Pinned programs stay where they are. */
  close(): void {
    if (this.#place.pins === undefined) this.detach();
    for (const { attachment } of this.#attached.values()) attachment.close();
    this.#attached.clear();
  }

  /** Takes the programs off at once; closing the last descriptor of a link does so a little later. */
  detach(): void {
    for (const { attachment } of this.#attached.values()) attachment.link?.detach();
  }

  #isThere(hook: Hook, look: boolean): boolean {
    const attached = this.#attached.get(hook);
    if (!attached || !look) return attached !== undefined;
    const { link } = attached.attachment;
    const pin = this.#pinOf(hook);
    if (link && pin !== undefined && !fs.existsSync(pin)) return false;
    const info = link?.info();
    return !info || (info.programId === attached.programId && info.cgroupId === this.#cgroupId());
  }

  #pinOf(hook: Hook): string | undefined {
    return this.#place.pins && path.join(this.#place.pins, `${LINK}${hook}`);
  }

  #cgroupId(): bigint {
    return fs.statSync(this.#place.cgroup, { bigint: true }).ino;
  }

  #attach(hook: Hook, canRefuse: boolean): void {
    const [attachType, instructions] = HOOKS[hook];
    try {
      const { maps } = this.#maps;
      const type = hook === 'release' ? 'cgroup_sock' : 'cgroup_sock_addr';
      const spec = { type, attachType, name: `pw_${hook}`, maps } as const;
      using program = loadProgram({ ...spec, instructions: instructions(canRefuse) });
      const before = this.#attached.get(hook);
      this.#attached.set(hook, { attachment: this.#fasten(hook, program), programId: program.info().id });
      // after it: for a moment there are two, and the second finds nothing to do
      before?.attachment.close();
    } catch (error) {
      if (!(error instanceof KernelError) || hasCode(error, 'KERNEL_BPF_VERIFIER') || !isErrno(error, 'EINVAL'))
        throw error;
      this.lacking.set(hook, messageOf(error));
    }
  }

  #fasten(hook: Hook, program: BpfProgram): CgroupAttachment {
    const { cgroup } = this.#place;
    const [attachType] = HOOKS[hook];
    const pin = this.#pinOf(hook);
    const found = pin && adoptLink(pin, program, this.#cgroupId());
    if (found) return found;
    const attachment = attachCgroup(program, { path: cgroup, attachType });
    if (pin) attachment.link?.pin(pin);
    return attachment;
  }
}

/** Undefined when there is no pinned link, or its cgroup is another one or is gone. */
function adoptLink(pin: string, program: BpfProgram, cgroupId: bigint): CgroupAttachment | undefined {
  try {
    const link = openPinnedLink(pin);
    if (link.info().cgroupId === cgroupId) {
      link.update(program);
      const close = () => link.close();
      return { link, update: (next) => link.update(next), close, [Symbol.dispose]: close };
    }
    link.close();
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOLINK') && !hasCode(error, 'KERNEL_ENCODE')) throw error;
  }
  unpin(pin);
  return undefined;
}

function canSayRefused(): boolean {
  try {
    tryFunction('cgroup_sock_addr', 'set_retval', 'cgroup_inet4_connect');
    return true;
  } catch (error) {
    if (error instanceof KernelError) return false;
    throw error;
  }
}

/** Takes off what an earlier process has left, and removes its pins. */
export function removePins(pins: string): void {
  if (!fs.existsSync(pins)) return;
  for (const name of fs.readdirSync(pins)) {
    const pin = path.join(pins, name);
    if (name.startsWith(LINK)) detachPinned(pin);
    unpin(pin);
  }
  fs.rmdirSync(pins);
  try {
    fs.rmdirSync(path.dirname(pins));
  } catch {
    // other nodes have pins there
  }
}

function detachPinned(pin: string): void {
  using link = openPinnedLink(pin);
  link.detach();
}
