import { type EndpointModel, endpointName, weightOf } from '../model.ts';
import { MAGLEV_SIZES, MAX_SLOTS, type NftBalance } from './choice.ts';
import { maglevTable } from './maglev.ts';

/**
 * An endpoint of weight 3 gets three slots where one of weight 1 gets one; weights are divided by what they have in common.
 * Where that makes too many slots, weights are left out of account. The slots of an endpoint lie apart from each other when
 * they are used in turn; otherwise together and the light ones last, so that few move when the share of one of those grows.
 */
export function slotsOf(endpoints: readonly EndpointModel[], balance?: NftBalance): readonly EndpointModel[] {
  if (balance === 'maglev') return maglevSlots(endpoints);
  if (endpoints.every(({ weight }) => weight === undefined)) return endpoints;
  const weights = endpoints.map(weightOf);
  const common = weights.reduce(greatestCommonDivisor);
  const total = weights.reduce((sum, weight) => sum + weight, 0) / common;
  if (total > MAX_SLOTS || total === endpoints.length) return endpoints;
  const heavyFirst = endpoints.toSorted((a, b) => weightOf(b) - weightOf(a));
  const slots = heavyFirst.flatMap((endpoint) => Array<EndpointModel>(weightOf(endpoint) / common).fill(endpoint));
  return balance === 'round-robin' ? spread(slots) : slots;
}

/** The n slots of an endpoint in the middles of n equal parts of the round. */
function spread(slots: readonly EndpointModel[]): readonly EndpointModel[] {
  const groups = [...Map.groupBy(slots, (endpoint) => endpoint).values()];
  const placed = groups.flatMap((group) => group.map((endpoint, i) => ({ endpoint, place: (i + 0.5) / group.length })));
  return placed.sort((a, b) => a.place - b.place).map(({ endpoint }) => endpoint);
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
