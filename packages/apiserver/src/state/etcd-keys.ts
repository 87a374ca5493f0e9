import { KINDS } from '@podwire/kube';
import type { RecordKey } from './backend.ts';

/** What the server keeps for itself beside the objects; no resource has such a name. */
const OWN = 'podwire.io';

const resourceOf = new Map<string, string>(
  KINDS.map(({ id, plural, group }) => [id, group ? `${plural}.${group}` : plural]),
);
const kindOf = new Map([...resourceOf].map(([id, resource]) => [resource, id]));

/**
 * Names of objects in etcd: `/registry/pods/default/web`, `/registry/nodes/node-1`, `/registry/deployments.apps/default/web`;
 * and of what says who writes them: `/registry/podwire.io/owner`, `/registry/podwire.io/revision`.
 */
export class EtcdKeys {
  readonly prefix: string;
  readonly owner: string;
  readonly revision: string;

  constructor(prefix: string) {
    this.prefix = `/${prefix.split('/').filter(Boolean).join('/')}/`;
    this.owner = `${this.prefix}${OWN}/owner`;
    this.revision = `${this.prefix}${OWN}/revision`;
  }

  /** The first key after all that begin with the prefix. */
  get end(): string {
    return `${this.prefix.slice(0, -1)}0`;
  }

  keyOf({ kind, key }: RecordKey): string {
    // Custom resources have their resource for an id.
    return `${this.prefix}${resourceOf.get(kind) ?? kind}/${key}`;
  }

  /** Undefined for what is not an object. */
  recordKey(key: string): RecordKey | undefined {
    const [resource = '', ...rest] = key.slice(this.prefix.length).split('/');
    if (!key.startsWith(this.prefix) || resource === OWN || rest.length < 1 || rest.length > 2) return undefined;
    return { kind: kindOf.get(resource) ?? resource, key: rest.join('/') };
  }
}
