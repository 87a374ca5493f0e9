import { type Balance, keyOf, type ServiceModel, titleOf } from './model.ts';
import { slowStartSeconds } from './slow-start.ts';

type Annotations = Readonly<Record<string, string>>;

const BALANCES = ['random', 'round-robin', 'least-connections', 'source-hash', 'maglev'] as const satisfies Balance[];

/** Annotations of a Service that say how its endpoints share connections, and how these get there (README). */
export const ANNOTATIONS = {
  balance: 'podwire.io/balance',
  weights: 'podwire.io/weights',
  slowStart: 'podwire.io/slow-start',
  forwarding: 'podwire.io/forwarding',
  ipvsScheduler: 'podwire.io/ipvs-scheduler',
} as const;

/** Undefined for the default, and for what cannot be read. */
export function balanceFromText(text: string | undefined): Balance | undefined {
  const balance = BALANCES.find((word) => word === text);
  return balance === 'random' ? undefined : balance;
}

const FORWARDINGS = ['nat', 'dsr'];

/** Undefined for the default, and for what cannot be read. */
export function forwardingFromText(text: string | undefined): 'dsr' | undefined {
  return text === 'dsr' ? text : undefined;
}

/** `10.244.1.5=3, web-0=2`: endpoints by address or by name of their pod. What cannot be read is left out. */
export function weightsFromText(text: string | undefined): ReadonlyMap<string, number> | undefined {
  if (!text) return undefined;
  return new Map(rowsOf(text).flatMap(({ name, weight }) => (weight === undefined ? [] : [[name, weight] as const])));
}

function rowsOf(text: string): { readonly row: string; readonly name: string; readonly weight: number | undefined }[] {
  return text.split(',').map((row) => {
    const [name = '', weight = ''] = row.split('=').map((part) => part.trim());
    const valid = name !== '' && /^[1-9]\d{0,2}$/.test(weight) && Number(weight) <= 100;
    return { row: row.trim(), name, weight: valid ? Number(weight) : undefined };
  });
}

/** What of them is not as it has to be and has no effect, in words. */
export function misreadAnnotations(annotations: Annotations = {}): string[] {
  const lines: string[] = [];
  const report = (key: string, value: string, wanted: string): void => {
    lines.push(`annotation ${key}: ${JSON.stringify(value)} has no effect; write ${wanted}`);
  };
  const { balance, weights, slowStart, forwarding } = ANNOTATIONS;
  const { [balance]: how, [weights]: shares, [slowStart]: time, [forwarding]: way } = annotations;
  if (how !== undefined && !BALANCES.some((word) => word === how)) report(balance, how, BALANCES.join(', '));
  if (time !== undefined && slowStartSeconds(time) === undefined)
    report(slowStart, time, 'a time from 1s to 60m as 30s or 1m30s');
  if (way !== undefined && !FORWARDINGS.includes(way)) report(forwarding, way, FORWARDINGS.join(', '));
  for (const { row, weight } of shares ? rowsOf(shares) : [])
    if (weight === undefined) report(weights, row, 'ADDRESS=WEIGHT or POD=WEIGHT with a weight from 1 to 100');
  return lines;
}

/** The same of all services. */
export function annotationLimits(services: Iterable<ServiceModel>): string[] {
  return [...services].flatMap((service) =>
    (service.misread ?? []).map((line) => `${titleOf(keyOf(service))}: ${line}`),
  );
}
