import type { AttributesOf, AttributeTable } from '../netlink/attribute.ts';
import { ByteWriter } from '../netlink/byte-writer.ts';
import { openNetlink } from '../netlink/netlink.ts';
import { encodeBody, type NetlinkMessage, NLM_F } from '../netlink/netlink-message.ts';
import {
  NFNL_SUBSYS,
  NFPROTO,
  NFT_MSG,
  nfgenmsg,
  nfnetlinkType,
  nftChain,
  nftElements,
  type nftExpression,
  nftFlowtable,
  nftRule,
  nftSet,
  nftTable,
} from '../nfnetlink/index.ts';
import { featuresOf } from './feature.ts';

type Expression = AttributesOf<typeof nftExpression.rows>;
type SetValues = AttributesOf<typeof nftSet.rows>;

interface NftTrial {
  readonly use: string;
  readonly family?: keyof typeof NFPROTO;
  readonly chain?: { readonly type: string; readonly hook: number; readonly device?: string };
  readonly set?: SetValues;
  readonly element?: NonNullable<AttributesOf<typeof nftElements.rows>['elements']>[number];
  readonly flowtable?: boolean;
  readonly expressions?: readonly Expression[];
}

const BATCH = { BEGIN: 16, END: 17 } as const;
const HOOK = { PREROUTING: 0, INPUT: 1, FORWARD: 2, POSTROUTING: 4 } as const;
const NAME = 'probe';

const filter = { type: 'filter', hook: HOOK.PREROUTING } as const;
const dstnat = { type: 'nat', hook: HOOK.PREROUTING } as const;
const word = Buffer.from([192, 0, 2, 1]);
const load = { name: 'immediate', data: { dreg: 1, data: { value: word } } };
const loadAddress6 = { name: 'immediate', data: { dreg: 1, data: { value: Buffer.alloc(16) } } };
const dup = { name: 'dup', data: { address: 1 } };
const loadPort = { name: 'immediate', data: { dreg: 1, data: { value: Buffer.from([0, 80]) } } };
const onlyTcp = [
  { name: 'meta', data: { key: 'l4proto', dreg: 1 } },
  { name: 'cmp', data: { sreg: 1, op: '==', data: { value: Buffer.from([6]) } } },
] as const;
const plainSet = { keyType: 7, keyLength: 4 } as const;

