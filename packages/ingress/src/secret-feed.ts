import { atMost } from '@podwire/base';
import type { Informer, Informers, Ingress, Secret } from '@podwire/kube';

/** How long a Secret nobody has seen yet may hold up everything else, in ms: it may be one that roles do not show. */
const PATIENCE = 2000;

/** The Secrets that Ingresses name, watched one by one: an agent need not be able to read others. */
export class SecretFeed {
  readonly #informers: Informers;
  readonly #changed: () => void;
  readonly #feeds = new Map<string, { readonly informer: Informer<'Secret'>; end(): void }>();

  constructor(informers: Informers, changed: () => void) {
    this.#informers = informers;
    this.#changed = changed;
  }

  list(): Secret[] {
    return [...this.#feeds.values()].flatMap(({ informer }) => informer.list());
  }

  /** Watches what the Ingresses name; resolves when it is known, or after a while. */
  async follow(ingresses: readonly Ingress[]): Promise<void> {
    const named = new Set(ingresses.flatMap(secretsOf));
    const fresh = [...named].filter((key) => !this.#feeds.has(key)).map((key) => this.#watch(key));
    if (fresh.length > 0) await atMost(PATIENCE, Promise.all(fresh.map(({ synced }) => synced)));
  }

  stop(): void {
    for (const { end } of this.#feeds.values()) end();
  }

  #watch(key: string): Informer<'Secret'> {
    const [namespace = '', name = ''] = key.split('/');
    const informer = this.#informers.of('Secret', { namespace, fieldSelector: `metadata.name=${name}` });
    this.#feeds.set(key, { informer, end: informer.subscribe(this.#changed) });
    return informer;
  }
}

/** `namespace/name` of each. */
export function secretsOf({ metadata, spec }: Ingress): string[] {
  return (spec?.tls ?? []).flatMap(({ secretName }) => (secretName ? [`${metadata?.namespace}/${secretName}`] : []));
}
