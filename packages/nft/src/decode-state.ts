import type { AttributesOf } from '@podwire/kernel';
import type { nftExpressions, nftStatefulExpression } from '@podwire/kernel/nfnetlink';
import type { ElementStatement, Rate } from './model.ts';
import { Inexpressible } from './term.ts';

type Data<K extends keyof typeof nftExpressions> = AttributesOf<(typeof nftExpressions)[K]['rows']>;
type Stateful = AttributesOf<(typeof nftStatefulExpression)['rows']>;

const PER = { 1: 'second', 60: 'minute', 3600: 'hour', 86400: 'day', 604800: 'week' } as const;

export function rateOf({ rate = 0n, unit = 1n, burst = 0, type, flags = [] }: Data<'limit'>): Rate {
  const per = PER[Number(unit) as keyof typeof PER];
  if (per === undefined) throw new Inexpressible(`a rate per ${unit} seconds`);
  const bytes = type === 'bytes';
  return {
    rate: Number(rate),
    per,
    ...(bytes && { unit: 'bytes' }),
    ...(burst !== (bytes ? 0 : 5) && { burst }),
    ...(flags.includes('inverted') && { over: true }),
  };
}

export function counterOf({ packets = 0n, bytes = 0n }: Data<'counter'>): { packets?: number; bytes?: number } {
  return packets === 0n && bytes === 0n ? {} : { packets: Number(packets), bytes: Number(bytes) };
}

export function quotaOf({ bytes = 0n, consumed = 0n, flags = [] }: Data<'quota'>): {
  bytes: number;
  used?: number;
  over?: boolean;
} {
  return {
    bytes: Number(bytes),
    ...(consumed > 0n && { used: Number(consumed) }),
    ...(flags.includes('inverted') && { over: true }),
  };
}

/** A statement that keeps state, of a rule or of an element. */
export function statefulOf(name: string, data: unknown = {}): ElementStatement {
  switch (name) {
    case 'counter':
      return { kind: 'counter', ...counterOf(data as Data<'counter'>) };
    case 'limit':
      return { kind: 'limit', ...rateOf(data as Data<'limit'>) };
    case 'quota':
      return { kind: 'quota', ...quotaOf(data as Data<'quota'>) };
    case 'connlimit': {
      const { count = 0, flags = [] } = data as Data<'connlimit'>;
      return { kind: 'ct-count', count, ...(flags.includes('inverted') && { over: true }) };
    }
    default:
      throw new Inexpressible(`${name} in an element`);
  }
}

/** What elements or dynset keep: one expression, or several. */
export function statefulList(one: Stateful | undefined, several: readonly Stateful[] | undefined): ElementStatement[] {
  return (several ?? (one ? [one] : [])).map(({ name = '', data }) => statefulOf(name, data));
}
