import { MutatingPolicies } from '../admission/mutations/mutating-policies.ts';
import { AdmissionWebhooks } from '../admission/webhooks/admission-webhooks.ts';
import { Authorizer } from '../authorization/authorizer.ts';
import { RbacIndex } from '../authorization/rbac-index.ts';
import { KindRegistry } from '../core/kind-registry.ts';
import { Registry } from '../core/registry.ts';
import { ServiceAddresses } from '../core/service-addresses.ts';
import type { Store } from '../core/store.ts';
import { CustomCleanup } from '../custom/custom-cleanup.ts';
import { CustomResources } from '../custom/custom-resources.ts';
import { createSchema } from '../schema/index.ts';
import type { Schema } from '../seam.ts';
import type { CompleteOptions } from './api-server.ts';

/** Objects, from the store up to the verbs. */
export interface Objects {
  readonly store: Store;
  readonly kinds: KindRegistry;
  readonly custom: CustomResources;
  readonly schema: Schema;
  readonly addresses: ServiceAddresses;
  readonly authorizer: Authorizer;
  readonly registry: Registry;
  readonly webhooks: AdmissionWebhooks;
  /** Definitions are followed no longer. */
  stop(): void;
}

export function createObjects(store: Store, options: CompleteOptions): Objects {
  const { serviceCidrs, nodePortRange, denyExternalIPs } = options;
  const kinds = new KindRegistry();
  const custom = new CustomResources(store, kinds);
  const schema = createSchema(custom);
  const addresses = new ServiceAddresses({ store, serviceCidrs, nodePortRange });
  const authorizer = new Authorizer(new RbacIndex(store));
  const policies = new MutatingPolicies({ store, kinds, schema, authorizer });
  const webhooks = new AdmissionWebhooks({ store, authorizer, policies });
  const registry = new Registry({ store, schema, addresses, custom, kinds, webhooks, authorizer, denyExternalIPs });
  const cleanup = new CustomCleanup(registry, custom);
  return {
    ...{ store, kinds, custom, schema, addresses, authorizer, webhooks, registry },
    stop: () => {
      custom.stop();
      cleanup.stop();
    },
  };
}
