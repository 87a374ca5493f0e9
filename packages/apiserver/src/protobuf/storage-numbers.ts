import type { NumberTable } from './message.ts';

/** core/v1 PersistentVolume. */
export const PERSISTENT_VOLUME_NUMBERS: NumberTable = {
  PersistentVolume: 'metadata spec status',
  PersistentVolumeSpec: `capacity >PersistentVolumeSource accessModes claimRef persistentVolumeReclaimPolicy
    storageClassName mountOptions volumeMode? nodeAffinity volumeAttributesClassName?`,
  PersistentVolumeSource: `gcePersistentDisk awsElasticBlockStore hostPath glusterfs nfs rbd iscsi cinder cephfs fc
    flocker flexVolume azureFile vsphereVolume quobyte azureDisk photonPersistentDisk portworxVolume scaleIO local
    storageos csi`,
  GlusterfsPersistentVolumeSource: 'endpoints path readOnly endpointsNamespace?',
  RBDPersistentVolumeSource: 'monitors image fsType pool user keyring secretRef readOnly',
  SecretReference: 'name namespace',
  ISCSIPersistentVolumeSource: `targetPortal iqn lun iscsiInterface fsType readOnly portals chapAuthDiscovery 10
    secretRef chapAuthSession initiatorName?`,
  CinderPersistentVolumeSource: 'volumeID fsType readOnly secretRef',
  CephFSPersistentVolumeSource: 'monitors path user secretFile secretRef readOnly',
  FlexPersistentVolumeSource: 'driver fsType secretRef readOnly options',
  AzureFilePersistentVolumeSource: 'secretName shareName readOnly secretNamespace?',
  ScaleIOPersistentVolumeSource: `gateway system secretRef sslEnabled protectionDomain storagePool storageMode
    volumeName fsType readOnly`,
  LocalVolumeSource: 'path fsType?',
  StorageOSPersistentVolumeSource: 'volumeName volumeNamespace fsType readOnly secretRef',
  CSIPersistentVolumeSource: `driver volumeHandle readOnly fsType volumeAttributes controllerPublishSecretRef
    nodeStageSecretRef nodePublishSecretRef controllerExpandSecretRef nodeExpandSecretRef`,
  VolumeNodeAffinity: 'required',
  PersistentVolumeStatus: 'phase message reason lastPhaseTransitionTime',
  TopologySelectorTerm: 'matchLabelExpressions',
  TopologySelectorLabelRequirement: 'key values',
};

/** storage.k8s.io/v1. */
export const STORAGE_NUMBERS: NumberTable = {
  CSIDriver: 'metadata spec',
  CSIDriverSpec: `attachRequired? podInfoOnMount? volumeLifecycleModes storageCapacity? fsGroupPolicy? tokenRequests
    requiresRepublish? seLinuxMount? nodeAllocatableUpdatePeriodSeconds? serviceAccountTokenInSecrets?
    preventPodSchedulingIfMissing?`,
  TokenRequest: 'audience expirationSeconds?',
  CSINode: 'metadata spec',
  CSINodeSpec: 'drivers',
  CSINodeDriver: 'name nodeID topologyKeys allocatable',
  VolumeNodeResources: 'count?',
  CSIStorageCapacity: 'metadata nodeTopology storageClassName capacity maximumVolumeSize',
  VolumeAttachment: 'metadata spec status',
  VolumeAttachmentSpec: 'attacher source nodeName',
  VolumeAttachmentSource: 'persistentVolumeName? inlineVolumeSpec',
  VolumeAttachmentStatus: 'attached attachmentMetadata attachError detachError',
  VolumeError: 'time message errorCode?',
  StorageClass: `metadata provisioner parameters reclaimPolicy? mountOptions allowVolumeExpansion? volumeBindingMode?
    allowedTopologies`,
};
