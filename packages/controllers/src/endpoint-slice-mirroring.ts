import { ObjectIndex, type ObjectOf } from '@podwire/kube';
import { type Controller, type ControllerContext, keyOf, namespaceOf, splitKey } from './context.ts';
import { type Remark, remarksOn } from './event.ts';
import { isMirror, MAX_MIRRORED, type MirrorPlan, mirrorsOf, planMirror } from './mirrored-slices.ts';
import { startReconciler } from './reconciler.ts';
import { SliceWriter } from './slice-writer.ts';
import { serviceKeyOf } from './slices.ts';

type Endpoints = ObjectOf<'Endpoints'>;

/** Endpoints made by hand ──▶ EndpointSlice, which is all that proxies look at */
export function startEndpointSliceMirroring(context: ControllerContext): Controller {
  const { client, informers, logger } = context;
  const endpoints = informers.of('Endpoints');
  const services = informers.of('Service');
  const slices = new ObjectIndex(informers.of('EndpointSlice'), (slice) => [serviceKeyOf(slice)]);
  const writer = new SliceWriter(context);
  const remark = remarksOn(client, 'Endpoints', 'endpoint-slice-mirroring-controller');
  const tell = (object: Endpoints, plan: MirrorPlan): void => {
    for (const one of shortfall(plan)) remark(object, one);
  };

  const reconcile = async (key: string): Promise<undefined> => {
    const { name, namespace } = splitKey(key);
    const object = endpoints.get(name, namespace);
    const all = slices.get(key);
    const isTaken = (slice: string): boolean => informers.of('EndpointSlice').get(slice, namespace) !== undefined;
    const plan = object && planMirror(object, services.get(name, namespace), all, isTaken);
    await writer.apply(plan?.slices ?? [], mirrorsOf(name, all));
    if (object && plan) tell(object, plan);
  };
  const queue = startReconciler({ name: 'endpointslice-mirroring', logger, reconcile });
  const ends = [
    slices.stop,
    endpoints.subscribe(({ object }) => queue.add(keyOf(object))),
    services.subscribe(({ object }) => {
      if (endpoints.get(object.metadata?.name ?? '', namespaceOf(object))) queue.add(keyOf(object));
    }),
    informers.of('EndpointSlice').subscribe(({ type, object }) => {
      if (type !== 'added' && isMirror(object)) queue.add(serviceKeyOf(object));
    }),
  ];
  return { stop: () => [...ends.map((end) => end()), queue.shutDown()] };
}

/** What of the Endpoints the slices cannot show. */
function shortfall({ invalid, surplus }: MirrorPlan): Remark[] {
  const some = `${invalid} addresses that are no IP addresses are left out`;
  const most = `at most ${MAX_MIRRORED} addresses of each subset become endpoints, ${surplus} are left out`;
  return [
    ...(invalid > 0 ? [{ type: 'Warning', reason: 'InvalidIPAddress', message: some } as const] : []),
    ...(surplus > 0 ? [{ type: 'Warning', reason: 'TooManyAddressesToMirror', message: most } as const] : []),
  ];
}
