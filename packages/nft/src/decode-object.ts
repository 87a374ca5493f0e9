import type { AttributesOf } from '@podwire/kernel';
import { NFPROTO, type nftFlowtable, type nftObject } from '@podwire/kernel/nfnetlink';
import { synproxyOf } from './decode-simple.ts';
import { counterOf, quotaOf, rateOf } from './decode-state.ts';
import type { Flowtable, NamedObject } from './model.ts';
import { readComment } from './read-userdata.ts';

type ObjectAttributes = AttributesOf<(typeof nftObject)['rows']>;
type Data<K extends string> = Extract<NamedObject, { kind: K }>;

/** A named object with what it has counted; undefined for the kinds that have no place in the model (tunnels). */
export function decodeObject({ name = '', type, data, userdata }: ObjectAttributes): NamedObject | undefined {
  const comment = readComment(userdata);
  const base = { name, ...(comment !== undefined && { comment }) };
  const content = contentOf(String(type), data);
  return content && ({ ...base, ...content } as NamedObject);
}

const L3 = { [NFPROTO.ip]: 'ip', [NFPROTO.ip6]: 'ip6', [NFPROTO.inet]: 'inet' } as const;
const l3 = (number: number | undefined): { l3proto?: 'ip' | 'ip6' | 'inet' } => {
  const l3proto = L3[number as keyof typeof L3];
  return l3proto === undefined ? {} : { l3proto };
};

function contentOf(type: string, data: unknown): object | undefined {
  // biome-ignore lint/suspicious/noExplicitAny: the layout is the one that `type` chose
  const given = (data ?? {}) as any;
  switch (type) {
    case 'counter':
      return { kind: type, ...counterOf(given) };
    case 'quota':
      return { kind: type, ...quotaOf(given) };
    case 'limit':
      return { kind: type, ...rateOf(given) };
    case 'synproxy':
      return { kind: type, ...synproxyOf(given) };
    case 'secmark':
      return { kind: type, context: String(given.context) };
    case 'ct helper':
      return { kind: type, helper: given.name, protocol: given.l4proto, ...l3(given.l3proto) } satisfies Omit<
        Data<'ct helper'>,
        'name'
      >;
    case 'ct timeout':
      return { kind: type, protocol: given.l4proto, ...l3(given.l3proto), policy: policyOf(given.data) };
    case 'ct expectation':
      return {
        kind: type,
        protocol: given.l4proto,
        ...l3(given.l3proto),
        dport: given.dport,
        timeout: given.timeout / 1000,
        size: given.size,
      };
    default:
      return undefined;
  }
}

/** What the kernel fills in: nf_conntrack_proto_tcp.c, nf_conntrack_proto_udp.c. */
const DEFAULTS: Readonly<Record<string, number>> = {
  ...{ syn_sent: 120, syn_recv: 60, established: 432_000, fin_wait: 120, close_wait: 60, last_ack: 30 },
  ...{ time_wait: 120, close: 10, syn_sent2: 120, retrans: 300, unack: 300, unreplied: 30, replied: 120 },
};

/** Seconds by state, in nft's names. */
function policyOf(data: Readonly<Record<string, number>> | undefined): Record<string, number> {
  const rows = Object.entries(data ?? {}).filter(([, seconds]) => typeof seconds === 'number');
  return usualLeftOut(Object.fromEntries(rows.map(([state, seconds]) => [state.replaceAll('-', '_'), seconds])));
}

/** A timeout policy without the states that wait as long as the kernel lets them anyway. */
export function usualLeftOut(policy: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(policy).filter(([state, seconds]) => seconds !== DEFAULTS[state]));
}

type FlowtableAttributes = AttributesOf<(typeof nftFlowtable)['rows']>;

export function decodeFlowtable({ name = '', hook, flags = [] }: FlowtableAttributes): Flowtable {
  return {
    name,
    priority: hook?.priority ?? 0,
    devices: hook?.devices?.name ?? [],
    ...(flags.includes('offload') && { offload: true }),
    ...(flags.includes('counter') && { counter: true }),
  };
}
