import { NAMES } from './constant-name.ts';
import { nftError } from './errors.ts';
import type { RejectReason, TableFamily } from './model.ts';

/** The answer of a reject statement, with the number that goes on the wire. */
export type RejectAnswer =
  | { readonly protocol: 'tcp' }
  | { readonly protocol: 'icmp' | 'icmpv6' | 'icmpx'; readonly name: string; readonly code: number };

const CODES = { icmp: NAMES.icmp_code, icmpv6: NAMES.icmpv6_code, icmpx: NAMES.icmpx_code } as const;

/** What a reason is called where the protocol has another word for it. */
const SYNONYMS: Readonly<Record<keyof typeof CODES, Readonly<Partial<Record<RejectReason, string>>>>> = {
  icmp: { 'no-route': 'net-unreachable', 'addr-unreachable': 'host-unreachable' },
  icmpv6: { 'host-unreachable': 'addr-unreachable', 'net-unreachable': 'no-route' },
  icmpx: { 'addr-unreachable': 'host-unreachable', 'net-unreachable': 'no-route' },
};

/** Throws NFT_BAD_RULESET when the protocol has no such answer. */
export function rejectAnswer(reason: RejectReason, family: TableFamily, given?: keyof typeof CODES): RejectAnswer {
  if (reason === 'tcp-reset') return { protocol: 'tcp' };
  const protocol = given ?? (family === 'ip' ? 'icmp' : family === 'ip6' ? 'icmpv6' : 'icmpx');
  const codes: Readonly<Record<string, number>> = CODES[protocol];
  const name = codes[reason] === undefined ? SYNONYMS[protocol][reason] : reason;
  const code = name === undefined ? undefined : codes[name];
  if (name === undefined || code === undefined || name === 'frag-needed')
    throw nftError('NFT_BAD_RULESET', `${protocol} has no answer ${reason}; it has ${Object.keys(codes).join(', ')}`);
  return { protocol, name, code };
}