/** Each is a table with what the feature takes, committed and thrown away. */
export const NFT_FEATURES = featuresOf(
  {
    nftables: { use: 'every rule podwire writes' },
    'nft-inet': { use: 'rules for IPv4 and IPv6 at once', family: 'inet' },
    'nft-bridge': { use: 'rules on bridges', family: 'bridge', chain: filter },
    'nft-ingress': { use: 'rules before routing', family: 'netdev', chain: { ...filter, device: 'lo' } },
    'nft-egress': { use: 'rules after routing', family: 'netdev', chain: { type: 'filter', hook: 1, device: 'lo' } },
    'nft-ct': { use: 'connection tracking', expressions: [{ name: 'ct', data: { key: 'state', dreg: 1 } }] },
    'nft-fib': {
      use: 'addresses of the node, anti-spoofing',
      expressions: [{ name: 'fib', data: { dreg: 1, result: 'type', flags: ['daddr'] } }],
    },
    'nft-numgen': {
      use: 'random and round robin balancing',
      expressions: [{ name: 'numgen', data: { dreg: 1, modulus: 2, type: 'random', offset: 0 } }],
    },
    'nft-jhash': {
      use: 'balancing by hash',
      expressions: [
        load,
        { name: 'hash', data: { sreg: 1, dreg: 1, length: 4, modulus: 2, seed: 1, type: 'jenkins' } },
      ],
    },
    'nft-nat': {
      use: 'Services, hostPort',
      chain: dstnat,
      expressions: [load, { name: 'nat', data: { type: 'dnat', family: NFPROTO.ip, addressMin: 1 } }],
    },
    'nft-masq': { use: 'masquerade', chain: { type: 'nat', hook: HOOK.POSTROUTING }, expressions: [{ name: 'masq' }] },
    'nft-redirect': {
      use: 'redirection to the node',
      chain: dstnat,
      expressions: [...onlyTcp, loadPort, { name: 'redir', data: { portMin: 1 } }],
    },
    'nft-tproxy': {
      use: 'transparent proxies',
      expressions: [...onlyTcp, loadPort, { name: 'tproxy', data: { family: NFPROTO.ip, port: 1 } }],
    },
    'nft-reject': {
      use: 'refusals that are told',
      chain: { type: 'filter', hook: HOOK.INPUT },
      expressions: [{ name: 'reject', data: { type: 'icmp', code: 3 } }],
    },
    'nft-dup': { use: 'direct server return', expressions: [load, dup] },
    'nft-dup-ipv6': {
      use: 'direct server return by IPv6',
      family: 'ip6',
      chain: filter,
      expressions: [loadAddress6, dup],
    },
    'nft-limit': {
      use: 'rate limits',
      expressions: [{ name: 'limit', data: { rate: 10n, unit: 1n, burst: 5, type: 'packets' } }],
    },
    'nft-quota': { use: 'quotas', expressions: [{ name: 'quota', data: { bytes: 1000n } }] },
    'nft-connlimit': { use: 'limits of connections', expressions: [{ name: 'connlimit', data: { count: 10 } }] },
    'nft-log': { use: 'logged verdicts', expressions: [{ name: 'log', data: { group: 1 } }] },
    'nft-queue': { use: 'verdicts of programs', expressions: [{ name: 'queue', data: { number: 0, total: 1 } }] },
    'nft-notrack': { use: 'packets without tracking', expressions: [{ name: 'notrack', data: {} }] },
    'nft-socket': {
      use: 'packets of local sockets',
      expressions: [{ name: 'socket', data: { key: 'transparent', dreg: 1 } }],
    },
    'nft-synproxy': {
      use: 'protection from SYN floods',
      chain: { type: 'filter', hook: HOOK.INPUT },
      expressions: [...onlyTcp, { name: 'synproxy', data: { mss: 1460, wscale: 7, flags: ['mss', 'wscale'] } }],
    },
    'nft-map': {
      use: 'Services in shared maps',
      set: { ...plainSet, flags: ['map'], dataType: 7, dataLength: 4 },
      element: { key: { value: word }, data: { value: word } },
    },
    'nft-verdict-map': {
      use: 'rules by key',
      set: { ...plainSet, flags: ['map'], dataType: 0xffffff00, dataLength: 0 },
    },
    'nft-interval': {
      use: 'prefixes in sets',
      set: { ...plainSet, flags: ['interval'] },
      element: { key: { value: word } },
    },
    'nft-concat-interval': {
      use: 'policies: prefixes together with ports',
      set: {
        keyType: (7 << 6) | 13,
        keyLength: 8,
        flags: ['interval', 'concat'],
        description: { fields: [{ length: 4 }, { length: 2 }] },
      },
    },
    'nft-dynamic-set': {
      use: 'client affinity',
      set: { ...plainSet, flags: ['timeout', 'dynamic'], description: { size: 100 } },
      expressions: [load, { name: 'dynset', data: { set: NAME, keyReg: 1, op: 'update', timeout: 1000n } }],
    },
    'nft-set-counter': {
      use: 'counters of elements',
      set: { ...plainSet, expression: { name: 'counter', data: {} } },
    },
    'nft-catchall': {
      use: 'an element for every other key',
      set: { ...plainSet, flags: ['map'], dataType: 7, dataLength: 4 },
      element: { flags: ['catchall'], data: { value: word } },
    },
    'nft-flowtable': { use: 'forwarding past the rules', flowtable: true },
  } as const satisfies Record<string, NftTrial>,
  (trial: NftTrial, name) => tryNft(trial, name),
);

/** Commits a table with the trial's set, chain and rule. */
function tryNft(trial: NftTrial, name: string): void {
  const family = NFPROTO[trial.family ?? 'ip'];
  const message = <R>(number: number, table: AttributeTable<R>, values: AttributesOf<R>): NetlinkMessage => ({
    type: nfnetlinkType(NFNL_SUBSYS.NFTABLES, number),
    flags: NLM_F.CREATE,
    body: encodeBody(nfgenmsg, { family }, table, values),
    op: `use ${name}`,
  });
  const { chain = filter, set, element, flowtable, expressions = [] } = trial;
  const hook = { number: chain.hook, priority: 0, device: 'device' in chain ? chain.device : undefined };
  const noChain = flowtable || (trial.family !== undefined && trial.chain === undefined);
  const messages = [
    message(NFT_MSG.NEWTABLE, nftTable, { name: NAME }),
    ...(set ? [message(NFT_MSG.NEWSET, nftSet, { table: NAME, name: NAME, id: 1, ...set })] : []),
    ...(element ? [message(NFT_MSG.NEWSETELEM, nftElements, { table: NAME, set: NAME, elements: [element] })] : []),
    ...(flowtable ? [message(NFT_MSG.NEWFLOWTABLE, nftFlowtable, flowtableValues)] : []),
    ...(noChain ? [] : [message(NFT_MSG.NEWCHAIN, nftChain, { table: NAME, name: NAME, hook, type: chain.type })]),
    ...(noChain ? [] : [message(NFT_MSG.NEWRULE, nftRule, { table: NAME, chain: NAME, expressions })]),
  ];
  const netlink = openNetlink('netfilter');
  try {
    netlink.transaction([batchMark(BATCH.BEGIN), ...messages, batchMark(BATCH.END)]);
  } finally {
    netlink.close();
  }
}

const flowtableValues = {
  table: NAME,
  name: NAME,
  hook: { number: 0, priority: 0, devices: { name: ['lo'] } },
} as const;

function batchMark(type: number): NetlinkMessage {
  const out = new ByteWriter();
  nfgenmsg.write(out, { resource: NFNL_SUBSYS.NFTABLES });
  return { type, flags: 0, body: out.finish() };
}
