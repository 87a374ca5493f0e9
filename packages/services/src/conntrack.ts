import { familyOf, type IpAddress } from '@podwire/base';
import { attributes, ByteWriter, codec, isErrno, type Netlink, readAttributes } from '@podwire/kernel';

/** A tracked UDP flow: where the client sent to, and who answers. */
export interface UdpFlow {
  readonly destination: IpAddress;
  readonly destinationPort: number;
  readonly endpoint: IpAddress;
  readonly endpointPort: number;
}

/** As the kernel gave it, with what it takes to name it again. */
export interface TrackedFlow extends UdpFlow {
  readonly identity: Buffer;
}

// linux/netfilter/nfnetlink_conntrack.h
const IPCTNL_MSG_CT_GET = (1 << 8) | 1;
const IPCTNL_MSG_CT_DELETE = (1 << 8) | 2;
const NFGENMSG_SIZE = 4;
const [AF_UNSPEC, AF_INET, AF_INET6] = [0, 2, 10];
const IPPROTO_UDP = 17;
const CTA = { TUPLE_ORIG: 1, TUPLE_REPLY: 2, ID: 12, ZONE: 18 } as const;
/** Enough to find one entry again, and only this incarnation of it. */
const IDENTITY: readonly number[] = [CTA.TUPLE_ORIG, CTA.ID, CTA.ZONE];

const address = attributes('conntrack addresses', {
  source4: [1, codec.ip, 'CTA_IP_V4_SRC'],
  destination4: [2, codec.ip, 'CTA_IP_V4_DST'],
  source6: [3, codec.ip, 'CTA_IP_V6_SRC'],
  destination6: [4, codec.ip, 'CTA_IP_V6_DST'],
});
const transport = attributes('conntrack ports', {
  protocol: [1, codec.u8], // CTA_PROTO_NUM
  source: [2, codec.u16be], // CTA_PROTO_SRC_PORT
  destination: [3, codec.u16be], // CTA_PROTO_DST_PORT
});
const tuple = attributes('conntrack tuple', { address: [1, address], transport: [2, transport] }); // CTA_TUPLE_*

/** All tracked UDP flows of the netlink socket's netns, of both families. */
export function listUdpFlows(netlink: Netlink): TrackedFlow[] {
  const answers = netlink.dump({
    type: IPCTNL_MSG_CT_GET,
    flags: 0,
    body: nfgenmsg(AF_UNSPEC),
    op: 'list tracked connections',
  });
  return answers.map((answer) => flowFrom(answer.body)).filter((flow) => flow !== undefined);
}

/** Forgets the flows; those already gone are no error. Returns how many it removed. */
export function deleteFlows(netlink: Netlink, flows: readonly TrackedFlow[]): number {
  const results = netlink.batch(
    flows.map((flow) => ({
      type: IPCTNL_MSG_CT_DELETE,
      flags: 0,
      body: Buffer.concat([nfgenmsg(familyOf(flow.destination) === 'ipv4' ? AF_INET : AF_INET6), flow.identity]),
      op: `forget UDP ${flow.destination}:${flow.destinationPort} -> ${flow.endpoint}:${flow.endpointPort}`,
    })),
  );
  const failure = results.find((error) => error && !isErrno(error, 'ENOENT'));
  if (failure) throw failure;
  return results.filter((error) => !error).length;
}

/** struct nfgenmsg: family, version, resource. */
function nfgenmsg(family: number): Buffer {
  return Buffer.from([family, 0, 0, 0]);
}

function flowFrom(body: Buffer): TrackedFlow | undefined {
  const rows = readAttributes(body.subarray(NFGENMSG_SIZE), 'conntrack entry');
  const part = (type: number) => rows.find((row) => row.type === type)?.payload;
  const [originalBytes, replyBytes] = [part(CTA.TUPLE_ORIG), part(CTA.TUPLE_REPLY)];
  if (!originalBytes || !replyBytes) return undefined;
  const [original, reply] = [tuple.read(originalBytes), tuple.read(replyBytes)];
  const destination = original.address?.destination4 ?? original.address?.destination6;
  const destinationPort = original.transport?.destination;
  const endpoint = reply.address?.source4 ?? reply.address?.source6;
  const endpointPort = reply.transport?.source;
  if (original.transport?.protocol !== IPPROTO_UDP || !destination || !endpoint) return undefined;
  if (destinationPort === undefined || endpointPort === undefined) return undefined;
  const identity = Buffer.concat(
    rows.filter((row) => IDENTITY.includes(row.type)).map((row) => rawAttribute(row.type, row.payload)),
  );
  return { destination, destinationPort, endpoint, endpointPort, identity };
}

const NLA_F_NESTED = 0x8000;

function rawAttribute(type: number, payload: Buffer): Buffer {
  const out = new ByteWriter(payload.length + 8);
  out.u16(payload.length + 4);
  out.u16(type === CTA.TUPLE_ORIG ? type | NLA_F_NESTED : type);
  out.raw(payload);
  out.align();
  return Buffer.from(out.finish());
}
