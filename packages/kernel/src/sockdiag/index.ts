export {
  decodeSocket,
  destroySocket,
  getSocket,
  listSockets,
  type SocketInfo,
  type SocketKey,
  type SocketListOptions,
  type SocketProtocol,
  type SocketState,
  type SocketTuple,
} from './inet-diag.ts';
export { sockDiagLayouts, type TcpInfo } from './inet-diag-table.ts';
