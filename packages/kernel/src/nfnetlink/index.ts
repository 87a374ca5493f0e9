export { nfnetlinkLayouts } from './layouts.ts';
export * from './nf-tables.ts';
export { nftData, nftExpression, nftExpressions, nftStatefulExpression } from './nf-tables-expression.ts';
export { nftObject } from './nf-tables-object.ts';
export { NFNL_SUBSYS, NFPROTO, nfgenmsg, nfnetlinkType } from './nfgenmsg.ts';
