import type { TypeTable } from './notation.ts';

/** core/v1 PersistentVolume with the sources only it has; the others are those of volumes of pods. */
export const PERSISTENT_VOLUME_TYPES: TypeTable = {
  PersistentVolume: 'TypeMeta spec:PersistentVolumeSpec status:PersistentVolumeStatus',
  PersistentVolumeSpec: `accessModes:string[] awsElasticBlockStore:AWSElasticBlockStoreVolumeSource
    azureDisk:AzureDiskVolumeSource azureFile:AzureFilePersistentVolumeSource capacity:quantity{}
    cephfs:CephFSPersistentVolumeSource cinder:CinderPersistentVolumeSource claimRef:ObjectReference
    csi:CSIPersistentVolumeSource fc:FCVolumeSource flexVolume:FlexPersistentVolumeSource flocker:FlockerVolumeSource
    gcePersistentDisk:GCEPersistentDiskVolumeSource glusterfs:GlusterfsPersistentVolumeSource
    hostPath:HostPathVolumeSource iscsi:ISCSIPersistentVolumeSource local:LocalVolumeSource mountOptions:string[]
    nfs:NFSVolumeSource nodeAffinity:VolumeNodeAffinity
    persistentVolumeReclaimPolicy(Delete|Recycle|Retain)=Retain photonPersistentDisk:PhotonPersistentDiskVolumeSource
    portworxVolume:PortworxVolumeSource quobyte:QuobyteVolumeSource rbd:RBDPersistentVolumeSource
    scaleIO:ScaleIOPersistentVolumeSource storageClassName storageos:StorageOSPersistentVolumeSource
    volumeAttributesClassName volumeMode(Block|Filesystem)=Filesystem vsphereVolume:VsphereVirtualDiskVolumeSource`,
  AzureFilePersistentVolumeSource: 'readOnly:bool secretName* secretNamespace shareName*',
  CephFSPersistentVolumeSource: 'monitors*:string[] path readOnly:bool secretFile secretRef:SecretReference user',
  SecretReference: 'name namespace',
  CinderPersistentVolumeSource: 'fsType readOnly:bool secretRef:SecretReference volumeID*',
  CSIPersistentVolumeSource: `controllerExpandSecretRef:SecretReference controllerPublishSecretRef:SecretReference
    driver* fsType nodeExpandSecretRef:SecretReference nodePublishSecretRef:SecretReference
    nodeStageSecretRef:SecretReference readOnly:bool volumeAttributes:string{} volumeHandle*`,
  FlexPersistentVolumeSource: 'driver* fsType options:string{} readOnly:bool secretRef:SecretReference',
  GlusterfsPersistentVolumeSource: 'endpoints* endpointsNamespace path* readOnly:bool',
  ISCSIPersistentVolumeSource: `chapAuthDiscovery:bool chapAuthSession:bool fsType initiatorName iqn*
    iscsiInterface=default lun+:int32 portals:string[] readOnly:bool secretRef:SecretReference targetPortal*`,
  LocalVolumeSource: 'fsType path*',
  VolumeNodeAffinity: 'required:NodeSelector',
  RBDPersistentVolumeSource: `fsType image* keyring=/etc/ceph/keyring monitors*:string[] pool=rbd readOnly:bool
    secretRef:SecretReference user=admin`,
  ScaleIOPersistentVolumeSource: `fsType=xfs gateway* protectionDomain readOnly:bool secretRef*:SecretReference
    sslEnabled:bool storageMode=ThinProvisioned storagePool system* volumeName`,
  StorageOSPersistentVolumeSource: 'fsType readOnly:bool secretRef:ObjectReference volumeName volumeNamespace',
  PersistentVolumeStatus: 'lastPhaseTransitionTime:time message phase reason',
  TopologySelectorTerm: 'matchLabelExpressions:TopologySelectorLabelRequirement[]',
  TopologySelectorLabelRequirement: 'key* values*:string[]',
};

/** storage.k8s.io/v1. */
export const STORAGE_TYPES: TypeTable = {
  CSIDriver: 'TypeMeta spec+:CSIDriverSpec',
  CSIDriverSpec: `attachRequired:bool=true fsGroupPolicy(File|None|ReadWriteOnceWithFSType)=ReadWriteOnceWithFSType
    nodeAllocatableUpdatePeriodSeconds:int64 podInfoOnMount:bool=false preventPodSchedulingIfMissing:bool
    requiresRepublish:bool=false seLinuxMount:bool=false serviceAccountTokenInSecrets:bool storageCapacity:bool=false
    tokenRequests:TokenRequest[] volumeLifecycleModes:string[]@set`,
  TokenRequest: 'audience+ expirationSeconds:int64',
  CSINode: 'TypeMeta spec+:CSINodeSpec',
  CSINodeSpec: 'drivers+:CSINodeDriver[]@name',
  CSINodeDriver: 'allocatable:VolumeNodeResources name* nodeID* topologyKeys:string[]',
  VolumeNodeResources: 'count:int32',
  CSIStorageCapacity:
    'TypeMeta capacity:quantity maximumVolumeSize:quantity nodeTopology:LabelSelector storageClassName*',
  VolumeAttachment: 'TypeMeta spec+:VolumeAttachmentSpec status:VolumeAttachmentStatus',
  VolumeAttachmentSpec: 'attacher* nodeName* source+:VolumeAttachmentSource',
  VolumeAttachmentSource: 'inlineVolumeSpec:PersistentVolumeSpec persistentVolumeName',
  VolumeAttachmentStatus: `attachError:VolumeError attached+:bool attachmentMetadata:string{}
    detachError:VolumeError`,
  VolumeError: 'errorCode:int32 message time:time',
  StorageClass: `TypeMeta allowVolumeExpansion:bool allowedTopologies:TopologySelectorTerm[] mountOptions:string[]
    parameters:string{} provisioner* reclaimPolicy(Delete|Retain)=Delete
    volumeBindingMode(Immediate|WaitForFirstConsumer)=Immediate`,
};
