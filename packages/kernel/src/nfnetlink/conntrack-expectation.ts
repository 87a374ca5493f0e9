import type { Family } from '@podwire/base';
import { DecodeError } from '../errors.ts';
import type { AttributesOf } from '../netlink/attribute.ts';
import type { Netlink } from '../netlink/netlink.ts';
import { attributesAfter, encodeBody } from '../netlink/netlink-message.ts';
import { EXPECTATION_MSG, expectationAttributes } from './conntrack-table.ts';
import { type ConnectionProtocol, type ConnectionTuple, decodeTuple } from './conntrack-tuple.ts';
import { NFNL_SUBSYS, nfgenmsg, nfnetlinkType } from './nfgenmsg.ts';

type Values = AttributesOf<typeof expectationAttributes.rows>;

/** A connection that belongs to another one and that a helper, or nft's `ct expectation`, waits for: an FTP transfer. */
export interface Expectation {
  readonly family: Family;
  readonly protocol: ConnectionProtocol;
  /** The first packet has to be like this ... */
  readonly tuple: ConnectionTuple;
  /** ... in the bits that are set here. */
  readonly mask: ConnectionTuple;
  /** The original tuple of the connection it belongs to. */
  readonly master: ConnectionTuple & { readonly protocol: ConnectionProtocol };
  /** Seconds. */
  readonly timeout?: number;
  readonly id?: number;
  readonly zone?: number;
  readonly helper?: string;
  readonly flags?: NonNullable<Values['flags']>;
  readonly class?: number;
  /** The new connection will be translated like its master: which direction, to what. */
  readonly nat?: { readonly direction: 'original' | 'reply' | number; readonly tuple: ConnectionTuple };
  readonly function?: string;
}

/** All expectations of the socket's netns (conntrack -L expect); the socket is of the protocol `netfilter`. */
export function listExpectations(netlink: Netlink): Expectation[] {
  const type = nfnetlinkType(NFNL_SUBSYS.EXPECTATION, EXPECTATION_MSG.GET);
  const body = encodeBody(nfgenmsg, {}, expectationAttributes, {});
  const answers = netlink.dump({ type, flags: 0, body, op: 'list expectations' });
  return answers.map((answer) => decodeExpectation(answer.body));
}

/** Throws DecodeError. */
export function decodeExpectation(body: Buffer): Expectation {
  const values = expectationAttributes.read(attributesAfter(body, nfgenmsg.size));
  const { tuple, mask, master, timeout, id, zone, helper, flags, class: kind, function: name } = values;
  if (!tuple || !mask || !master) throw new DecodeError('an expectation without its tuples');
  const [expected, over] = [decodeTuple(tuple), decodeTuple(master)];
  return {
    family: expected.family,
    protocol: expected.protocol,
    tuple: expected.tuple,
    mask: decodeTuple(mask).tuple,
    master: { protocol: over.protocol, ...over.tuple },
    ...(timeout !== undefined && { timeout }),
    ...(id !== undefined && { id }),
    ...(zone !== undefined && { zone }),
    ...(helper !== undefined && helper !== '' && { helper }),
    ...(flags !== undefined && { flags }),
    ...(kind !== undefined && { class: kind }),
    ...natFrom(values),
    ...(name !== undefined && { function: name }),
  };
}

function natFrom({ nat }: Values): Pick<Expectation, 'nat'> {
  if (!nat?.tuple || nat.direction === undefined) return {};
  return { nat: { direction: nat.direction, tuple: decodeTuple(nat.tuple).tuple } };
}
