export * from './allocator.ts';
export { errnoName, errnoOf, errnoText } from './errno.ts';
export { DecodeError, EncodeError, isErrno, KERNEL_ERRORS, KernelError } from './errors.ts';
export {
  type AttributeRow,
  type AttributeRows,
  type AttributesOf,
  type AttributeTable,
  attributes,
  encodeAttributes,
  encoded,
  type ListOf,
  listOf,
  NLA_F_NESTED,
  type RawAttribute,
  type Repeated,
  readAttributes,
  repeated,
  type Selected,
  selectedBy,
  writeAttribute,
} from './netlink/attribute.ts';
export { type AttributeDescription, describeAttributes, formatAttributes } from './netlink/attribute-text.ts';
export { ByteWriter } from './netlink/byte-writer.ts';
export type { Codec, Struct, ValueOf } from './netlink/codec.ts';
export * as codec from './netlink/codec.ts';
export type { EncodedRequests } from './netlink/encoded-requests.ts';
export { type MessageLayout, registerLayouts } from './netlink/layout.ts';
export { type Netlink, openNetlink } from './netlink/netlink.ts';
export {
  attributesAfter,
  encodeBody,
  messageHeader,
  type NetlinkAnswer,
  type NetlinkMessage,
  NLM_F,
  NLMSG,
  readMessages,
  writeHeader,
} from './netlink/netlink-message.ts';
export type { NetlinkProtocol } from './netlink/netlink-socket.ts';
export { formatDatagram } from './netlink/netlink-trace.ts';
export { numberedList } from './netlink/numbered-list.ts';
export {
  type NetlinkGroupsOptions,
  type SubscriptionOptions,
  subscribeNetlink,
  watchNetlinkGroups,
} from './netlink/subscription.ts';
export { createMountNamespace, type MountNamespace, type MountNamespaceOptions } from './netns/mount-namespace.ts';
export { type Bind, type SpawnPlace, spawnIn } from './netns/namespaced-child.ts';
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
} from './netns/netns.ts';
export { netnsCookie } from './netns/netns-cookie.ts';
export { pidsInNetns } from './netns/netns-pids.ts';
export { releaseProgramPages } from './program-pages.ts';
export { openPseudoterminal, type Pseudoterminal, resizePseudoterminal } from './pty/pseudoterminal.ts';
export { DatagramBatch, type DatagramBatchOptions } from './socket/datagram-batch.ts';
export { type DatagramSocketOptions, openDatagramSocket } from './socket/datagram-socket.ts';
export type { SocketOptions } from './socket/inet-socket.ts';
export type { DatagramEvents, DatagramSocket, DatagramSocketStatistics } from './socket/message-socket.ts';
export { originalDestination } from './socket/original-destination.ts';
export {
  type Frame,
  openPacketSocket,
  type PacketSocket,
  type PacketSocketOptions,
  type PacketStatistics,
} from './socket/packet-socket.ts';
export { IP_PROTOCOL, openRawSocket, type RawSocketOptions } from './socket/raw-socket.ts';
export type { Watch } from './socket/readable-watch.ts';
export { decodeSockaddr, encodeSockaddr, type SocketAddress } from './socket/sockaddr.ts';
export { type ConnectTcpOptions, connectTcp } from './socket/tcp-connection.ts';
export { type ListenTcpOptions, listenTcp, listenTcpFd } from './socket/tcp-listener.ts';
export { type BindUdpOptions, bindUdp, bindUdpFd } from './socket/udp-socket.ts';
