import type { SigningKeys } from '../domain/keys/signing-keys.ts'
import type { Entropy } from '../domain/entropy.ts'
import { statusListSeconds, type StatusLists, statusLists } from '../domain/status/status-lists.ts'
import type { Store } from '../domain/store.ts'
import { endpointPaths } from './metadata.ts'

export const statusListCacheSeconds = statusListSeconds

export interface StatusListServer {
  readonly store: Store
  readonly signingKeys: SigningKeys
  readonly entropy: Entropy
}

/** The lists of this server, below its issuer; null where they are off. */
export function openStatusLists(
  { statusLists: isOn, issuer }: { readonly statusLists: boolean; readonly issuer: string },
  { store, signingKeys, entropy }: StatusListServer,
): StatusLists | null {
  if (!isOn) return null
  const addressOf = (list: number) => `${issuer}${endpointPaths.statusLists}?list=${list}`
  return statusLists({ store: store.statusEntries, now: () => store.now(), signingKeys, entropy, addressOf })
}
