import type { AuthorizationServer, Parameters } from '../../oauth/authorization-server.ts'
import { type Resumed, resumeInteraction } from '../../oauth/authorize/interaction.ts'
import type { Browser } from './browser-cookies.ts'
import { staleForm } from './page-answers.ts'

/** The interaction behind the form or link of a page of ours. Throws for anything doubtful. */
export async function resumed(server: AuthorizationServer, browser: Browser, parameters: Parameters): Promise<Resumed> {
  const stateToken = parameters.get('state_token')
  const found = stateToken === undefined ? null : await resumeInteraction(server, stateToken, browser.hash)
  if (found === null) throw staleForm()
  return found
}
