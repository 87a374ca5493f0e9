const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

interface Parsed {
  readonly metadata?: {
    managedFields?: unknown;
    selfLink?: unknown;
    annotations?: Record<string, string> | undefined;
  };
}

/**
 * Takes out of an object what only its editors need: managedFields, selfLink and kubectl's copy of what was applied, together often
 * more than the rest. Changes the object itself; one that is frozen is somebody else's and stays as it is.
 */
export function slimObject<T>(object: T): T {
  const { metadata } = object as Parsed;
  if (!metadata || Object.isFrozen(metadata)) return object;
  if (metadata.managedFields !== undefined) delete metadata.managedFields;
  if (metadata.selfLink !== undefined) delete metadata.selfLink;
  const { annotations } = metadata;
  if (annotations?.[LAST_APPLIED] !== undefined) delete annotations[LAST_APPLIED];
  return object;
}
