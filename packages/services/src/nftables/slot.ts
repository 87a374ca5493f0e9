import type { EndpointModel } from '../model.ts';
import { MAX_SLOTS } from './layout.ts';

/**
 * An endpoint of weight 3 gets three slots where one of weight 1 gets one; weights are divided by what they have in common.
 * Where that makes too many slots, weights are left out of account.
 */
export function slotsOf(endpoints: readonly EndpointModel[]): readonly EndpointModel[] {
  if (endpoints.every(({ weight }) => weight === undefined)) return endpoints;
  const weights = endpoints.map(({ weight = 1 }) => weight);
  const common = weights.reduce(greatestCommonDivisor);
  const total = weights.reduce((sum, weight) => sum + weight, 0) / common;
  if (total > MAX_SLOTS) return endpoints;
  return endpoints.flatMap((endpoint) => Array<EndpointModel>((endpoint.weight ?? 1) / common).fill(endpoint));
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
