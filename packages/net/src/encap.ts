import type { AttributesOf } from '@podwire/kernel';
import type { encapKinds } from '@podwire/kernel/rtnetlink';

type Kinds = typeof encapKinds;
type ParametersOf<K extends keyof Kinds> = {
  readonly [P in keyof AttributesOf<Kinds[K]['rows']> as Exclude<P, 'unknown'>]?: Exclude<
    AttributesOf<Kinds[K]['rows']>[P],
    undefined
  >;
};

/** What is put around packets that take the route; ip-route(8) "ENCAP". Types podwire does not know have bytes. */
export type Encap =
  | { [K in keyof Kinds]: { readonly type: K } & ParametersOf<K> }[keyof Kinds]
  | { readonly type: 'ila' | 'rpl' | 'ioam6'; readonly data: Uint8Array };

interface EncapAttributes {
  readonly encapType?: Encap['type'] | undefined;
  readonly encap?: never;
}

export function encodeEncap(encap: Encap | undefined): EncapAttributes {
  if (encap === undefined) return {};
  const { type, ...parameters } = encap;
  return { encapType: type, encap: ('data' in parameters ? parameters.data : parameters) as never };
}

export function decodeEncap(type: unknown, parameters: object | undefined): Encap | undefined {
  if (typeof type !== 'string' || type === 'none' || parameters === undefined) return undefined;
  if (parameters instanceof Uint8Array) return { type, data: parameters } as Encap;
  const { unknown: _, ...known } = parameters as { unknown?: unknown };
  return { type, ...known } as Encap;
}
