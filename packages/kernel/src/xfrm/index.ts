export type { XfrmAlgorithm, XfrmSealingAlgorithm } from './xfrm-algorithm.ts';
export * from './xfrm-policy.ts';
export type { XfrmLifetime, XfrmSelector } from './xfrm-selector.ts';
export * from './xfrm-state.ts';
export { XFRMNLGRP, xfrmAttributes, xfrmLayouts } from './xfrm-table.ts';
