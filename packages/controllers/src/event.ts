import { type KindName, type KubeClient, kindNamed, recordEvent } from '@podwire/kube';
import { type Meta, nameOf } from './context.ts';

export interface Remark {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** Writes Events of one controller, in the background: they are a courtesy. */
export type Remarks = (object: Meta, remark: Remark) => void;

export function remarksOn(client: KubeClient, kind: KindName, component: string): Remarks {
  return (object, remark) => {
    const { namespace, uid } = object.metadata ?? {};
    const subject = {
      apiVersion: kindNamed(kind).apiVersion,
      kind,
      name: nameOf(object),
      ...(namespace ? { namespace } : {}),
      ...(uid ? { uid } : {}),
    };
    void recordEvent(client, { object: subject, ...remark, component });
  };
}
