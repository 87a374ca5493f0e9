import type { PolicyRule, Subject } from 'kubernetes-types/rbac/v1.js';

/**
 * A rule is a line of words: the verbs, the API groups (`core` is the empty one), the resources and, if not for all of
 * them, their names, each list with commas; or the verbs and the paths of non-resource URLs.
 */
export interface DefaultRole {
  readonly rules?: readonly string[];
  /** Gathers the rules of the roles labelled `aggregate-to-NAME`. */
  readonly gathers?: string;
  /** Is gathered by the role of this name. */
  readonly gatheredBy?: string;
}

const READ = 'get,list,watch';
const WRITE = 'create,delete,deletecollection,patch,update';
const ALL = `create,delete,deletecollection,get,list,patch,update,watch`;
const HEALTH = '/healthz,/livez,/readyz,/version,/version/';
const APPS = 'daemonsets,deployments,deployments/scale,replicasets,replicasets/scale,statefulsets,statefulsets/scale';
const APPS_STATUS = 'daemonsets/status,deployments/status,replicasets/status,statefulsets/status';
const STREAMS = 'pods/attach,pods/exec,pods/portforward,pods/proxy';
const SIGNERS = ['kube-apiserver-client', 'kube-apiserver-client-kubelet', 'kubelet-serving', 'legacy-unknown'];
const CONTROLLERS = 'replicationcontrollers,replicationcontrollers/scale';

/** The ClusterRoles every cluster has; the names and meanings are those of Kubernetes. */
export const DEFAULT_ROLES: Readonly<Record<string, DefaultRole>> = {
  'cluster-admin': { rules: ['* * *', '* *'] },
  admin: { gathers: 'admin' },
  edit: { gathers: 'edit', gatheredBy: 'admin' },
  view: { gathers: 'view', gatheredBy: 'edit' },
  'system:aggregate-to-admin': {
    gatheredBy: 'admin',
    rules: [
      'create authorization.k8s.io localsubjectaccessreviews',
      `${ALL} rbac.authorization.k8s.io rolebindings,roles`,
    ],
  },
  'system:aggregate-to-edit': {
    gatheredBy: 'edit',
    rules: [
      `${READ} core ${STREAMS},secrets,services/proxy`,
      'impersonate core serviceaccounts',
      `${WRITE} core pods,${STREAMS}`,
      'create core pods/eviction,serviceaccounts/token',
      `${WRITE} core configmaps,events,persistentvolumeclaims,${CONTROLLERS},secrets,serviceaccounts,services,services/proxy`,
      `${WRITE} apps ${APPS},deployments/rollback`,
      `${WRITE} autoscaling horizontalpodautoscalers`,
      `${WRITE} batch cronjobs,jobs`,
      `${WRITE} extensions ingresses`,
      `${WRITE} policy poddisruptionbudgets`,
      `${WRITE} networking.k8s.io ingresses,networkpolicies`,
      // Where these are custom resources, whoever defines them adds such rules.
      `${WRITE} multicluster.x-k8s.io serviceexports`,
      `${ALL} coordination.k8s.io leases`,
    ],
  },
  'system:aggregate-to-view': {
    gatheredBy: 'view',
    rules: [
      `${READ} core configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods,${CONTROLLERS},serviceaccounts,services,services/status`,
      `${READ} core bindings,events,limitranges,namespaces/status,pods/log,pods/status,replicationcontrollers/status,resourcequotas,resourcequotas/status`,
      `${READ} core namespaces`,
      `${READ} discovery.k8s.io endpointslices`,
      `${READ} apps controllerrevisions,${APPS},${APPS_STATUS}`,
      `${READ} autoscaling horizontalpodautoscalers,horizontalpodautoscalers/status`,
      `${READ} batch cronjobs,cronjobs/status,jobs,jobs/status`,
      `${READ} extensions ingresses,ingresses/status`,
      `${READ} policy poddisruptionbudgets,poddisruptionbudgets/status`,
      `${READ} networking.k8s.io ingresses,ingresses/status,networkpolicies`,
      `${READ} multicluster.x-k8s.io serviceexports,serviceexports/status,serviceimports,serviceimports/status`,
    ],
  },
  'system:discovery': { rules: [`get ${HEALTH},/api,/api/*,/apis,/apis/*,/openapi,/openapi/*`] },
  'system:public-info-viewer': { rules: [`get ${HEALTH}`] },
  'system:basic-user': {
    rules: [
      'create authorization.k8s.io selfsubjectaccessreviews,selfsubjectrulesreviews',
      'create authentication.k8s.io selfsubjectreviews',
    ],
  },
  'system:monitoring': { rules: ['get /healthz,/healthz/*,/livez,/livez/*,/metrics,/metrics/slis,/readyz,/readyz/*'] },
  'system:auth-delegator': {
    rules: ['create authentication.k8s.io tokenreviews', 'create authorization.k8s.io subjectaccessreviews'],
  },
  'system:service-account-issuer-discovery': {
    rules: [
      'get /.well-known/openid-configuration,/.well-known/openid-configuration/,/openid/v1/jwks,/openid/v1/jwks/',
    ],
  },
  'system:node-bootstrapper': {
    rules: ['create,get,list,watch certificates.k8s.io certificatesigningrequests'],
  },
  'system:certificates.k8s.io:certificatesigningrequests:nodeclient': {
    rules: ['create certificates.k8s.io certificatesigningrequests/nodeclient'],
  },
  'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient': {
    rules: ['create certificates.k8s.io certificatesigningrequests/selfnodeclient'],
  },
  ...Object.fromEntries(
    SIGNERS.map((signer) => [
      `system:certificates.k8s.io:${signer}-approver`,
      { rules: [`approve certificates.k8s.io signers kubernetes.io/${signer}`] },
    ]),
  ),
  'system:node-proxier': {
    rules: [
      'list,watch core endpoints,services',
      `${READ} core nodes`,
      'create,patch,update core,events.k8s.io events',
      'list,watch discovery.k8s.io endpointslices',
      'list,watch networking.k8s.io servicecidrs',
    ],
  },
  'podwire:agent': {
    rules: [
      `${READ} core endpoints,namespaces,nodes,pods,services`,
      'patch,update core nodes/status,pods/status,services/status',
      'patch core nodes,pods',
      'create,get,patch,update core,events.k8s.io events',
      `${READ} discovery.k8s.io endpointslices`,
      `${READ} networking.k8s.io ingressclasses,ingresses,networkpolicies,servicecidrs`,
      `${READ} multicluster.x-k8s.io serviceimports`,
      'patch,update networking.k8s.io ingresses/status',
      'create,get,list,patch,update,watch coordination.k8s.io leases',
    ],
  },
  'podwire:controllers': {
    rules: [
      `${READ} * *`,
      `${ALL} core endpoints,events,pods,serviceaccounts`,
      'create core configmaps,persistentvolumeclaims,persistentvolumes,pods/binding,pods/eviction,serviceaccounts/token',
      'patch,update core namespaces/finalize,namespaces/status,nodes,nodes/status,pods/status',
      `${ALL} apps controllerrevisions,replicasets`,
      `patch,update apps ${APPS},${APPS_STATUS}`,
      `${ALL} batch jobs`,
      'patch,update batch cronjobs,cronjobs/status,jobs/status',
      `${ALL} discovery.k8s.io endpointslices`,
      `${ALL} coordination.k8s.io leases`,
      'create networking.k8s.io ipaddresses',
      'update certificates.k8s.io certificatesigningrequests/approval,certificatesigningrequests/status',
      'approve,sign certificates.k8s.io signers kubernetes.io/*',
      'create,update multicluster.x-k8s.io serviceimports',
      'patch,update multicluster.x-k8s.io serviceexports/status,serviceimports/status',
      'patch,update policy poddisruptionbudgets/status',
      // Garbage and the contents of namespaces, of whatever kind.
      'delete,deletecollection,patch * *',
    ],
  },
};

