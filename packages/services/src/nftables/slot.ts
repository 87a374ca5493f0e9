import { maglevTable } from '../ebpf/maglev.ts';
import { type EndpointModel, endpointName } from '../model.ts';
import { MAGLEV_SIZES, MAX_SLOTS, type NftBalance } from './layout.ts';

/**
 * An endpoint of weight 3 gets three slots where one of weight 1 gets one; weights are divided by what they have in common.
 * Where that makes too many slots, weights are left out of account.
 */
export function slotsOf(endpoints: readonly EndpointModel[], balance?: NftBalance): readonly EndpointModel[] {
  if (balance === 'maglev') return maglevSlots(endpoints);
  if (endpoints.every(({ weight }) => weight === undefined)) return endpoints;
  const weights = endpoints.map(({ weight = 1 }) => weight);
  const common = weights.reduce(greatestCommonDivisor);
  const total = weights.reduce((sum, weight) => sum + weight, 0) / common;
  if (total > MAX_SLOTS) return endpoints;
  return endpoints.flatMap((endpoint) => Array<EndpointModel>((endpoint.weight ?? 1) / common).fill(endpoint));
}

/** As many places as the table has; most stay with their endpoint when others come and go. */
function maglevSlots(endpoints: readonly EndpointModel[]): readonly EndpointModel[] {
  const size = endpoints.length > MAGLEV_SIZES.fewEndpoints ? MAGLEV_SIZES.many : MAGLEV_SIZES.few;
  const members = endpoints.map((one) => ({ name: endpointName(one), weight: one.weight }));
  return [...maglevTable(members, size)].flatMap((member) => endpoints[member] ?? []);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
