export {
  type ConnectionChange,
  createConnection,
  createConnections,
  deleteConnection,
  deleteConnections,
  type FlushFilter,
  flushConnections,
  getConnection,
  listConnections,
  updateConnection,
} from './conntrack.ts';
export {
  type Connection,
  type ConnectionCounters,
  type ConnectionKey,
  type ConnectionLabels,
  type ConnectionSpec,
  type ConnectionStatus,
  decodeConnection,
  type NatRange,
} from './conntrack-entry.ts';
export {
  type ConnectionChangeType,
  type ConnectionEvent,
  type ConnectionEventsOptions,
  decodeConnectionEvent,
  subscribeConnections,
} from './conntrack-event.ts';
export { decodeExpectation, type Expectation, listExpectations } from './conntrack-expectation.ts';
export type { ConnectionFilter } from './conntrack-filter.ts';
export {
  type ConnectionCount,
  type ConnectionStatistics,
  connectionStatistics,
  countConnections,
  decodeConnectionStatistics,
} from './conntrack-statistics.ts';
export {
  CONNTRACK_MSG,
  connectionAttributes,
  EXPECTATION_MSG,
  expectationAttributes,
  NFNLGRP,
} from './conntrack-table.ts';
export { type ConnectionProtocol, type ConnectionTuple, formatTuple, inverseTuple } from './conntrack-tuple.ts';
export { nfnetlinkLayouts } from './layouts.ts';
export { bindLogFamily, type LogFamily, type LogOptions, subscribeLog, unbindLogFamily } from './log.ts';
export { decodeLogPacket, type LogPacket } from './log-packet.ts';
export { LOG_MSG, logConfigAttributes, logPacketAttributes } from './log-table.ts';
export * from './nf-tables.ts';
export { nftData, nftExpression, nftExpressions, nftStatefulExpression } from './nf-tables-expression.ts';
export { nftObject } from './nf-tables-object.ts';
export { familyWord, NFNL_SUBSYS, NFPROTO, type NfFamily, nfgenmsg, nfnetlinkType } from './nfgenmsg.ts';
export { decodeTrace, subscribeTrace, type TraceEvent, type TraceOptions } from './trace.ts';
