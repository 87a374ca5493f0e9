export * from './attribute.ts';
export { ByteWriter } from './byte-writer.ts';
export type { Codec, Struct, ValueOf } from './codec.ts';
export * as codec from './codec.ts';
export { errnoName, errnoOf, errnoText } from './errno.ts';
export { DecodeError, isErrno, KERNEL_ERRORS, KernelError } from './errors.ts';
export { type Bind, type SpawnPlace, spawnIn } from './namespaced-child.ts';
export { type Netlink, type NetlinkProtocol, openNetlink } from './netlink.ts';
export { type NetlinkGroupsOptions, watchNetlinkGroups } from './netlink-groups.ts';
export * from './netlink-message.ts';
export {
  createAnonymousNetns,
  createNetns,
  currentNetns,
  deleteNetns,
  enterNetns,
  listNetns,
  NETNS_DIRECTORY,
  type Netns,
  openNetns,
} from './netns.ts';
export { pidsInNetns } from './netns-pids.ts';
export { type Frame, openPacketSocket, type PacketSocket, type PacketSocketOptions } from './packet-socket.ts';
export { PROBES, type ProbeName, type ProbeResult, probe } from './probe.ts';
export type { Watch } from './readable-watch.ts';
export { type ConnectTcpOptions, connectTcp } from './tcp-connection.ts';
export { type ListenTcpOptions, listenTcp, listenTcpFd } from './tcp-listener.ts';
export { type BindUdpOptions, bindUdp, bindUdpFd } from './udp-socket.ts';
