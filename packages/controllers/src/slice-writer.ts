import { isDeepStrictEqual } from 'node:util';
import type { Informer, KubeClient, ObjectOf } from '@podwire/kube';
import { type ControllerContext, nameOf, namespaceOf, objectKey, until, visible } from './context.ts';
import { TRIGGER_TIME } from './trigger-times.ts';

type EndpointSlice = ObjectOf<'EndpointSlice'>;

/** Brings slices in line with a plan: first what is made or changed, then what goes, so that no endpoint is missing in between. */
export class SliceWriter {
  readonly #client: KubeClient;
  readonly #informer: Informer<'EndpointSlice'>;

  constructor({ client, informers }: Pick<ControllerContext, 'client' | 'informers'>) {
    this.#client = client;
    this.#informer = informers.of('EndpointSlice');
  }

  /**
   * `present`: what is there of the same author for the same Service. `trigger`: since when what is written is so, null
   * when nobody knows; without it the annotation is as wanted.
   */
  async apply(
    wanted: readonly EndpointSlice[],
    present: readonly EndpointSlice[],
    trigger?: string | null,
  ): Promise<void> {
    const names = new Set(wanted.map(nameOf));
    await Promise.all(wanted.map((slice) => this.#write(slice, trigger)));
    await Promise.all(present.filter((slice) => !names.has(nameOf(slice))).map((slice) => this.#delete(slice)));
  }

  async #write(wanted: EndpointSlice, trigger: string | null | undefined): Promise<void> {
    const present = this.#informer.get(nameOf(wanted), namespaceOf(wanted));
    const content = present ? differences(present, wanted) : wanted;
    if (!content) return;
    const isNoted = typeof trigger === 'string' || (trigger === null && present);
    const noted = isNoted ? withTrigger(content, trigger) : content;
    const written = present
      ? this.#client.patch('EndpointSlice', objectKey(wanted), noted)
      : this.#client.create('EndpointSlice', noted as EndpointSlice);
    await visible(this.#informer, await written);
  }

  async #delete(slice: EndpointSlice): Promise<void> {
    const { uid } = slice.metadata ?? {};
    await this.#client.delete('EndpointSlice', objectKey(slice), uid === undefined ? {} : { uid });
    await until(() => this.#informer.get(nameOf(slice), namespaceOf(slice))?.metadata?.uid !== uid);
  }
}

/**
 * A merge patch, in which a label or annotation that goes is null; undefined when there is nothing to write. Annotations
 * that are not said to be wanted are left as they are.
 */
function differences(present: EndpointSlice, wanted: EndpointSlice): SlicePatch | undefined {
  const labels = merge(present.metadata?.labels, wanted.metadata?.labels);
  const noted = wanted.metadata?.annotations;
  const annotations = noted && merge(present.metadata?.annotations, noted);
  const content = { endpoints: wanted.endpoints, ports: wanted.ports ?? [] };
  const same = isDeepStrictEqual({ endpoints: present.endpoints ?? [], ports: present.ports ?? [] }, content);
  return same && !labels && !annotations
    ? undefined
    : { ...content, metadata: { ...(labels && { labels }), ...(annotations && { annotations }) } };
}

type Texts = Readonly<Record<string, string>>;

interface SlicePatch {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string | null>> };
}

function withTrigger(content: SlicePatch, trigger: string | null): SlicePatch {
  const annotations = { ...content.metadata?.annotations, [TRIGGER_TIME]: trigger };
  return { ...content, metadata: { ...content.metadata, annotations } };
}

function merge(present: Texts = {}, wanted: Texts = {}): Readonly<Record<string, string | null>> | undefined {
  if (isDeepStrictEqual({ ...present }, { ...wanted })) return undefined;
  const gone = Object.keys(present).filter((key) => !(key in wanted));
  return { ...wanted, ...Object.fromEntries(gone.map((key) => [key, null])) };
}
