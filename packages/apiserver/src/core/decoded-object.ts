import { equalJson, type Kind } from '@podwire/kube';
import type { ApiObject, Schema, Validated } from '../seam.ts';
import { withManagedFields } from './managed-fields.ts';
import { badRequest, failure } from './status.ts';
import type { WriteOptions } from './write-options.ts';

/** More of what is unknown or said twice is not told, as Kubernetes has it. */
const MAX_FAULTS = 100;

interface Given {
  readonly whole: ApiObject;
  /** Absent when it is new. */
  readonly old?: ApiObject | undefined;
}

/** An object with its defaults, and what is wrong with it; throws 400 for what is none or has fields nobody knows. */
export function decodedObject(
  schema: Schema,
  kind: Kind,
  { whole, old }: Given,
  options: WriteOptions,
): Pick<Validated, 'object' | 'warnings' | 'causes'> {
  const { fieldValidation, apiVersion, subresource, writer } = options;
  // Entries that are not the client's are many, and need no check.
  const [given, stored] = [whole.metadata.managedFields ?? [], old?.metadata.managedFields ?? []];
  const isSame = equalJson(given, stored);
  const entries = isSame ? stored : given;
  const ours = isSame || writer?.operation === 'Apply';
  const draft = ours ? withManagedFields(whole, []) : whole;
  const asked = { fieldValidation, apiVersion, subresource };
  const result = schema.validateAndDefault(kind, draft, old ? { ...asked, old } : asked);
  if (result.decodeError !== undefined) throw undecodable(kind, result.decodeError, options);
  const faults = [...(options.duplicates ?? []), ...result.unknown].slice(0, MAX_FAULTS);
  if (fieldValidation === 'Strict' && faults.length > 0) {
    throw undecodable(kind, `strict decoding error: ${faults.join(', ')}`, options);
  }
  if (fieldValidation === 'Warn') for (const text of faults) options.warn(text);
  const { warnings, causes } = result;
  return { object: ours ? withManagedFields(result.object, entries) : result.object, warnings, causes };
}

/** Strategic, merge and JSON patches report as the Kubernetes server does for a field called `patch`. */
function undecodable(kind: Kind, why: string, { patch }: WriteOptions): Error {
  if (patch === undefined)
    return badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${why}`);
  const cause = {
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${JSON.stringify(patch)}: ${why}`,
    field: 'patch',
  };
  return failure(422, 'Invalid', ` "" is invalid: ${cause.field}: ${cause.message}`, { causes: [cause] });
}
