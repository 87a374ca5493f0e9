import type { ApiRequest } from '../seam.ts';
import type { FieldOwner } from './managed-fields.ts';
import { forbiddenField, invalid, invalidValue, required } from './status.ts';

/** Who writes, before the version is known. */
export type Writer = Omit<FieldOwner, 'apiVersion'>;

const MAX_BYTES = 128;
const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;

export type WriteVerb = 'Create' | 'Update' | 'Patch' | 'Apply';

/** The writer a request names by `fieldManager`, else by the program in its User-Agent; throws 422. */
export function writerOf({ query, headers }: ApiRequest, verb: WriteVerb, subresource: string | undefined): Writer {
  const given = query.get('fieldManager') ?? '';
  const force = query.get('force');
  const causes = [
    ...(verb === 'Apply' && given === '' ? [required('fieldManager', 'is required for apply patch')] : []),
    ...(verb === 'Patch' && force !== null
      ? [forbiddenField('force', 'may not be specified for non-apply patch')]
      : []),
    ...(Buffer.byteLength(given) > MAX_BYTES ? [tooLong()] : []),
    ...(UNPRINTABLE.test(given)
      ? [invalidValue('fieldManager', given, 'should only contain printable characters')]
      : []),
  ];
  const options = verb === 'Apply' ? 'Patch' : verb;
  if (causes.length > 0) throw invalid({ group: 'meta.k8s.io', kind: `${options}Options` }, '', causes);
  const manager = given || programOf(headers['user-agent']);
  return { manager, operation: verb === 'Apply' ? 'Apply' : 'Update', subresource };
}

function tooLong() {
  return {
    reason: 'FieldValueTooLong',
    message: `Too long: may not be more than ${MAX_BYTES} bytes`,
    field: 'fieldManager',
  };
}

/** `kubectl` of `kubectl/v1.33.0 (linux/amd64)`. */
function programOf(userAgent = ''): string {
  const [program = ''] = userAgent.split('/');
  const text = Array.from(program).filter((letter) => !UNPRINTABLE.test(letter));
  return text.slice(0, MAX_BYTES).join('') || 'unknown';
}
