/** A person's answer on the consent page. Only an answer given in the session that was asked counts. */

import { rememberConsent } from '../../domain/consent/consents.ts'
import type { Client } from '../../domain/client/client.ts'
import type { Caller } from '../../domain/event/new-event.ts'
import type { Session } from '../../domain/session/session.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import { errorResponse } from './authorization-response.ts'
import type { Interaction } from './interaction.ts'
import { type Next, proceed, scopesToAllow } from './proceed.ts'

export interface ConsentAnswer {
  readonly interaction: Interaction
  readonly client: Client
  readonly session: Session | null
  readonly decision: 'allow' | 'deny'
  readonly caller: Caller
}

export async function answerConsent(server: AuthorizationServer, answer: ConsentAnswer): Promise<Next> {
  const { interaction, client, session, decision, caller } = answer
  const { request } = interaction
  if (decision === 'deny') {
    const description = 'The person said no.'
    return { kind: 'respond', response: errorResponse(server, request, { code: 'access_denied', description }) }
  }
  const isAskedSession = session !== null && session.id === interaction.askedSessionId
  if (!isAskedSession) return proceed(server, { interaction, client, session, hasConsented: false, caller })
  const next = await proceed(server, { interaction, client, session, hasConsented: true, caller })
  // An answer counts once: sent again after the consent was withdrawn, it must not be remembered anew. One that was given
  // to a device is about that device alone.
  if (next.kind === 'respond' && request.device === null) await remember(server, answer, session)
  return next
}

async function remember(server: AuthorizationServer, answer: ConsentAnswer, session: Session): Promise<void> {
  const means = { consents: server.store.consents, entropy: server.entropy }
  const given = {
    subject: session.subject,
    clientId: answer.client.id,
    scopes: scopesToAllow(answer.interaction.request),
    givenAtMs: await server.store.now(),
  }
  await rememberConsent(means, given, answer.caller)
}
