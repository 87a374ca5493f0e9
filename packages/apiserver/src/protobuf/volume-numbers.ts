import type { NumberTable } from './message.ts';

/** core/v1 Volume with all its sources, and the claims a StatefulSet may template. */
export const VOLUME_NUMBERS: NumberTable = {
  Volume: 'name >VolumeSource',
  VolumeSource: `hostPath emptyDir gcePersistentDisk awsElasticBlockStore gitRepo secret nfs iscsi glusterfs
    persistentVolumeClaim rbd flexVolume cinder cephfs flocker downwardAPI fc azureFile configMap vsphereVolume
    quobyte azureDisk photonPersistentDisk portworxVolume scaleIO projected storageos csi ephemeral image`,
  HostPathVolumeSource: 'path type?',
  EmptyDirVolumeSource: 'medium sizeLimit',
  GCEPersistentDiskVolumeSource: 'pdName fsType partition readOnly',
  AWSElasticBlockStoreVolumeSource: 'volumeID fsType partition readOnly',
  GitRepoVolumeSource: 'repository revision directory',
  SecretVolumeSource: 'secretName items defaultMode? optional?',
  KeyToPath: 'key path mode?',
  NFSVolumeSource: 'server path readOnly',
  ISCSIVolumeSource: `targetPortal iqn lun iscsiInterface fsType readOnly portals chapAuthDiscovery 10 secretRef
    chapAuthSession initiatorName?`,
  GlusterfsVolumeSource: 'endpoints path readOnly',
  PersistentVolumeClaimVolumeSource: 'claimName readOnly',
  RBDVolumeSource: 'monitors image fsType pool user keyring secretRef readOnly',
  FlexVolumeSource: 'driver fsType secretRef readOnly options',
  CinderVolumeSource: 'volumeID fsType readOnly secretRef',
  CephFSVolumeSource: 'monitors path user secretFile secretRef readOnly',
  FlockerVolumeSource: 'datasetName datasetUUID',
  DownwardAPIVolumeSource: 'items defaultMode?',
  DownwardAPIVolumeFile: 'path fieldRef resourceFieldRef mode?',
  FCVolumeSource: 'targetWWNs lun? fsType readOnly wwids',
  AzureFileVolumeSource: 'secretName shareName readOnly',
  ConfigMapVolumeSource: '>LocalObjectReference items defaultMode? optional?',
  VsphereVirtualDiskVolumeSource: 'volumePath fsType storagePolicyName storagePolicyID',
  QuobyteVolumeSource: 'registry volume readOnly user group tenant',
  AzureDiskVolumeSource: 'diskName diskURI cachingMode? fsType? readOnly? kind?',
  PhotonPersistentDiskVolumeSource: 'pdID fsType',
  PortworxVolumeSource: 'volumeID fsType readOnly',
  ScaleIOVolumeSource: `gateway system secretRef sslEnabled protectionDomain storagePool storageMode volumeName
    fsType readOnly`,
  ProjectedVolumeSource: 'sources defaultMode?',
  VolumeProjection: 'secret downwardAPI configMap serviceAccountToken clusterTrustBundle podCertificate',
  SecretProjection: '>LocalObjectReference items 4 optional?',
  DownwardAPIProjection: 'items',
  ConfigMapProjection: '>LocalObjectReference items 4 optional?',
  ServiceAccountTokenProjection: 'audience expirationSeconds? path',
  ClusterTrustBundleProjection: 'name? signerName? labelSelector path optional?',
  PodCertificateProjection: `signerName keyType maxExpirationSeconds? credentialBundlePath keyPath
    certificateChainPath userAnnotations`,
  StorageOSVolumeSource: 'volumeName volumeNamespace fsType readOnly secretRef',
  CSIVolumeSource: 'driver readOnly? fsType? volumeAttributes nodePublishSecretRef',
  EphemeralVolumeSource: 'volumeClaimTemplate',
  PersistentVolumeClaimTemplate: 'metadata spec',
  PersistentVolumeClaimSpec: `accessModes resources volumeName selector storageClassName? volumeMode? dataSource
    dataSourceRef volumeAttributesClassName?`,
  VolumeResourceRequirements: 'limits requests',
  TypedLocalObjectReference: 'apiGroup? kind name',
  TypedObjectReference: 'apiGroup? kind name namespace?',
  ImageVolumeSource: 'reference pullPolicy',
  PersistentVolumeClaim: 'metadata spec status',
  PersistentVolumeClaimStatus: `phase accessModes capacity conditions allocatedResources 7 allocatedResourceStatuses
    currentVolumeAttributesClassName? modifyVolumeStatus`,
  PersistentVolumeClaimCondition: 'type status lastProbeTime lastTransitionTime reason message',
  ModifyVolumeStatus: 'targetVolumeAttributesClassName status',
};
