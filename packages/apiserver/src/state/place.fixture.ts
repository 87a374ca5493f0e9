import { Store } from '../core/store.ts';
import { type EtcdOptions, EtcdState } from './etcd-state.ts';

/** Where the store of a writer keeps what it writes; passed to its process as JSON. */
export type Place = { readonly directory: string; readonly rotateBytes?: number } | EtcdOptions;

export const openPlace = async (place: Place): Promise<Store> =>
  Store.open('directory' in place ? place : { backend: await EtcdState.open(place) });
