import type { Client } from '../../domain/client/client.ts'
import type { Caller } from '../../domain/event/new-event.ts'
import type { RequestId } from '../../domain/identifiers.ts'
import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import type { Interaction } from '../../oauth/authorize/interaction.ts'
import { proceed } from '../../oauth/authorize/proceed.ts'
import type { SignedIn } from '../../oauth/browser.ts'
import type { HttpResponse } from '../exchange.ts'
import { type Browser, signedInCookies, withCookies } from './browser-cookies.ts'
import { continueWith, nextAfterPost } from './next-response.ts'

export interface SigningIn {
  readonly interaction: Interaction
  readonly client: Client
  readonly browser: Browser
  readonly requestId: RequestId
  readonly caller: Caller
}

/** Somebody has signed in, in whichever way: on to what comes next, under the new cookies. */
export async function afterSignIn(
  server: AuthorizationServer,
  signing: SigningIn,
  { session, secrets }: SignedIn,
): Promise<HttpResponse> {
  const { client, browser, requestId, caller } = signing
  const interaction = { ...signing.interaction, firstFactor: null }
  const next = await proceed(server, { interaction, client, session, hasConsented: false, caller })
  const response =
    next.kind === 'sign_in'
      ? continueWith(server, interaction, browser, 'other_person')
      : await nextAfterPost(server, next, { browser, requestId, problem: null })
  return withCookies(response, signedInCookies(secrets, session))
}
