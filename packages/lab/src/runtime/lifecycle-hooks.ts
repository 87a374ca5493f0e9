import { messageOf } from '@podwire/base';
import type { Container } from './container-environment.ts';
import { secondsToDelay } from './delay.ts';
import { callHttp, type ProbePlace } from './probe-call.ts';

type Lifecycle = NonNullable<Container['lifecycle']>;
type Hook = NonNullable<Lifecycle['postStart']> & { readonly sleep?: { readonly seconds: number } };

const POST_START_TIMEOUT = 120_000;

/** postStart and preStop of one run of a container: exec, httpGet and sleep. */
export class LifecycleHooks {
  readonly #lifecycle: Lifecycle;
  readonly #place: ProbePlace;
  readonly #event: (type: 'Warning', reason: string, message: string) => void;

  constructor(
    container: Container,
    place: ProbePlace,
    event: (type: 'Warning', reason: string, message: string) => void,
  ) {
    this.#lifecycle = container.lifecycle ?? {};
    this.#place = place;
    this.#event = event;
  }

  /** False when the hook failed. */
  async postStart(): Promise<boolean> {
    const hook = this.#lifecycle.postStart;
    const failure = hook ? await this.#call(hook, POST_START_TIMEOUT) : undefined;
    if (failure !== undefined) this.#event('Warning', 'FailedPostStartHook', `PostStartHook failed: ${failure}`);
    return failure === undefined;
  }

  /** Returns what is left of `grace` (ms), at least 2 s if there was a hook, as the kubelet gives. */
  async preStop(grace: number): Promise<number> {
    const hook = this.#lifecycle.preStop;
    if (!hook || grace === 0) return grace;
    const begun = performance.now();
    const failure = await this.#call(hook, grace);
    if (failure !== undefined) this.#event('Warning', 'FailedPreStopHook', `PreStopHook failed: ${failure}`);
    return Math.max(grace - (performance.now() - begun), 2000);
  }

  /** Why it failed, or undefined. */
  async #call(hook: Hook, timeout: number): Promise<string | undefined> {
    try {
      if (hook.sleep)
        await new Promise((resolve) =>
          setTimeout(resolve, Math.min(secondsToDelay(hook.sleep?.seconds ?? 0), timeout)),
        );
      if (hook.exec) {
        const { code, output } = await this.#place.exec(hook.exec.command ?? [], timeout);
        return code === 0 ? undefined : `command exited with ${code}: ${output}`;
      }
      if (hook.httpGet) {
        const { ok, message } = await callHttp(hook.httpGet, this.#place, timeout);
        return ok ? undefined : message;
      }
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }
}
