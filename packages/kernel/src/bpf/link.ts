import { errnoOf } from '../errno.ts';
import { bpf, bpfError, tryBpf } from './bpf-call.ts';
import { BPF } from './bpf-command.ts';
import { BpfObject, idsOf, openPin } from './bpf-object.ts';
import { decodeLinkInfo, type LinkInfo, readInfo } from './object-info.ts';
import type { BpfProgram } from './program.ts';
import { ATTACH_TYPES, type AttachType } from './program-type.ts';

/** BPF_F_REPLACE: an update succeeds only if the old program is the one that is given. */
const F_REPLACE = 1 << 2;

/**
 * A program at its hook. It stays there while a descriptor or a pin holds the link: close() of an unpinned link takes
 * the program off, and so does the end of the process.
 */
export class BpfLink extends BpfObject {
  readonly label: string;

  constructor(fd: number, label: string) {
    super(fd);
    this.label = `link ${label}`;
  }

  /** Exchanges the program without a gap; with `old` only if that is the program now (else EPERM). */
  update(program: BpfProgram, old?: BpfProgram): void {
    const flags = old === undefined ? 0 : F_REPLACE;
    const values = { linkFd: this.fd, programFd: program.fd, oldProgramFd: old?.fd, flags };
    bpf(BPF.LINK_UPDATE, values, () => `update BPF ${this.label} to ${program.label}`);
  }

  /** Takes the program off for good, whoever else holds the link; Linux 5.9. */
  detach(): void {
    bpf(BPF.LINK_DETACH, { linkFd: this.fd }, () => `detach BPF ${this.label}`);
  }

  info(): LinkInfo {
    return decodeLinkInfo(readInfo(this.fd, this.label));
  }
}

/** Opens a link by its pin. */
export function openPinnedLink(path: string): BpfLink {
  return checked(openPin(path, 'link'), path);
}

/** Opens a link by its number (`LinkInfo.id`, `bpftool link`). */
export function openLinkById(id: number): BpfLink {
  return checked(
    bpf(BPF.LINK_GET_FD_BY_ID, { id }, () => `open BPF link ${id}`),
    String(id),
  );
}

function checked(fd: number, label: string): BpfLink {
  const link = new BpfLink(fd, label);
  try {
    link.info();
    return link;
  } catch (error) {
    link.close();
    throw error;
  }
}

/** The numbers of all links on the machine. */
export function linkIds(): number[] {
  return idsOf(BPF.LINK_GET_NEXT_ID, 'links');
}

export interface LinkTarget {
  readonly program: BpfProgram;
  /** A descriptor or an interface index. */
  readonly target: number;
  readonly attachType: AttachType;
  readonly flags?: number;
  readonly label: string;
}

export function createLink({ program, target, attachType, flags, label }: LinkTarget): BpfLink {
  const values = { programFd: program.fd, target, attachType: ATTACH_TYPES[attachType], flags };
  const fd = tryBpf(BPF.LINK_CREATE, values);
  if (fd < 0) {
    const advice = 'the program is of another type, or this kernel is too old for this kind of link';
    throw bpfError(`attach BPF ${program.label} to ${label}`, -fd, fd === -errnoOf('EINVAL') ? { advice } : {});
  }
  return new BpfLink(fd, label);
}

/**
 * Attaches to packets of a link at its lower edge, tcx (Linux 6.6); the program is of type sched_cls. The index is that of a
 * link in the calling thread's network namespace; for a link elsewhere:
 *
 *     const attachment = netns.run(() => attachTcx(program, index, 'egress'));
 */
export function attachTcx(program: BpfProgram, ifindex: number, direction: 'ingress' | 'egress'): BpfLink {
  const attachType = direction === 'ingress' ? 'tcx_ingress' : 'tcx_egress';
  return createLink({ program, target: ifindex, attachType, label: `tcx ${direction} of link ${ifindex}` });
}

const XDP_MODES = { skb: 1 << 1, driver: 1 << 2, hardware: 1 << 3 } as const;

/**
 * Attaches an xdp program to received packets before the stack sees them (Linux 5.9). `skb` works on every link. The index is
 * that of a link in the calling thread's network namespace; for a link elsewhere:
 *
 *     const attachment = netns.run(() => attachXdp(program, index));
 */
export function attachXdp(program: BpfProgram, ifindex: number, mode: keyof typeof XDP_MODES = 'skb'): BpfLink {
  const label = `xdp of link ${ifindex}`;
  return createLink({ program, target: ifindex, attachType: 'xdp', flags: XDP_MODES[mode], label });
}

/** Attaches to a network namespace: sk_lookup chooses sockets for incoming packets (Linux 5.9). */
export function attachNetns(
  program: BpfProgram,
  netns: { readonly fd: number; readonly path: string },
  attachType: 'sk_lookup' | 'flow_dissector' = 'sk_lookup',
): BpfLink {
  return createLink({ program, target: netns.fd, attachType, label: `${attachType} of ${netns.path}` });
}