const GROUP = 'rbac.authorization.k8s.io';
const group = (name: string): Subject => ({ kind: 'Group', name, apiGroup: GROUP });
const user = (name: string): Subject => ({ kind: 'User', name, apiGroup: GROUP });
const account = (name: string): Subject => ({ kind: 'ServiceAccount', name, namespace: 'kube-system' });

/** The ClusterRoleBindings every cluster has, each to the ClusterRole of its name. */
export const DEFAULT_BINDINGS: Readonly<Record<string, readonly Subject[]>> = {
  'cluster-admin': [group('system:masters')],
  'system:discovery': [group('system:authenticated')],
  'system:basic-user': [group('system:authenticated')],
  'system:public-info-viewer': [group('system:authenticated'), group('system:unauthenticated')],
  'system:monitoring': [group('system:monitoring')],
  'system:service-account-issuer-discovery': [group('system:serviceaccounts')],
  'system:node-proxier': [user('system:kube-proxy')],
  'podwire:agent': [account('podwire-agent')],
  'podwire:controllers': [account('podwire-controllers')],
};

/** A line of words as a rule. */
export function parseRule(line: string): PolicyRule {
  const [verbs, second, resources, names] = line.split(' ').map((word) => word.split(','));
  if (!resources) return { verbs: verbs ?? [], nonResourceURLs: second ?? [] };
  return {
    verbs: verbs ?? [],
    apiGroups: (second ?? []).map((name) => (name === 'core' ? '' : name)),
    resources,
    ...(names ? { resourceNames: names } : {}),
  };
}
