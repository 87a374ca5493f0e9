/** Traffic control: qdiscs, classes and filters as data; tc(8). */
export type { TcActionSpec, TcVerdict } from './tc-action.ts';
export {
  classRequest,
  createClass,
  decodeClass,
  deleteClass,
  listClasses,
  replaceClass,
  type TcClass,
  type TcClassKind,
  type TcClassPlace,
  type TcClassSpec,
} from './tc-class.ts';
export {
  createFilter,
  decodeFilter,
  deleteFilter,
  filterRequest,
  listFilters,
  replaceFilter,
  type TcFilter,
  type TcFilterKind,
  type TcFilterPlace,
  type TcFilterSpec,
} from './tc-filter.ts';
export { formatTcHandle, parseTcHandle } from './tc-identifier.ts';
export { type EtherType, type FlowerMatch, type U32Key, u32Keys } from './tc-match.ts';
export type { Chance, NetemOptions } from './tc-netem.ts';
export {
  createQdisc,
  decodeQdisc,
  deleteQdisc,
  type FifoOptions,
  type FqCodelOptions,
  type FqOptions,
  listQdiscs,
  type PrioOptions,
  type Qdisc,
  type QdiscKind,
  type QdiscPlace,
  type QdiscSpec,
  qdiscRequest,
  replaceQdisc,
} from './tc-qdisc.ts';
export type { HtbClassOptions, HtbOptions, TbfOptions } from './tc-shaper.ts';
export { type TcStats, type TcVerb, tcAttributes, tcLayouts } from './tc-table.ts';
