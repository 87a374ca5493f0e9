import { attributes, encodeAttributes, encoded, listOf } from '../netlink/attribute.ts';
import { ByteWriter } from '../netlink/byte-writer.ts';
import { bytes, struct, text, u8, u16be, u32be } from '../netlink/codec.ts';
import { openNetlink } from '../netlink/netlink.ts';
import { encodeBody, type NetlinkMessage, NLM_F } from '../netlink/netlink-message.ts';

/** struct nfgenmsg and NFNL_* of linux/netfilter/nfnetlink.h. */
const nfgenmsg = struct('nfgenmsg', { family: u8, version: u8, resource: u16be });
const NFPROTO_IPV4 = 2;
const SUBSYS_NFTABLES = 10;
const BATCH = { BEGIN: 16, END: 17 } as const;
const NFT_MSG = { NEWTABLE: 0, NEWCHAIN: 3, NEWRULE: 6 } as const;
const HOOK = { PREROUTING: 0, INPUT: 1, POSTROUTING: 4 } as const;

const TABLE = 'probe';
const CHAIN = 'probe';
const tableAttributes = attributes('nft table', { table: [1, text] });
const hookAttributes = attributes('nft hook', { number: [1, u32be], priority: [2, u32be] });
const chainAttributes = attributes('nft chain', {
  table: [1, text],
  name: [3, text],
  hook: [4, hookAttributes],
  type: [7, text],
});
const expressionAttributes = attributes('nft expression', { name: [1, text], data: [2, encoded] });
const expressionList = listOf(1, expressionAttributes);
const ruleAttributes = attributes('nft rule', { table: [1, text], chain: [2, text], expressions: [4, expressionList] });

/** Numbered attributes of big-endian numbers, which is all that the tried expressions have. */
function numbers(...pairs: readonly (readonly [type: number, value: number])[]): Uint8Array {
  const out = new ByteWriter();
  for (const [type, value] of pairs)
    out.raw(encodeAttributes(attributes('expression data', { value: [type, u32be] }), { value }));
  return out.finish();
}

const dataValue = attributes('nft data', { value: [1, bytes] });
const immediate = attributes('nft immediate', { register: [1, u32be], data: [2, dataValue] });
const loadAddress = {
  name: 'immediate',
  data: encodeAttributes(immediate, { register: 1, data: { value: Buffer.from([192, 0, 2, 1]) } }),
};

interface NftProbe {
  readonly chain: { readonly type: 'filter' | 'nat'; readonly hook: number };
  readonly expressions: readonly { readonly name: string; readonly data?: Uint8Array }[];
}

const filter = { type: 'filter', hook: HOOK.PREROUTING } as const;

/** Each is one rule; the numbers are attribute types of linux/netfilter/nf_tables.h. */
export const NFT_PROBES = {
  nftables: { chain: filter, expressions: [] },
  'nft-ct': { chain: filter, expressions: [{ name: 'ct', data: numbers([1, 1], [2, 0]) }] },
  'nft-fib': { chain: filter, expressions: [{ name: 'fib', data: numbers([1, 1], [2, 3], [3, 2]) }] },
  'nft-numgen': { chain: filter, expressions: [{ name: 'numgen', data: numbers([1, 1], [2, 2], [3, 1], [4, 0]) }] },
  'nft-nat': {
    chain: { type: 'nat', hook: HOOK.PREROUTING },
    expressions: [loadAddress, { name: 'nat', data: numbers([1, 1], [2, NFPROTO_IPV4], [3, 1]) }],
  },
  'nft-masq': { chain: { type: 'nat', hook: HOOK.POSTROUTING }, expressions: [{ name: 'masq' }] },
  'nft-reject': {
    chain: { type: 'filter', hook: HOOK.INPUT },
    expressions: [
      {
        name: 'reject',
        data: encodeAttributes(attributes('nft reject', { type: [1, u32be], code: [2, u8] }), { type: 0, code: 3 }),
      },
    ],
  },
} satisfies Record<string, NftProbe>;

function batchMark(type: number): NetlinkMessage {
  const out = new ByteWriter();
  nfgenmsg.write(out, { resource: SUBSYS_NFTABLES });
  return { type, flags: 0, body: out.finish() };
}

/** Commits a table with one rule in the calling thread's netns, which the caller throws away. */
export function tryNft({ chain, expressions }: NftProbe): void {
  const header = { family: NFPROTO_IPV4 };
  const message = (number: number, body: Buffer, op: string): NetlinkMessage => {
    return { type: (SUBSYS_NFTABLES << 8) | number, flags: NLM_F.CREATE, body, op };
  };
  const names = `create an nft rule (${['nftables', ...expressions.map((e) => e.name)].join(', ')})`;
  const hook = { number: chain.hook, priority: 0 };
  const netlink = openNetlink('netfilter');
  try {
    netlink.transaction([
      batchMark(BATCH.BEGIN),
      message(NFT_MSG.NEWTABLE, encodeBody(nfgenmsg, header, tableAttributes, { table: TABLE }), 'create an nft table'),
      message(
        NFT_MSG.NEWCHAIN,
        encodeBody(nfgenmsg, header, chainAttributes, { table: TABLE, name: CHAIN, hook, type: chain.type }),
        'create an nft chain',
      ),
      message(
        NFT_MSG.NEWRULE,
        encodeBody(nfgenmsg, header, ruleAttributes, { table: TABLE, chain: CHAIN, expressions }),
        names,
      ),
      batchMark(BATCH.END),
    ]);
  } finally {
    netlink.close();
  }
}
