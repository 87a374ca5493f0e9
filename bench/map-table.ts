import type { SetElement, Table } from '../packages/nft/src/index.ts';

/** As in a service proxy: address, protocol and port lead to a number. */
export const element = (i: number, value = i): SetElement => ({
  key: [`10.${96 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`, 'tcp', 80],
  data: [value],
});

/** A table with one map of so many elements. */
export function elementTable(elements: number): Table {
  return {
    family: 'ip',
    name: 'podwire-bench',
    chains: [],
    sets: [
      {
        name: 'services',
        key: ['ipv4_addr', 'inet_proto', 'inet_service'],
        data: ['mark'],
        elements: Array.from({ length: elements }, (_, i) => element(i)),
      },
    ],
  };
}
