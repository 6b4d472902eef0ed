/** What the account page says of sessions, passkeys and applications, in words and dates. */

import { instantInWords } from '../../domain/time.ts'
import type { Session } from '../../domain/session/session.ts'
import type { Holding, Overview } from '../../oauth/account/overview.ts'
import { agentInWords } from '../pages/agent-in-words.ts'
import type {
  ShownApplication,
  ShownHolding,
  ShownPasskey,
  ShownSession,
  ShownUpstream,
} from '../pages/account-page.ts'

export function shownSessions({ sessions, session: own }: Overview): readonly ShownSession[] {
  return sessions.map(session => ({
    id: session.id,
    isThis: session.id === own.id,
    agent: agentInWords(session.agent),
    address: session.address,
    since: instantInWords(session.authTimeMs),
    how: howInWords(session),
  }))
}

export function shownPasskeys({ passkeys }: Overview): readonly ShownPasskey[] {
  return passkeys.map(({ id, name, createdAtMs, usedAtMs }) => ({
    id,
    name,
    since: instantInWords(createdAtMs),
    lastUsed: usedAtMs === null ? null : instantInWords(usedAtMs),
  }))
}

export function shownApplications({ applications }: Overview): readonly ShownApplication[] {
  return applications.map(({ clientId, name, scopes, holdings }) => ({
    clientId,
    name,
    scopes,
    holdings: holdings.map(shownHolding),
  }))
}

function shownHolding({ openedAtMs, usedAtMs, ...holding }: Holding): ShownHolding {
  return { ...holding, since: instantInWords(openedAtMs), lastUsed: instantInWords(usedAtMs) }
}

export function shownUpstreams({ upstreams }: Overview): readonly ShownUpstream[] {
  return upstreams.map(({ id, name, connectedAtMs }) => ({
    id,
    name,
    since: connectedAtMs === null ? null : instantInWords(connectedAtMs),
  }))
}

function howInWords({ amr }: Session): string {
  if (amr.includes('pop')) return 'with a passkey'
  if (amr.includes('mfa')) return 'with a password and a code'
  return amr.includes('pwd') ? 'with a password' : 'through another provider'
}
