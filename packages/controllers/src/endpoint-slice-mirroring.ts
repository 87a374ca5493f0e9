import { ObjectIndex, type ObjectOf, recordEvent } from '@podwire/kube';
import { type Controller, type ControllerContext, keyOf, namespaceOf, splitKey } from './context.ts';
import { KeyQueue } from './key-queue.ts';
import { isMirror, MAX_MIRRORED, type MirrorPlan, mirrorsOf, planMirror } from './mirrored-slices.ts';
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

  const warn = async (object: Endpoints, reason: string, message: string): Promise<void> => {
    const { name = '', namespace, uid } = object.metadata ?? {};
    await recordEvent(client, {
      object: { apiVersion: 'v1', kind: 'Endpoints', name, ...(namespace && { namespace }), ...(uid && { uid }) },
      ...{ type: 'Warning', reason, message, component: 'endpoint-slice-mirroring-controller' },
    });
  };
  const tell = async (object: Endpoints, { invalid, surplus }: MirrorPlan): Promise<void> => {
    if (invalid > 0)
      await warn(object, 'InvalidIPAddress', `${invalid} addresses that are no IP addresses are left out`);
    const most = `at most ${MAX_MIRRORED} addresses of each subset become endpoints, ${surplus} are left out`;
    if (surplus > 0) await warn(object, 'TooManyAddressesToMirror', most);
  };
  const reconcile = async (key: string): Promise<undefined> => {
    const { name, namespace } = splitKey(key);
    const object = endpoints.get(name, namespace);
    const all = slices.get(key);
    const isTaken = (slice: string): boolean => informers.of('EndpointSlice').get(slice, namespace) !== undefined;
    const plan = object && planMirror(object, services.get(name, namespace), all, isTaken);
    await writer.apply(plan?.slices ?? [], mirrorsOf(name, all));
    if (object && plan) await tell(object, plan);
  };
  const queue = new KeyQueue({ name: 'endpointslice-mirroring', logger, reconcile });
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
  return { stop: () => [...ends.map((end) => end()), queue.stop()] };
}
