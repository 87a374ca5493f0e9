export { type Controllers, startControllers } from './controllers.ts';
export { daemonPod, isEligible } from './daemon/daemon-pod.ts';
export { planMirror } from './mirrored-slices.ts';
export { followPeers } from './multicluster/cluster-peers.ts';
export { nextNodeCidr } from './node-cidr.ts';
export { placePod } from './placement.ts';
export { podFromTemplate } from './pod-template.ts';
export { planSlices } from './slices.ts';
export { planTopology } from './topology.ts';
