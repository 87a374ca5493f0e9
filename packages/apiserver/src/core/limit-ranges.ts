import { kindNamed, quantityValue } from '@podwire/kube';
import type { Container, LimitRange, LimitRangeItem, PodSpec } from 'kubernetes-types/core/v1.js';
import type { ApiObject } from '../seam.ts';
import { isObject } from './patches.ts';
import { forbidden } from './status.ts';
import type { Store } from './store.ts';

const POD = kindNamed('Pod');
const ANNOTATION = 'kubernetes.io/limit-ranger';

type Quantities = Readonly<Record<string, string>>;

/** The requests and limits of one container, or of all of a pod together. */
interface Resources {
  readonly requests: Quantities;
  readonly limits: Quantities;
}

/** A new pod with the requests and limits that the LimitRanges of its namespace have for containers without. */
export function withLimits(pod: ApiObject, store: Store): ApiObject {
  const items = itemsFor(pod, store).filter(({ type }) => type === 'Container');
  // What is not shaped like a pod is left for the validation to report.
  if (items.length === 0 || !isObject(pod.spec)) return pod;
  const set: string[] = [];
  const fill = (list: unknown, role: string) => {
    if (!Array.isArray(list)) return {};
    return { [role]: list.map((one) => (isContainer(one) ? filled(one, items, { role, set }) : one)) };
  };
  const { containers, initContainers } = pod.spec as Partial<PodSpec>;
  const spec = { ...pod.spec, ...fill(containers, 'containers'), ...fill(initContainers, 'initContainers') };
  if (set.length === 0) return pod;
  const annotations = { ...pod.metadata.annotations, [ANNOTATION]: `LimitRanger plugin set: ${set.join('; ')}` };
  return { ...pod, metadata: { ...pod.metadata, annotations }, spec };
}

/** Throws 403 for a pod that asks for less or more than a LimitRange of its namespace lets it. */
export function checkLimits(pod: ApiObject, store: Store): void {
  const { containers = [], initContainers = [] } = pod.spec as PodSpec;
  const all = containers.map(resourcesOf);
  const wrong = itemsFor(pod, store).flatMap((item) => {
    if (item.type === 'Pod') return violations(item, total(all));
    return item.type === 'Container'
      ? [...all, ...initContainers.map(resourcesOf)].flatMap((one) => violations(item, one))
      : [];
  });
  const texts = [...new Set(wrong)];
  if (texts.length === 0) return;
  throw forbidden(POD, pod.metadata.name ?? '', texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`);
}

function itemsFor({ metadata }: ApiObject, store: Store): readonly LimitRangeItem[] {
  const ranges = store.latestOf('LimitRange') as unknown as readonly LimitRange[];
  return ranges
    .filter((range) => range.metadata?.namespace === metadata.namespace)
    .flatMap(({ spec }) => spec?.limits ?? []);
}

function isContainer(value: unknown): value is Container {
  if (!isObject(value)) return false;
  const { resources = {} } = value;
  return isObject(resources) && isObject(resources.requests ?? {}) && isObject(resources.limits ?? {});
}

function filled(
  container: Container,
  items: readonly LimitRangeItem[],
  { role, set }: { readonly role: string; readonly set: string[] },
): Container {
  const given = resourcesOf(container);
  // A limit that was given is also the request, unless one was given.
  const before = { limits: given.limits, requests: { ...given.limits, ...given.requests } };
  // Of several the first has its way.
  const later = items.toReversed();
  const limits: Quantities = Object.assign({}, ...later.map((item) => item.default), before.limits);
  const requests: Quantities = Object.assign({}, ...later.map((item) => item.defaultRequest), before.requests);
  const who = `${role === 'containers' ? '' : 'init '}container ${container.name}`;
  const tell = (what: string, is: Quantities, was: Quantities) => {
    const added = Object.keys(is).filter((name) => !Object.hasOwn(was, name));
    if (added.length > 0) set.push(`${added.sort().join(', ')} ${what} for ${who}`);
  };
  const length = set.length;
  tell('request', requests, before.requests);
  tell('limit', limits, before.limits);
  return set.length === length ? container : { ...container, resources: { ...container.resources, requests, limits } };
}

function resourcesOf({ resources }: Container): Resources {
  return { requests: resources?.requests ?? {}, limits: resources?.limits ?? {} };
}

/** What all containers ask for; a resource is limited only if it is for all of them. */
function total(all: readonly Resources[]): Resources {
  const sum = (of: (one: Resources) => Quantities, isWhole: boolean): Quantities => {
    const names = new Set(all.flatMap((one) => Object.keys(of(one))));
    const counted = [...names].filter((name) => !isWhole || all.every((one) => Object.hasOwn(of(one), name)));
    const added = (name: string) => all.reduce((value, one) => value + quantityValue(of(one)[name] ?? '0'), 0);
    return Object.fromEntries(counted.map((name) => [name, quantityText(added(name))]));
  };
  return { requests: sum(({ requests }) => requests, false), limits: sum(({ limits }) => limits, true) };
}

/** Of thousandths: sums of fractions are not exact. */
function quantityText(value: number): string {
  const thousandths = Math.round(value * 1000);
  return thousandths % 1000 === 0 ? String(thousandths / 1000) : `${thousandths}m`;
}

function violations(item: LimitRangeItem, resources: Resources): string[] {
  return [
    ...outOfBounds('minimum', item, resources),
    ...outOfBounds('maximum', item, resources),
    ...wrongRatios(item, resources),
  ];
}

/** Where there is a minimum there must be a request, where there is a maximum a limit; both are compared with it. */
function outOfBounds(
  bound: 'minimum' | 'maximum',
  { type, min, max }: LimitRangeItem,
  { requests, limits }: Resources,
) {
  const isMin = bound === 'minimum';
  const side = isMin ? -1 : 1;
  const given = [['request', requests] as const, ['limit', limits] as const];
  return Object.entries((isMin ? min : max) ?? {}).flatMap(([name, edge]) => {
    const what = `${bound} ${name} usage per ${type} is ${edge}, but`;
    return (isMin ? given : given.toReversed()).flatMap(([word, { [name]: value }], i) => {
      if (value === undefined) return i === 0 ? [`${what} no ${word} is specified`] : [];
      return side * (quantityValue(value) - quantityValue(edge)) > 0 ? [`${what} ${word} is ${value}`] : [];
    });
  });
}

function wrongRatios({ type, maxLimitRequestRatio }: LimitRangeItem, { requests, limits }: Resources): string[] {
  return Object.entries(maxLimitRequestRatio ?? {}).flatMap(([name, edge]) => {
    const what = `${name} max limit to request ratio per ${type} is ${edge}, but`;
    const [request, limit] = [requests[name], limits[name]];
    const least = request === undefined ? 0 : quantityValue(request);
    if (least === 0) return [`${what} no request is specified or request is 0`];
    if (limit === undefined) return [`${what} no limit is specified`];
    const ratio = quantityValue(limit) / least;
    return ratio > quantityValue(edge) ? [`${what} provided ratio is ${ratio.toFixed(6)}`] : [];
  });
}
