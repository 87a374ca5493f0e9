import { hasCode } from '@podwire/base';
import { type Controller, type ControllerContext, nameOf, namespaceOf } from './context.ts';
import { startReconciler } from './reconciler.ts';

const ACCOUNT = 'default';
const ROOT_CA = 'kube-root-ca.crt';
const JSON_PATCH = { type: 'json' } as const;

/** Gives every namespace its default ServiceAccount and the authority its pods know the API server by; again when they go. */
export function startServiceAccounts({ client, informers, logger, caCertificate }: ControllerContext): Controller {
  const namespaces = informers.of('Namespace');
  const accounts = informers.of('ServiceAccount');
  const configMaps = informers.of('ConfigMap');

  const ensureAccount = async (namespace: string): Promise<void> => {
    if (accounts.get(ACCOUNT, namespace)) return;
    await unlessThere(client.create('ServiceAccount', { metadata: { name: ACCOUNT, namespace } }));
  };
  const ensureAuthority = async (namespace: string): Promise<void> => {
    if (caCertificate === undefined) return;
    const data = { 'ca.crt': caCertificate };
    const present = configMaps.get(ROOT_CA, namespace);
    if (!present) await unlessThere(client.create('ConfigMap', { metadata: { name: ROOT_CA, namespace }, data }));
    else if (JSON.stringify(present.data) !== JSON.stringify(data))
      await client.patch(
        'ConfigMap',
        { namespace, name: ROOT_CA },
        [{ op: 'add', path: '/data', value: data }],
        JSON_PATCH,
      );
  };
  const reconcile = async (name: string): Promise<undefined> => {
    const namespace = namespaces.get(name);
    if (!namespace || namespace.metadata?.deletionTimestamp) return;
    await Promise.all([ensureAccount(name), ensureAuthority(name)]);
  };
  const queue = startReconciler({ name: 'service-account', logger, reconcile });
  const ends = [
    namespaces.subscribe(({ type, object }) => type !== 'deleted' && queue.add(nameOf(object))),
    accounts.subscribe(({ type, object }) => {
      if (type === 'deleted' && nameOf(object) === ACCOUNT) queue.add(namespaceOf(object));
    }),
    configMaps.subscribe(({ type, object }) => {
      if (type !== 'added' && nameOf(object) === ROOT_CA) queue.add(namespaceOf(object));
    }),
  ];
  return { stop: () => [...ends.map((end) => end()), queue.shutDown()] };
}

/** Someone else made it, or the namespace is gone or (FORBIDDEN) going: its next event tells. */
async function unlessThere(made: Promise<unknown>): Promise<void> {
  const expected = ['KUBE_ALREADY_EXISTS', 'KUBE_NOT_FOUND', 'KUBE_FORBIDDEN'];
  await made.catch((error) => {
    if (!expected.some((code) => hasCode(error, code))) throw error;
  });
}
