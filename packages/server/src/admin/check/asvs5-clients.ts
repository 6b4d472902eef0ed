/** What OWASP ASVS 5.0 asks of single clients, each as a sentence about what is wrong with one. */

import { type Client, isBound } from '../../domain/client/client.ts'
import { codeSecondsFor } from '../../domain/client/client-profile.ts'
import { userScopes } from '../../domain/user/user-scopes.ts'
import { type ClientFault, eachClient, type Judgement, type Situation } from './clause.ts'

const codeSecondsAtLevel3 = 60

export function judgeCode({ profile }: Client, serverSeconds: number): ClientFault | null {
  const seconds = codeSecondsFor(profile, serverSeconds)
  if (seconds <= codeSecondsAtLevel3) return null
  const change = `serve with --code-seconds ${codeSecondsAtLevel3}`
  return { reason: `its codes live ${seconds} seconds, which is enough for levels 1 and 2`, change }
}

/** What ARCHITECTURE calls weak: neither bound nor, unless its client sends retry keys, keyed. */
export function judgeReplay(client: Client): ClientFault | null {
  const { repeatWindowSeconds } = client
  if (isBound(client) || repeatWindowSeconds === 0) return null
  return {
    reason: `unless it sends retry keys its families are weak: a spent token is answered again for ${repeatWindowSeconds} seconds`,
    change: 'say --dpop, or --repeat-seconds 0',
  }
}

export function judgeScopes({ scopes }: Client): ClientFault | null {
  if (!userScopes.every(scope => scopes.includes(scope))) return null
  return { reason: 'it may ask for every scope there is about a person', change: 'name what it needs with --scope' }
}

export function judgeBackend(
  { settings }: Situation,
  clients: readonly Client[],
  reason: string,
): readonly Judgement[] {
  const isForAll = settings.requirePushedRequests || settings.requireSignedRequests
  const judge = ({ requests }: Client): ClientFault | null =>
    isForAll || requests.requirePushed || requests.requireSigned
      ? null
      : { reason, change: 'say --require-par or --require-signed-requests' }
  return eachClient(clients, judge, { met: 'it is pushed or signed', none: 'no client has anything of the kind' })
}
