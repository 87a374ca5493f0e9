import type { IpAddress } from '@podwire/base';
import { errnoOf } from '../errno.ts';
import { KernelError } from '../errors.ts';
import { libc, MSG } from '../libc.ts';
import type { AttributesOf, AttributeTable } from '../netlink/attribute.ts';
import { openNetlink } from '../netlink/netlink.ts';
import { encodeBody, type NetlinkMessage, NLM_F, NLMSG } from '../netlink/netlink-message.ts';
import { receiveDatagram } from '../netlink/netlink-socket.ts';
import { joinGroups } from '../netlink/subscription.ts';
import { openDatagramSocket } from '../socket/datagram-socket.ts';
import { createConnection, deleteConnection } from './conntrack.ts';
import { NFNLGRP } from './conntrack-table.ts';
import { bindLogGroup } from './log.ts';
import { NFT_MSG, nftChain, nftRule, nftTable } from './nf-tables.ts';
import { NFNL_SUBSYS, NFPROTO, nfgenmsg, nfnetlinkType } from './nfgenmsg.ts';

/** Makes a connection and forgets it. */
function tryConntrack(): void {
  const netlink = openNetlink('netfilter');
  const [source, destination] = ['192.0.2.1', '192.0.2.2'] as IpAddress[] as [IpAddress, IpAddress];
  const original = { source, destination, sourcePort: 1, destinationPort: 2 };
  try {
    createConnection(netlink, { protocol: 'udp', original, timeout: 10 });
    deleteConnection(netlink, { protocol: 'udp', original });
  } finally {
    netlink.close();
  }
}

/** What `cause` does has to come to the group before it returns. */
function tryGroup(group: number, op: string, cause: () => void): void {
  const socket = joinGroups('netfilter', [group]);
  try {
    cause();
    if (receiveDatagram(socket, 'netfilter', MSG.DONTWAIT) === 'empty')
      throw new KernelError({ op, errno: errnoOf('EOPNOTSUPP') });
  } finally {
    libc.close(socket.fd);
  }
}

function tryLog(): void {
  libc.close(bindLogGroup({ group: 1 }).socket.fd);
}

const NAME = 'pwprobe';
const LOCAL_OUT = 3;

/** A packet over lo meets a rule that marks it. */
function tryTrace(): void {
  const expressions = [
    { name: 'immediate', data: { dreg: 1, data: { value: Buffer.of(1, 0, 0, 0) } } },
    { name: 'meta', data: { key: 'nftrace', sreg: 1 } },
  ] as const;
  const hook = { number: LOCAL_OUT, priority: 0 };
  const netlink = openNetlink('netfilter');
  try {
    netlink.transaction([
      { type: NLMSG.MIN_TYPE, flags: 0, body: encodeBody(nfgenmsg, { resource: NFNL_SUBSYS.NFTABLES }, nftTable, {}) },
      tableMessage(NFT_MSG.NEWTABLE, nftTable, { name: NAME }),
      tableMessage(NFT_MSG.NEWCHAIN, nftChain, { table: NAME, name: NAME, hook, type: 'filter' }),
      tableMessage(NFT_MSG.NEWRULE, nftRule, { table: NAME, chain: NAME, expressions }),
      {
        type: NLMSG.MIN_TYPE + 1,
        flags: 0,
        body: encodeBody(nfgenmsg, { resource: NFNL_SUBSYS.NFTABLES }, nftTable, {}),
      },
    ]);
  } finally {
    netlink.close();
  }
  const socket = openDatagramSocket({ address: '127.0.0.1', port: 0 });
  socket.sendTo(Buffer.of(0), '127.0.0.1', 9);
  socket.close();
}

function tableMessage<R>(message: number, table: AttributeTable<R>, values: AttributesOf<R>): NetlinkMessage {
  const body = encodeBody(nfgenmsg, { family: NFPROTO.ip }, table, values);
  return { type: nfnetlinkType(NFNL_SUBSYS.NFTABLES, message), flags: NLM_F.CREATE, body, op: 'use nft-trace' };
}

/** Connection tracking, logs and traces by being used; each needs a netns that is thrown away and throws KernelError. */
export const NFNETLINK_PROBES = {
  conntrack: tryConntrack,
  'conntrack-events': () => tryGroup(NFNLGRP.CONNTRACK_NEW, 'be told of a connection', tryConntrack),
  'nf-log': tryLog,
  'nft-trace': () => tryGroup(NFNLGRP.NFTRACE, 'be told of a traced packet', tryTrace),
} as const satisfies Record<string, () => void>;
