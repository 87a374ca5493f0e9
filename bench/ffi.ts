/**
 * The FFI tax: what a call through koffi costs, what a netlink round trip costs, and how batching pays both away. The
 * requests are NLMSG_NOOP, to which the kernel only says yes, so that what is measured is the way there and back.
 */

import { NLMSG, openNetlink } from '../packages/kernel/src/index.ts';
import { libc } from '../packages/kernel/src/libc.ts';
import { withNetns } from '../packages/kernel/src/testing.ts';
import { printParts } from './part.ts';
import { inTurn, median, spread } from './turns.ts';

const ROUNDS = 11;
const CALLS = 200_000;
const MESSAGES = 32_768;
const BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] as const;
/** Microseconds that PERFORMANCE gives for the reference machine. */
const ALLOWED = { call: 0.48, roundTrip: 15 } as const;

const noop = { type: NLMSG.NOOP, flags: 0, body: new Uint8Array(0) } as const;

/** Microseconds each of `count` calls takes. */
function each(count: number, work: () => void): number {
  const started = performance.now();
  work();
  return ((performance.now() - started) * 1000) / count;
}

await withNetns(1, async (netns) => {
  const netlink = openNetlink('route', netns);
  const batch = (size: number) => () => {
    const messages = new Array(size).fill(noop);
    return each(MESSAGES, () => {
      for (let at = 0; at < MESSAGES; at += size)
        if (netlink.batch(messages).some((error) => error)) throw new Error('the kernel refused a message');
    });
  };
  const costs = await inTurn(ROUNDS, {
    call: () =>
      each(CALLS, () => {
        for (let i = 0; i < CALLS; i++) libc.close(-1);
      }),
    request: () =>
      each(MESSAGES, () => {
        for (let i = 0; i < MESSAGES; i++) netlink.request(noop);
      }),
    ...Object.fromEntries(BATCHES.map((size) => [size, batch(size)])),
  } as Record<string, () => number>);
  netlink.close();
  const of = (name: string | number): readonly number[] => costs[name] ?? [];
  for (const size of BATCHES)
    console.log(`batches of ${String(size).padStart(4)}: ${spread(of(size), 'us a message', 2)}`);
  const [call, request, one, many] = [of('call'), of('request'), of(1), of(512)].map(median) as [
    number,
    number,
    number,
    number,
  ];
  printParts('ffi', [
    {
      name: 'call',
      ratio: ALLOWED.call / call,
      must: 1,
      stretch: 2,
      detail: `close(-1) through koffi: ${spread(of('call'), 'us', 3)}; ${ALLOWED.call} us allowed`,
    },
    {
      name: 'request',
      ratio: ALLOWED.roundTrip / request,
      must: 1,
      stretch: 3,
      detail: `one request and its answer: ${spread(of('request'), 'us', 2)}; ${ALLOWED.roundTrip} us allowed`,
    },
    {
      name: 'batch',
      ratio: one / many,
      must: 5,
      stretch: 20,
      detail: `a message alone ${one.toFixed(2)} us, one of 512 ${many.toFixed(2)} us`,
    },
  ]);
});
