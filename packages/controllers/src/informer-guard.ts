import { type Logger, messageOf } from '@podwire/base';
import type { Informer, Informers, KindName, ObjectOf, StoreEvent } from '@podwire/kube';
import { keyOf, type Meta } from './context.ts';

/** The same informers, but that a listener that fails on one object is told of in the log, and hears of the next. */
export function guardedInformers(informers: Informers, logger: Logger): Informers {
  const guarded = new Map<object, object>();
  return {
    of: (kind, options) => {
      const informer = informers.of(kind, options);
      const present = guarded.get(informer) ?? guardedInformer(informer, logger);
      guarded.set(informer, present);
      return present as typeof informer;
    },
    stop: () => informers.stop(),
  };
}

function guardedInformer<K extends KindName>(informer: Informer<K>, logger: Logger): Informer<K> {
  const subscribe: Informer<K>['subscribe'] = (listener) =>
    informer.subscribe((event: StoreEvent<ObjectOf<K>>) => {
      try {
        listener(event);
      } catch (error) {
        const object = keyOf(event.object as Meta);
        logger.error('an object is passed over', { kind: informer.kind, object, reason: messageOf(error) });
      }
    });
  return Object.create(informer, { subscribe: { value: subscribe } }) as Informer<K>;
}
