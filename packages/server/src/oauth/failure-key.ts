import type { ClientId } from '@pawl/family'
import { networkOf } from '../domain/throttle/network.ts'

/** What failures are counted by: the client named, and the network asked from. */
export function failureKey(clientId: ClientId | null, address: string): string {
  return `${clientId ?? ''} ${networkOf(address)}`
}
