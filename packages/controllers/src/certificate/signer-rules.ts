import type { RequestFacts } from './request-content.ts';

type Rule = (facts: RequestFacts, usages: readonly string[]) => string | undefined;

export const API_CLIENT = 'kubernetes.io/kube-apiserver-client';
export const KUBELET_CLIENT = 'kubernetes.io/kube-apiserver-client-kubelet';
export const KUBELET_SERVING = 'kubernetes.io/kubelet-serving';

const SIGNATURE = 'digital signature';
/** Keys that are not of RSA do without. */
const ENCIPHERMENT = 'key encipherment';
const CLIENT = 'client auth';
const SERVER = 'server auth';
const MASTERS = 'system:masters';
const NODES = 'system:nodes';
const NODE = 'system:node:';

/**
 * The signers of a cluster, and what is wrong with a request for them, in the words of Kubernetes.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers
 */
export const SIGNER_RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  [API_CLIENT, (facts, usages) => masters(facts) ?? clientUsages(usages)],
  [KUBELET_CLIENT, kubeletClient],
  [KUBELET_SERVING, kubeletServing],
]);

/** Nobody becomes an administrator by a request. */
function masters({ organizations }: RequestFacts): string | undefined {
  if (!organizations.includes(MASTERS)) return undefined;
  return `use of ${API_CLIENT} signer with ${MASTERS} group is not allowed`;
}

function clientUsages(usages: readonly string[]): string | undefined {
  const wrong = usages.find((usage) => ![SIGNATURE, ENCIPHERMENT, CLIENT].includes(usage));
  if (wrong !== undefined) return `invalid usage for client certificate: ${wrong}`;
  return usages.includes(CLIENT) ? undefined : `missing required usage for client certificate: ${CLIENT}`;
}

function kubeletClient(facts: RequestFacts, usages: readonly string[]): string | undefined {
  const { dnsNames, emails, addresses, urls } = facts;
  return (
    wrongOrganization(facts) ??
    none('DNS', dnsNames) ??
    none('Email', emails) ??
    none('IP', addresses) ??
    none('URI', urls) ??
    wrongName(facts) ??
    exactly([SIGNATURE, CLIENT], usages)
  );
}

function kubeletServing(facts: RequestFacts, usages: readonly string[]): string | undefined {
  const { dnsNames, emails, addresses, urls } = facts;
  const isNameless = dnsNames.length + addresses.length === 0;
  return (
    wrongOrganization(facts) ??
    (isNameless ? 'at least one DNS or IP subjectAltName is required' : undefined) ??
    none('Email', emails) ??
    none('URI', urls) ??
    exactly([SIGNATURE, SERVER], usages) ??
    wrongName(facts)
  );
}

function wrongOrganization({ organizations }: RequestFacts): string | undefined {
  const isRight = organizations.length === 1 && organizations[0] === NODES;
  return isRight ? undefined : `subject organization is not ${NODES}`;
}

function wrongName({ commonName }: RequestFacts): string | undefined {
  return commonName.startsWith(NODE) ? undefined : `subject common name does not begin with ${NODE}`;
}

function none(type: string, names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : `${type} subjectAltNames are not allowed`;
}

function exactly(wanted: readonly string[], usages: readonly string[]): string | undefined {
  const given = new Set(usages);
  given.delete(ENCIPHERMENT);
  const isRight = given.size === wanted.length && wanted.every((usage) => given.has(usage));
  return isRight ? undefined : `usages did not match [${[...wanted, ENCIPHERMENT].sort().join(' ')}]`;
}
