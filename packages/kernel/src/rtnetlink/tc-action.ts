import { DecodeError, encodeError } from '../errors.ts';
import type { ValueOf } from '../netlink/codec.ts';
import type {
  GactOptions,
  MirredOptions,
  PoliceOptions,
  SkbeditOptions,
  tcAction,
  tcActions,
  verdict,
} from './tc-action-table.ts';
import { bitsOf, bytesSentIn, cellLogFor, NO_RATE, rateTable, sendingTicks, wireRate } from './tc-rate.ts';

/** What happens to the packet next: `pass`, `drop`, `pipe` (the next action), `continue` (the next filter) ... */
export type TcVerdict = ValueOf<typeof verdict>;

/** What a filter does with the packets it matches, one after another; tc-actions(8). */
export type TcActionSpec =
  | { readonly kind: 'gact'; readonly verdict: TcVerdict }
  | {
      readonly kind: 'mirred';
      /** Where the packet goes, or its copy: leaving (egress) or arriving (ingress) at the link. */
      readonly effect: 'egress redirect' | 'egress mirror' | 'ingress redirect' | 'ingress mirror';
      readonly link: number;
      /** Default: `stolen` after a redirect, `pipe` after a mirror. */
      readonly verdict?: TcVerdict;
    }
  | {
      readonly kind: 'police';
      /** Bits a second. */
      readonly rate: number;
      /** Bytes that may come at once. */
      readonly burst: number;
      /** Bytes of the longest packet; longer ones exceed. Default 65,535, which lets segments through that are cut later. */
      readonly mtu?: number;
      /** For packets above the rate; default `drop`. */
      readonly exceed?: TcVerdict;
      /** For the others; default `pipe`. */
      readonly conform?: TcVerdict;
    }
  | {
      readonly kind: 'skbedit';
      readonly mark?: number;
      readonly mask?: number;
      readonly priority?: number;
      readonly queue?: number;
      readonly verdict?: TcVerdict;
    }
  /** Every other, its TCA_ACT_OPTIONS as bytes. */
  | { readonly kind: 'other'; readonly name: string; readonly options?: Uint8Array };

type ActionWire = ValueOf<typeof tcAction>;

export function actionsToWire(actions: readonly TcActionSpec[]): ValueOf<typeof tcActions> {
  if (actions.length > 32) throw encodeError(`actions: ${actions.length} of them; a filter takes 32`);
  return actions.map((action): ActionWire => {
    if (action.kind === 'other') return { kind: action.name, options: action.options };
    return { kind: action.kind, options: optionsToWire(action) };
  });
}

const generic = (action: TcVerdict) => ({ index: 0, capab: 0, action, refcnt: 0, bindcnt: 0 });

function optionsToWire(action: Exclude<TcActionSpec, { kind: 'other' }>): ActionWire['options'] {
  if (action.kind === 'gact') return { parms: generic(action.verdict) };
  if (action.kind === 'police') return policeToWire(action);
  if (action.kind === 'mirred') {
    const { effect, link, verdict = effect.endsWith('redirect') ? 'stolen' : 'pipe' } = action;
    return { parms: { ...generic(verdict), effect, link } };
  }
  const { mark, mask, priority, queue, verdict = 'pipe' } = action;
  return { parms: generic(verdict), mark, mask, priority, queue };
}

function policeToWire(action: Extract<TcActionSpec, { kind: 'police' }>): PoliceOptions {
  const { rate, burst, mtu = 0xffff, exceed = 'drop', conform = 'pipe' } = action;
  const wire = wireRate('rate', rate, { cellLog: cellLogFor(mtu) });
  const bucket = { limit: 0, burst: sendingTicks(burst, wire.bytes), mtu };
  return {
    parms: { ...generic(exceed), ...bucket, rate: wire.spec, peakRate: NO_RATE.spec },
    rateTable: rateTable(wire),
    rate64: wire.rate64,
    result: conform,
  };
}

export function actionsFromWire(actions: readonly ActionWire[]): TcActionSpec[] {
  return actions.map(({ kind = '', options }): TcActionSpec => {
    if (options === undefined) return { kind: 'other', name: kind };
    if (options instanceof Uint8Array) return { kind: 'other', name: kind, options };
    if (kind === 'gact') return { kind, verdict: parmsOf(kind, (options as GactOptions).parms).action };
    if (kind === 'mirred') return mirredFromWire(options as MirredOptions);
    return kind === 'police' ? policeFromWire(options as PoliceOptions) : skbeditFromWire(options as SkbeditOptions);
  });
}

function parmsOf<T>(kind: string, parms: T | undefined): T {
  if (parms === undefined) throw new DecodeError(`action ${kind} without parameters`);
  return parms;
}

function mirredFromWire({ parms }: MirredOptions): TcActionSpec {
  const { effect, link, action } = parmsOf('mirred', parms);
  if (typeof effect === 'number') throw new DecodeError(`action mirred with effect ${effect}`);
  return { kind: 'mirred', effect, link, verdict: action };
}

function policeFromWire({ parms, rate64, result = 'pass' }: PoliceOptions): TcActionSpec {
  const { rate, burst, mtu, action } = parmsOf('police', parms);
  const bits = bitsOf(rate, rate64);
  return { kind: 'police', rate: bits, burst: bytesSentIn(burst, bits / 8), mtu, exceed: action, conform: result };
}

function skbeditFromWire({ parms, mark, mask, priority, queue }: SkbeditOptions): TcActionSpec {
  return {
    kind: 'skbedit',
    ...(mark !== undefined && { mark }),
    ...(mask !== undefined && { mask }),
    ...(priority !== undefined && { priority }),
    ...(queue !== undefined && { queue }),
    verdict: parmsOf('skbedit', parms).action,
  };
}
