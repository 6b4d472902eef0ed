import type { Client } from '../../domain/client/client.ts'
import type { AuthorizationServer, Parameters } from '../../oauth/authorization-server.ts'
import { type Interaction, openInteraction } from '../../oauth/authorize/interaction.ts'
import type { Browser } from './browser-cookies.ts'
import { staleForm } from './page-answers.ts'

export interface Resumed {
  readonly interaction: Interaction
  readonly client: Client
}

/** The interaction that a page of ours carried, with its client as it is registered now. Throws for anything doubtful. */
export async function resumed(server: AuthorizationServer, browser: Browser, parameters: Parameters): Promise<Resumed> {
  const stateToken = parameters.get('state_token')
  const interaction = stateToken === undefined ? null : await openInteraction(server, stateToken, browser.hash)
  if (interaction === null) throw staleForm()
  const reading = await server.store.clients.read(interaction.request.clientId)
  if (reading === null || reading.client.disabled) throw staleForm()
  return { interaction, client: reading.client }
}
