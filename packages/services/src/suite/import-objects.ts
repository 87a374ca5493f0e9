import { IMPORT_NAME_LABEL, SOURCE_CLUSTER_LABEL } from '@podwire/kube';
import type { FakeInformers } from '@podwire/kube/testing';
import { sliceObject } from '../api-objects.fixture.ts';
import type { CaseService } from './case.ts';

/** Makes a ServiceImport what it is, with its slices and no other. */
export function putImport(
  informers: FakeInformers,
  name: string,
  { address, options, slices, gone }: CaseService,
): void {
  const metadata = { namespace: 'default', name };
  const kept = new Set(gone ? [] : slices?.map((_, i) => `${name}-import-${i}`));
  for (const slice of informers.of('EndpointSlice').list())
    if (slice.metadata?.labels?.[IMPORT_NAME_LABEL] === name && !kept.has(slice.metadata.name ?? ''))
      informers.remove('EndpointSlice', slice);
  if (gone) {
    informers.remove('ServiceImport', { metadata });
    return;
  }
  const { annotations = {}, ports, sessionAffinity, sessionAffinityConfig, internalTrafficPolicy } = options ?? {};
  informers.put('ServiceImport', {
    metadata: { ...metadata, annotations },
    spec: {
      type: 'ClusterSetIP',
      ips: [address],
      ports: ports ?? [
        { name: 'http', port: 80 },
        { name: 'dns', protocol: 'UDP', port: 53 },
      ],
      ...(sessionAffinity && { sessionAffinity }),
      ...(sessionAffinityConfig && { sessionAffinityConfig }),
      ...(internalTrafficPolicy && { internalTrafficPolicy }),
    },
  });
  for (const [i, slice] of (slices ?? []).entries()) {
    const labels = { [IMPORT_NAME_LABEL]: name, [SOURCE_CLUSTER_LABEL]: slice.cluster ?? 'own' };
    informers.put('EndpointSlice', sliceObject({ name: `${name}-import-${i}`, labels }, slice));
  }
}
