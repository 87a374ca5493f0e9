export { findKubectls } from './kubectl.ts';
export { Cluster } from './kubectl-cluster.ts';
