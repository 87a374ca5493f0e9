import type { TypeTable } from './notation.ts';

/** apiextensions.k8s.io/v1. What is a schema, or a boolean or list in its place, is plain data here. */
export const APIEXTENSIONS_TYPES: TypeTable = {
  CustomResourceDefinition: 'TypeMeta spec+:CustomResourceDefinitionSpec status:CustomResourceDefinitionStatus',
  CustomResourceDefinitionSpec: `conversion:CustomResourceConversion group* names+:CustomResourceDefinitionNames
    preserveUnknownFields:bool scope*(Cluster|Namespaced) versions*:CustomResourceDefinitionVersion[]`,
  CustomResourceConversion: 'strategy*(None|Webhook) webhook:WebhookConversion',
  WebhookConversion: 'clientConfig:WebhookClientConfig conversionReviewVersions*:string[]',
  WebhookClientConfig: 'caBundle:bytes service:ServiceReference url',
  ServiceReference: 'name* namespace* path port:int32=443',
  CustomResourceDefinitionNames: 'categories:string[] kind* listKind plural* shortNames:string[] singular',
  CustomResourceDefinitionVersion: `additionalPrinterColumns:CustomResourceColumnDefinition[] deprecated:bool
    deprecationWarning name* schema:CustomResourceValidation selectableFields:SelectableField[] served+:bool
    storage+:bool subresources:CustomResourceSubresources`,
  CustomResourceColumnDefinition: 'description format jsonPath* name* priority:int32 type*',
  CustomResourceValidation: 'openAPIV3Schema:JSONSchemaProps',
  JSONSchemaProps: `$ref $schema additionalItems:any additionalProperties:any allOf:JSONSchemaProps[]
    anyOf:JSONSchemaProps[] default:any definitions:JSONSchemaProps{} dependencies:any{} description enum:any[]
    example:any exclusiveMaximum:bool exclusiveMinimum:bool externalDocs:ExternalDocumentation format id items:any
    maxItems:int64 maxLength:int64 maxProperties:int64 maximum:number minItems:int64 minLength:int64
    minProperties:int64 minimum:number multipleOf:number not:JSONSchemaProps nullable:bool oneOf:JSONSchemaProps[]
    pattern patternProperties:JSONSchemaProps{} properties:JSONSchemaProps{} required:string[] title type
    uniqueItems:bool x-kubernetes-embedded-resource:bool x-kubernetes-int-or-string:bool
    x-kubernetes-list-map-keys:string[] x-kubernetes-list-type x-kubernetes-map-type
    x-kubernetes-preserve-unknown-fields:bool x-kubernetes-validations:ValidationRule[]@rule`,
  ExternalDocumentation: 'description url',
  ValidationRule: 'fieldPath message messageExpression optionalOldSelf:bool reason rule*',
  SelectableField: 'jsonPath*',
  CustomResourceSubresources: 'scale:CustomResourceSubresourceScale status:object',
  CustomResourceSubresourceScale: 'labelSelectorPath specReplicasPath* statusReplicasPath*',
  CustomResourceDefinitionStatus: `acceptedNames:CustomResourceDefinitionNames
    conditions:CustomResourceDefinitionCondition[]@type-nopatch observedGeneration:int64 storedVersions:string[]`,
  CustomResourceDefinitionCondition: `lastTransitionTime:time message observedGeneration:int64 reason status+ type+`,
};
