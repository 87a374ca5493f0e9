import { formatIp, type IpAddress, ipBytes } from '@podwire/base';
import { DecodeError, encodeError } from '../errors.ts';
import { attributes } from '../netlink/attribute.ts';
import { bits, type Codec, named, text, u8, u16, u16be, u32, u64 } from '../netlink/codec.ts';
import { completeStruct } from '../netlink/complete-struct.ts';

/** Attributes and words of IPVS, linux/ip_vs.h. */

export const IPVS_CMD = {
  NEW_SERVICE: 1,
  SET_SERVICE: 2,
  DEL_SERVICE: 3,
  GET_SERVICE: 4,
  NEW_DEST: 5,
  SET_DEST: 6,
  DEL_DEST: 7,
  GET_DEST: 8,
  SET_CONFIG: 12,
  GET_CONFIG: 13,
  SET_INFO: 14,
  GET_INFO: 15,
  ZERO: 16,
  FLUSH: 17,
} as const;

const family = named(u16, { ipv4: 2, ipv6: 10 });
export const ipvsProtocol = named(u16, { tcp: 6, udp: 17, sctp: 132 });

/** union nf_inet_addr: always 16 bytes, of which an IPv4 address takes the first four; the family stands beside it. */
const address: Codec<IpAddress> & { readonly dependsOn: string } = {
  name: 'nf_inet_addr',
  dependsOn: 'family',
  format: String,
  write(out, value) {
    const bytes = ipBytes(value);
    out.raw(bytes);
    out.zeros(16 - bytes.length);
  },
  read(bytes, siblings) {
    const size = siblings?.['family'] === 'ipv6' ? 16 : 4;
    if (bytes.length < size) throw new DecodeError(`an address from ${bytes.length} bytes`);
    return formatIp(bytes.subarray(0, size));
  },
};

/** How much of a client's address persistence looks at: a mask for IPv4, a number of bits for IPv6. */
const prefixLength: Codec<number> & { readonly dependsOn: string } = {
  name: 'prefix length',
  dependsOn: 'family',
  write(out, value, siblings) {
    const v6 = siblings?.['family'] === 'ipv6';
    if (!Number.isInteger(value) || value < 0 || value > (v6 ? 128 : 32))
      throw encodeError(`a netmask of ${value} bits`);
    if (v6) out.u32(value);
    else out.u32be(value === 0 ? 0 : (0xffffffff << (32 - value)) >>> 0);
  },
  read(bytes, siblings) {
    if (bytes.length < 4) throw new DecodeError(`a netmask from ${bytes.length} bytes`);
    if (siblings?.['family'] === 'ipv6') return bytes.readUInt32LE(0);
    return Math.clz32(~bytes.readUInt32BE(0) >>> 0);
  },
};

/** IP_VS_SVC_F_*; sched1 to sched3 mean what the scheduler says (sh: fall back, use the port). */
export const serviceFlags = bits(u32, {
  persistent: 1,
  hashed: 2,
  onePacket: 4,
  sched1: 8,
  sched2: 0x10,
  sched3: 0x20,
});

const count = (width: Codec<number> | Codec<bigint>) => width as Codec<number | bigint>;

function statistics(name: string, [counts, sizes]: readonly [Codec<number | bigint>, Codec<number | bigint>]) {
  return attributes(name, {
    connections: [1, counts, 'IPVS_STATS_ATTR_CONNS'],
    packetsIn: [2, counts, 'IPVS_STATS_ATTR_INPKTS'],
    packetsOut: [3, counts, 'IPVS_STATS_ATTR_OUTPKTS'],
    bytesIn: [4, sizes, 'IPVS_STATS_ATTR_INBYTES'],
    bytesOut: [5, sizes, 'IPVS_STATS_ATTR_OUTBYTES'],
    connectionRate: [6, counts, 'IPVS_STATS_ATTR_CPS'],
    packetRateIn: [7, counts, 'IPVS_STATS_ATTR_INPPS'],
    packetRateOut: [8, counts, 'IPVS_STATS_ATTR_OUTPPS'],
    byteRateIn: [9, counts, 'IPVS_STATS_ATTR_INBPS'],
    byteRateOut: [10, counts, 'IPVS_STATS_ATTR_OUTBPS'],
  });
}
const stats = statistics('statistics', [count(u32), count(u64)]);
export const stats64 = statistics('64-bit statistics', [count(u64), count(u64)]);

