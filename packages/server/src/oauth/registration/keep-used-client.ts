import type { Client } from '../../domain/client/client.ts'
import { idleClientKeptSeconds } from '../../domain/registration/registration-store.ts'
import type { AuthorizationServer } from '../authorization-server.ts'

/** To be called when a person has let the client in: one that came by itself is kept from now on for as long as it is used. */
export async function keepUsedClient(server: AuthorizationServer, client: Client, nowMs: number): Promise<void> {
  if (client.source === null) return
  await server.store.registrations.keepClient(client.id, nowMs + idleClientKeptSeconds * 1000)
}
