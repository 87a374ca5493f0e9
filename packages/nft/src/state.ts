/** A statement or object without what it has counted so far, which nobody wishes for. */
export function whatCounts<T extends { readonly kind: string }>(one: T): T {
  const {
    packets: _packets,
    bytes,
    used: _used,
    ...rest
  } = one as T & { packets?: number; bytes?: number; used?: number };
  return (one.kind === 'counter' || bytes === undefined ? rest : { ...rest, bytes }) as unknown as T;
}
