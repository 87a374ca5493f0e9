import { type Informer, ObjectIndex, type ObjectOf } from '@podwire/kube';
import { type Controller, type ControllerContext, keyOf, namespaceOf, objectKey, splitKey } from './context.ts';
import { startReconciler } from './reconciler.ts';

type Secret = ObjectOf<'Secret'>;

const TYPE = 'kubernetes.io/service-account-token';
const ACCOUNT_NAME = 'kubernetes.io/service-account.name';
const ACCOUNT_UID = 'kubernetes.io/service-account.uid';
/** The longest a token may hold: these are for good. */
const SECONDS = 2 ** 32;

interface AccountKey {
  readonly namespace: string;
  readonly name: string;
}

/** Makes tokens of service accounts, as `serviceAccountToken` of an API server does. */
export type TokenIssuer = (
  account: AccountKey,
  spec: {
    readonly expirationSeconds: number;
    readonly boundObjectRef: {
      readonly kind: 'Secret';
      readonly apiVersion: 'v1';
      readonly name: string;
      readonly uid: string;
    };
  },
) => { readonly token: string } | undefined;

/** Puts into Secrets of type service-account-token the token of their account, and deletes them when the account is gone. */
export function startTokenSecrets(context: ControllerContext): Controller {
  return new TokenSecrets(context);
}

class TokenSecrets implements Controller {
  readonly #context: ControllerContext;
  readonly #secrets: Informer<'Secret'>;
  readonly #accounts: Informer<'ServiceAccount'>;
  readonly #ends: readonly (() => void)[];

  constructor(context: ControllerContext) {
    const { informers, logger } = context;
    this.#context = context;
    this.#secrets = informers.of('Secret');
    this.#accounts = informers.of('ServiceAccount');
    const byAccount = new ObjectIndex(this.#secrets, accountKeys);
    const queue = startReconciler({ name: 'token-secret', logger, reconcile: (key) => this.#reconcile(key) });
    this.#ends = [
      this.#secrets.subscribe(({ type, object }) => {
        if (type !== 'deleted' && object.type === TYPE) queue.add(keyOf(object));
      }),
      this.#accounts.subscribe(({ object }) => {
        for (const secret of byAccount.get(keyOf(object))) queue.add(keyOf(secret));
      }),
      byAccount.stop,
      () => queue.shutDown(),
    ];
  }

  stop(): void {
    for (const end of this.#ends) end();
  }

  async #reconcile(key: string): Promise<undefined> {
    const { name, namespace } = splitKey(key);
    const secret = this.#secrets.get(name, namespace);
    const [account] = secret ? accountKeys(secret) : [];
    if (!secret || !account || secret.metadata?.deletionTimestamp) return;
    const uid = await this.#uidOf(splitKey(account));
    if (uid === undefined || (secret.metadata?.annotations?.[ACCOUNT_UID] ?? uid) !== uid) await this.#remove(secret);
    else if (!isFilled(secret)) await this.#fill(secret, { ...splitKey(account), uid });
  }

  /** The cache may be behind. */
  async #uidOf(account: AccountKey): Promise<string | undefined> {
    const known = this.#accounts.get(account.name, account.namespace);
    return (known ?? (await this.#context.client.get('ServiceAccount', account)))?.metadata?.uid;
  }

  async #fill(secret: Secret, { uid, ...account }: AccountKey & { readonly uid: string }): Promise<void> {
    const { client, caCertificate = '', serviceAccountToken: issue } = this.#context;
    const { name = '', uid: own = '', resourceVersion } = secret.metadata ?? {};
    const boundObjectRef = { kind: 'Secret', apiVersion: 'v1', name, uid: own } as const;
    const issued = issue?.(account, { expirationSeconds: SECONDS, boundObjectRef });
    if (!issued) return;
    const data = { 'ca.crt': btoa(caCertificate), namespace: btoa(account.namespace), token: btoa(issued.token) };
    const metadata = { resourceVersion, annotations: { [ACCOUNT_UID]: uid } };
    await client.patch('Secret', objectKey(secret), { metadata, data });
  }

  async #remove(secret: Secret): Promise<void> {
    const { uid } = secret.metadata ?? {};
    await this.#context.client.delete('Secret', objectKey(secret), uid ? { uid } : {});
  }
}

/** `namespace/name` of the account it is for, if it is for one. */
function accountKeys(secret: Secret): string[] {
  const name = secret.type === TYPE ? secret.metadata?.annotations?.[ACCOUNT_NAME] : undefined;
  return name ? [`${namespaceOf(secret)}/${name}`] : [];
}

/** The certificate may be empty: not everybody has one to give. */
function isFilled({ metadata, data = {} }: Secret): boolean {
  const isWhole = data['ca.crt'] !== undefined && ['namespace', 'token'].every((key) => data[key]);
  return isWhole && metadata?.annotations?.[ACCOUNT_UID] !== undefined;
}
