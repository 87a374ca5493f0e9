import { hasCode, type Logger, messageOf } from '@podwire/base';
import type { KubeClient, Pod } from '@podwire/kube';

export interface StatusWriterOptions {
  readonly client: KubeClient;
  readonly pod: Pod;
  readonly logger: Logger;
  /** The whole status as it is now. */
  readonly make: () => { readonly status: Record<string, unknown> };
  readonly written: (pod: Pod) => void;
}

/** How long a change nobody waits for may gather company, in ms. */
const PATIENCE = 20;
const RETRY = 500;

/** Writes one pod's status: at most one write under way, changes in between become one. */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #writing: Promise<void> | undefined;
  #dirty = false;
  #stopped = false;
  #last = '';

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  /** The status has changed; `urgent` writes it in this turn of the event loop. */
  changed(urgent: boolean): void {
    this.#dirty = true;
    if (this.#stopped || this.#writing) return;
    if (urgent) this.#immediate ??= setImmediate(() => this.#flush());
    else this.#timer ??= setTimeout(() => this.#flush(), PATIENCE);
  }

  /** Resolves when the latest change is written, or cannot be. */
  async settled(): Promise<void> {
    this.#flush();
    await this.#writing;
  }

  stop(): void {
    this.#stopped = true;
    this.#clear();
  }

  #clear(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#timer = undefined;
    this.#immediate = undefined;
  }

  #flush(): void {
    this.#clear();
    if (!this.#dirty || this.#stopped || this.#writing) return;
    this.#writing = this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  async #writeAll(): Promise<void> {
    while (this.#dirty && !this.#stopped) {
      this.#dirty = false;
      if (!(await this.#write())) {
        this.#dirty = true;
        await new Promise((resolve) => setTimeout(resolve, RETRY));
      }
    }
  }

  /** False: worth another try. */
  async #write(): Promise<boolean> {
    const { client, pod, make, written, logger } = this.#options;
    const { name = '', namespace = '', uid } = pod.metadata ?? {};
    const patch = make();
    const text = JSON.stringify(patch);
    if (text === this.#last) return true;
    try {
      const result = await client.patch(
        'Pod',
        { name, namespace },
        { metadata: { uid }, ...patch },
        { subresource: 'status' },
      );
      this.#last = text;
      written(result);
      return true;
    } catch (error) {
      if (!hasCode(error, 'KUBE_NOT_FOUND') && !hasCode(error, 'KUBE_CONFLICT')) {
        logger.error('pod status not written', { pod: `${namespace}/${name}`, reason: messageOf(error) });
      }
      // Not found or another uid: the pod has gone, and its actor hears of it.
      return !hasCode(error, 'KUBE_UNAVAILABLE');
    }
  }
}
