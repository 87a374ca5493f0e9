import { machineResources, type Pod, quantityValue } from '@podwire/kube';
import type { Container } from './container-environment.ts';

/** v1 ResourceFieldSelector. */
export interface ResourceField {
  readonly resource: string;
  readonly containerName?: string;
  readonly divisor?: string;
}

/**
 * `limits.memory` and its like as a whole number of `divisor`s (1 when there is none), rounded up. Limits that are not set
 * are what the node can give, requests 0. Undefined: the pod has no container of that name.
 */
export function resourceFieldValue(
  { resource, containerName, divisor }: ResourceField,
  { spec }: Pod,
  own?: Container,
): string | undefined {
  const all = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const container = containerName ? all.find(({ name }) => name === containerName) : own;
  if (!container) return undefined;
  const [list = '', name = ''] = resource.split(/\.(.*)/s);
  const { limits, requests } = container.resources ?? {};
  const offered: Readonly<Record<string, string>> = machineResources();
  const quantity = list === 'limits' ? (limits?.[name] ?? offered[name]) : requests?.[name];
  const unit = name === 'cpu' ? milli : whole;
  return String(Math.ceil(unit(quantity ?? '0') / (unit(divisor ?? '0') || unit('1'))));
}

const whole = (quantity: string): number => Math.ceil(quantityValue(String(quantity)));

/** What a binary fraction is off is cut away before it is rounded up. */
const milli = (quantity: string): number => Math.ceil(Number((quantityValue(String(quantity)) * 1000).toFixed(6)));
