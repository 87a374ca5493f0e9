import type { Kind } from '@podwire/kube';
import type { Attempt } from '../admission/attempt.ts';
import type { ApiObject, User } from '../seam.ts';
import type { RemoveOptions } from './deletion.ts';
import type { Asker, WriteOptions } from './write-options.ts';

/** Controllers and other clients in the same process. */
export const PODWIRE_USER: User = { name: 'system:podwire', groups: ['system:masters', 'system:authenticated'] };

interface Written {
  readonly object: ApiObject;
  /** Absent when it is new. */
  readonly old?: ApiObject | undefined;
}

/** A write of a stored object as those see it who have a say in it. */
export function attemptOf(kind: Kind, { object, old }: Written, options: WriteOptions): Attempt {
  const { dryRun, subresource, apiVersion, user = PODWIRE_USER } = options;
  const operation = old ? 'UPDATE' : 'CREATE';
  return {
    ...{ operation, kind, subresource, object, old, user, dryRun, apiVersion },
    options: optionsOf(old ? 'UpdateOptions' : 'CreateOptions', options),
  };
}

/** As they are sent with a request. */
export function optionsOf(
  kind: string,
  { dryRun, writer, fieldValidation }: Pick<WriteOptions, 'dryRun' | 'writer'> & Partial<WriteOptions>,
): object {
  return {
    ...{ kind, apiVersion: 'meta.k8s.io/v1' },
    ...(dryRun ? { dryRun: ['All'] } : {}),
    ...(writer ? { fieldManager: writer.manager } : {}),
    ...(fieldValidation ? { fieldValidation } : {}),
  };
}

interface Removed {
  readonly current: ApiObject;
  readonly removal: RemoveOptions;
  readonly dryRun: boolean;
}

export function removalAttempt(kind: Kind, { current, removal, dryRun }: Removed, { user }: Asker): Attempt {
  const options = { ...optionsOf('DeleteOptions', { dryRun }), ...removal };
  return { operation: 'DELETE', kind, old: current, user, dryRun, options };
}
