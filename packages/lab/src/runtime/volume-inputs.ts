import type { Pod } from '@podwire/kube';
import { claimSource } from './claim-source.ts';
import type { PodContext } from './pod-context.ts';
import type { VolumeSource } from './volume-source.ts';

const ROOT_CA = 'kube-root-ca.crt';
const DEFAULT_SECONDS = 3600;
/** Renewed when this part of its time is over, as kubelets do. */
const RENEW_AT = 0.8;

interface HeldToken {
  readonly token: string;
  readonly renewAt: number;
}

/** What the volumes of a pod are filled from: the API, the pod as it is now, and tokens that are renewed in time. */
export function volumeInputs(pod: () => Pod, podIp: () => string, context: PodContext): VolumeSource {
  const { client, credentials, nodeAddress, nodeName } = context;
  const { namespace = '', name: podName = '', uid = '' } = pod().metadata ?? {};
  const account = pod().spec?.serviceAccountName ?? 'default';
  const held = new Map<string, HeldToken>();
  return {
    get pod() {
      return pod();
    },
    get podIp() {
      return podIp();
    },
    hostIp: nodeAddress,
    nodeName,
    configMap: async (name) => {
      const map = await client.get('ConfigMap', { namespace, name });
      // A controller writes it to each namespace; a pod may be quicker.
      if (!map && name === ROOT_CA && credentials) return { 'ca.crt': Buffer.from(credentials.caCertificate) };
      return map && { ...bytes(map.data, 'utf8'), ...bytes(map.binaryData, 'base64') };
    },
    secret: async (name) => {
      const secret = await client.get('Secret', { namespace, name });
      return secret && bytes(secret.data, 'base64');
    },
    claim: (name) => claimSource(client, { namespace, name }),
    wantsToken: async () => {
      const asked = pod().spec?.automountServiceAccountToken;
      if (!credentials || asked !== undefined) return credentials !== undefined && asked === true;
      const object = await client.get('ServiceAccount', { namespace, name: account });
      return object?.automountServiceAccountToken !== false;
    },
    token: ({ audience = '', expirationSeconds = DEFAULT_SECONDS }) => {
      const key = JSON.stringify([audience, expirationSeconds]);
      const present = held.get(key);
      if (present && Date.now() < present.renewAt) return present.token;
      const issued = credentials?.serviceAccountToken(
        { namespace, name: account },
        {
          ...(audience ? { audiences: [audience] } : {}),
          expirationSeconds,
          boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: podName, uid },
        },
      );
      if (!issued) return undefined;
      const lifetime = issued.expires.getTime() - Date.now();
      held.set(key, { token: issued.token, renewAt: Date.now() + lifetime * RENEW_AT });
      return issued.token;
    },
  };
}

function bytes(
  data: Readonly<Record<string, string>> | undefined,
  encoding: BufferEncoding,
): Readonly<Record<string, Buffer>> {
  return Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value, encoding)]));
}
