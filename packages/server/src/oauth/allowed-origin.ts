import { originOfRedirectUri } from '@pawl/protocol'
import type { ClientStore } from '../domain/client/client.ts'

/** As many clients as one look goes through. */
export const clientsLookedThroughMax = 10_000

/** True where a page of this origin is where some enabled client gets its answers (OAuth 2.1 §10.3). */
export async function isAllowedOrigin(clients: Pick<ClientStore, 'list'>, origin: string): Promise<boolean> {
  const registered = await clients.list(clientsLookedThroughMax)
  return registered.some(
    client => !client.disabled && client.redirectUris.some(uri => originOfRedirectUri(uri) === origin),
  )
}
