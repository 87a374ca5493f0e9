import { type DirectMember, directReturn } from '../direct-return.ts';
import { type Entry, isInternal, retarget } from '../entry.ts';
import type { Place } from '../ruleset/service-plan.ts';
import { portTargets } from '../target.ts';

/** An external address and port with direct server return. */
export interface DirectEntry {
  /** For clients outside the endpoints of this node, as far as it has any. */
  readonly entry: Entry;
  readonly members: readonly DirectMember[];
  /** Its endpoints see clients as they are. */
  readonly keepsSource: boolean;
}

/** Undefined: it is served the ordinary way. */
export function directEntry(entry: Entry, place: Place): DirectEntry | undefined {
  if (isInternal(entry.kind) || entry.kind === 'node port') return undefined;
  const { service, port } = entry.source;
  const direct = directReturn(service, port, place);
  if (!direct || 'refusal' in direct) return undefined;
  const { members } = direct;
  const { external: here } = portTargets({ ...service, externalLocal: true }, port, place);
  // what another node hands over although there is none
  if (here.kind !== 'serve') return { entry, members, keepsSource: false };
  return { entry: retarget(entry, { target: here, inside: entry.target }), members, keepsSource: true };
}

/** `; direct return by node-1 (2), node-2 (1, by 172.30.0.12)` */
export function describeDirect({ members }: DirectEntry): string {
  const named = members.map(({ node, address, weight }) => `${node} (${weight}${address ? `, by ${address}` : ''})`);
  return `; direct return by ${named.join(', ')}`;
}
