/**
 * Telling applications through the browser that a session has ended (OIDC Front-Channel Logout 1.0 §3): the page that says
 * so loads an address of each in a frame. Nobody knows whether that worked, and where browsers keep cookies apart by the
 * site of the page it does nothing; the back channel is the one to rely on.
 */

import type { ClientId, SessionId } from '@pawl/family'
import type { AuthorizationServer } from './authorization-server.ts'
import { tookPart } from './back-channel-logout.ts'

/** Of one page. A person has that many applications open in one browser at the very most. */
export const framesMax = 32
/** Families of one session that are looked at for their clients. */
const familiesLookedAtMax = 1024

/** What the page must load in frames, by what was opened in the session. */
export async function logoutFrames(
  server: Pick<AuthorizationServer, 'issuer' | 'store'>,
  sessionId: SessionId,
): Promise<readonly string[]> {
  const readings = await server.store.families.list({ sessionId }, familiesLookedAtMax)
  const clientIds = new Set(
    readings.filter(({ family }) => tookPart(family)).map(({ family }) => family.grant.clientId),
  )
  const frames: string[] = []
  for (const clientId of clientIds) {
    const uri = await frontChannelUri(server, clientId)
    if (uri !== null) frames.push(withSession(uri, server.issuer, sessionId))
    if (frames.length === framesMax) break
  }
  return frames
}

async function frontChannelUri({ store }: Pick<AuthorizationServer, 'store'>, id: ClientId): Promise<string | null> {
  return (await store.clients.read(id))?.client.logout.frontChannelUri ?? null
}

/** Both or neither (§2); with both an application can tell a word of ours from somebody else's frame. */
function withSession(uri: string, issuer: string, sessionId: SessionId): string {
  return `${uri}${uri.includes('?') ? '&' : '?'}${new URLSearchParams({ iss: issuer, sid: sessionId }).toString()}`
}