export const serviceAttributes = attributes('service', {
  family: [1, family, 'IPVS_SVC_ATTR_AF'],
  protocol: [2, ipvsProtocol, 'IPVS_SVC_ATTR_PROTOCOL'],
  address: [3, address, 'IPVS_SVC_ATTR_ADDR'],
  port: [4, u16be, 'IPVS_SVC_ATTR_PORT'],
  fwmark: [5, u32, 'IPVS_SVC_ATTR_FWMARK'],
  scheduler: [6, text, 'IPVS_SVC_ATTR_SCHED_NAME'],
  flags: [7, completeStruct('ip_vs_flags', { flags: { ...serviceFlags, size: 4 }, mask: u32 }), 'IPVS_SVC_ATTR_FLAGS'],
  timeout: [8, u32, 'IPVS_SVC_ATTR_TIMEOUT'],
  netmask: [9, prefixLength, 'IPVS_SVC_ATTR_NETMASK'],
  stats: [10, stats, 'IPVS_SVC_ATTR_STATS'],
  persistenceEngine: [11, text, 'IPVS_SVC_ATTR_PE_NAME'],
  stats64: [12, stats64, 'IPVS_SVC_ATTR_STATS64'],
});

export const destinationAttributes = attributes('destination', {
  family: [11, family, 'IPVS_DEST_ATTR_ADDR_FAMILY'],
  address: [1, address, 'IPVS_DEST_ATTR_ADDR'],
  port: [2, u16be, 'IPVS_DEST_ATTR_PORT'],
  method: [3, named(u32, { masquerade: 0, local: 1, tunnel: 2, direct: 3, bypass: 4 }), 'IPVS_DEST_ATTR_FWD_METHOD'],
  weight: [4, u32, 'IPVS_DEST_ATTR_WEIGHT'],
  upperThreshold: [5, u32, 'IPVS_DEST_ATTR_U_THRESH'],
  lowerThreshold: [6, u32, 'IPVS_DEST_ATTR_L_THRESH'],
  activeConnections: [7, u32, 'IPVS_DEST_ATTR_ACTIVE_CONNS'],
  inactiveConnections: [8, u32, 'IPVS_DEST_ATTR_INACT_CONNS'],
  persistentConnections: [9, u32, 'IPVS_DEST_ATTR_PERSIST_CONNS'],
  stats: [10, stats, 'IPVS_DEST_ATTR_STATS'],
  stats64: [12, stats64, 'IPVS_DEST_ATTR_STATS64'],
  tunnelType: [13, named(u8, { ipip: 0, gue: 1, gre: 2 }), 'IPVS_DEST_ATTR_TUN_TYPE'],
  tunnelPort: [14, u16be, 'IPVS_DEST_ATTR_TUN_PORT'],
  tunnelFlags: [15, u16, 'IPVS_DEST_ATTR_TUN_FLAGS'],
});

/** What every command of IPVS but GET_INFO holds. */
export const ipvsAttributes = attributes('IPVS', {
  service: [1, serviceAttributes, 'IPVS_CMD_ATTR_SERVICE'],
  destination: [2, destinationAttributes, 'IPVS_CMD_ATTR_DEST'],
  tcpTimeout: [4, u32, 'IPVS_CMD_ATTR_TIMEOUT_TCP'],
  tcpFinTimeout: [5, u32, 'IPVS_CMD_ATTR_TIMEOUT_TCP_FIN'],
  udpTimeout: [6, u32, 'IPVS_CMD_ATTR_TIMEOUT_UDP'],
});

export const ipvsInfoAttributes = attributes('IPVS info', {
  version: [1, u32, 'IPVS_INFO_ATTR_VERSION'],
  tableSize: [2, u32, 'IPVS_INFO_ATTR_CONN_TAB_SIZE'],
});
