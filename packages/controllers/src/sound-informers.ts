import { type Logger, messageOf } from '@podwire/base';
import type { Informer, Informers, KindName, ObjectOf, StoreEvent } from '@podwire/kube';
import { keyOf, type Meta } from './context.ts';
import { READ_TOGETHER, unsoundField } from './sound-object.ts';

/**
 * The same informers, but of kinds that are read together without objects that no controller could read: they are told of
 * in the log and passed over, so that they keep nobody from the work on others. So is one at which a listener fails.
 */
export function soundInformers(informers: Informers, logger: Logger): Informers {
  const sound = new Map<object, object>();
  return {
    of: (kind, options) => {
      const informer = informers.of(kind, options);
      if (!READ_TOGETHER.has(kind)) return informer;
      const present = sound.get(informer) ?? soundInformer(informer, logger);
      sound.set(informer, present);
      return present as typeof informer;
    },
    stop: () => informers.stop(),
  };
}

function soundInformer<K extends KindName>(informer: Informer<K>, logger: Logger): Informer<K> {
  const passOver = (object: ObjectOf<K>, reason: string): void => {
    logger.error('an object is passed over', { kind: informer.kind, object: keyOf(object as Meta), reason });
  };
  const unsound = new Set<ObjectOf<K>>();
  informer.subscribe((event) => {
    if (event.type !== 'added') unsound.delete(event.previous);
    if (event.type === 'deleted' || isSound(event.object)) return;
    unsound.add(event.object);
    passOver(event.object, `${unsoundField(event.object)} is not of the shape that all of its kind have`);
  });
  const list = () => {
    const all = informer.list();
    return unsound.size === 0 ? all : all.filter((object) => !unsound.has(object));
  };
  const get: Informer<K>['get'] = (name, namespace) => {
    const object = informer.get(name, namespace);
    return object && unsound.has(object) ? undefined : object;
  };
  const subscribe: Informer<K>['subscribe'] = (listener) =>
    informer.subscribe((event) => {
      const seen = soundEvent(event);
      try {
        if (seen) listener(seen);
      } catch (error) {
        passOver(event.object, messageOf(error));
      }
    });
  return Object.create(informer, { list: { value: list }, get: { value: get }, subscribe: { value: subscribe } });
}

/** Every listener asks. */
const known = new WeakMap<object, boolean>();

function isSound(object: object): boolean {
  const present = known.get(object) ?? unsoundField(object) === undefined;
  known.set(object, present);
  return present;
}

/** To whom unsound objects do not exist, one that becomes unsound goes and one that recovers comes. */
function soundEvent<T extends object>(event: StoreEvent<T>): StoreEvent<T> | undefined {
  const { type, object } = event;
  if (type === 'added') return isSound(object) ? event : undefined;
  const { previous } = event;
  if (isSound(object)) return isSound(previous) ? event : type === 'modified' ? { type: 'added', object } : undefined;
  return isSound(previous) ? { type: 'deleted', object: previous, previous } : undefined;
}
