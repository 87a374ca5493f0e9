import type { Attachment } from './attachment.ts';
import { hostLinkName, parseAlias, podMac } from './attachment.ts';
import type { PodsRecord } from './record.ts';
import { BRIDGE_LINK } from './wire-plan.ts';

/** A host end found in the kernel. */
export interface HostLink {
  readonly name: string;
  readonly alias: string | undefined;
  readonly master: string | undefined;
  readonly mtu: number;
}

export interface Reconciled {
  /** What is true: in the kernel, and recorded or adopted. */
  readonly attachments: readonly Attachment[];
  /** Recorded, but the wire is gone: their addresses are free. */
  readonly orphans: readonly Attachment[];
  /** Wires whose record was lost, known by their alias. Host ports are not in it. */
  readonly adopted: readonly Attachment[];
  /** Host ends of ours that belong to nothing, left by a crash in the middle of an ADD. */
  readonly strays: readonly string[];
}

/** POD-14: the kernel is right; the record only says what the kernel cannot. */
export function reconcile(record: PodsRecord | undefined, links: readonly HostLink[]): Reconciled {
  const recorded = record?.attachments ?? [];
  const live = new Set(links.map((link) => link.name));
  const known = new Set(recorded.map((a) => a.hostLink));
  const unknown = links.filter((link) => !known.has(link.name)).map((link) => ({ link, attachment: adopt(link) }));
  const kept = recorded.filter((a) => live.has(a.hostLink));
  const adopted = unknown.map((u) => u.attachment).filter((a) => a !== undefined);
  return {
    attachments: [...kept, ...adopted],
    orphans: recorded.filter((a) => !live.has(a.hostLink)),
    adopted,
    strays: unknown.filter((u) => u.attachment === undefined).map((u) => u.link.name),
  };
}

function adopt({ name, alias, master, mtu }: HostLink): Attachment | undefined {
  const told = parseAlias(alias ?? '');
  if (!told || hostLinkName(told.containerId, told.ifName) !== name) return undefined;
  const wiring = master === BRIDGE_LINK ? 'bridge' : 'ptp';
  return { ...told, netnsPath: '', mac: podMac(told.address), mtu, wiring, hostLink: name, hostPorts: [] };
}
