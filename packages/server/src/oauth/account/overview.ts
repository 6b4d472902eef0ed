/** What a person sees of themselves: how they sign in, where they are signed in, and what they have allowed. */

import type { ClientId, Family } from '@pawl/family'
import type { Session } from '../../domain/session/session.ts'
import { upstreamsMax } from '../../domain/upstream/upstream.ts'
import type { Passkey } from '../../domain/user/credentials.ts'
import { relyingPartyOf } from '../../domain/user/passkey-ceremony.ts'
import type { User } from '../../domain/user/user.ts'
import type { AuthorizationServer } from '../authorization-server.ts'

export const sessionsShownMax = 50
/** Of one user; what is shown of them is one line for each application. */
const familiesLookedAtMax = 1000
/** Of one application; ending all of them ends those that are not shown too. */
export const holdingsShownMax = 20

export interface AllowedApplication {
  readonly clientId: ClientId
  readonly name: string
  readonly scopes: readonly string[]
  /** The latest first; at most `holdingsShownMax`. */
  readonly holdings: readonly Holding[]
}

/** One place in which an application holds something: one family. */
export type Holding = HoldingTimes &
  (
    | { readonly kind: 'sign_in' }
    /** Let in by a code. */
    | { readonly kind: 'device' }
    /** Made by the application of another one, under a name of its own. */
    | { readonly kind: 'branch'; readonly name: string }
  )

interface HoldingTimes {
  readonly id: Family['id']
  /** When its grant was given; a branch has that of the family it was made of. */
  readonly openedAtMs: number
  readonly usedAtMs: number
}

/** An upstream provider, and whether this person is connected to somebody there. */
export interface ConnectableUpstream {
  readonly id: string
  readonly name: string
  readonly connectedAtMs: number | null
}

export interface Overview {
  readonly user: User
  readonly session: Session
  /** The session in hand is the first. */
  readonly sessions: readonly Session[]
  readonly hasTotp: boolean
  readonly recoveryCodesLeft: number
  readonly passkeys: readonly Passkey[]
  /** False where the issuer is an address: passkeys need a name. */
  readonly canHavePasskeys: boolean
  readonly applications: readonly AllowedApplication[]
  readonly upstreams: readonly ConnectableUpstream[]
}

export async function overviewOf(server: AuthorizationServer, user: User, session: Session): Promise<Overview> {
  const [sessions, credentials, applications, upstreams] = await Promise.all([
    server.store.sessions.ofUser(user.subject, sessionsShownMax),
    server.store.credentials.ofUser(user.subject),
    applicationsOf(server, user),
    connectableUpstreams(server, user),
  ])
  const { totp, recoveryCodesLeft, passkeys } = credentials
  const others = sessions.filter(({ id }) => id !== session.id)
  const canHavePasskeys = relyingPartyOf(server.issuer) !== null
  const ways = { hasTotp: totp !== null, recoveryCodesLeft, passkeys, canHavePasskeys }
  return { user, session, sessions: [session, ...others], ...ways, applications, upstreams }
}

async function connectableUpstreams(server: AuthorizationServer, user: User): Promise<readonly ConnectableUpstream[]> {
  const upstreams = await server.store.upstreams.list(upstreamsMax)
  const links = upstreams.length === 0 ? [] : await server.store.upstreams.linksOf(user.subject)
  return upstreams.map(({ id, name }) => {
    const link = links.find(({ upstreamId }) => upstreamId === id)
    return { id, name, connectedAtMs: link?.createdAtMs ?? null }
  })
}

/** False once something has ended the session. */
export async function isStillSignedIn(server: AuthorizationServer, session: Session): Promise<boolean> {
  return (await server.store.sessions.read(session.id)) !== null
}

/** Whoever holds a living family of this user, the latest first. */
async function applicationsOf(server: AuthorizationServer, user: User): Promise<readonly AllowedApplication[]> {
  const readings = await server.store.families.list({ subject: user.subject, livingOnly: true }, familiesLookedAtMax)
  const families = readings.map(({ family }) => family).sort((one, other) => other.createdAtMs - one.createdAtMs)
  const byClient = Map.groupBy(families, family => family.grant.clientId)
  return Promise.all([...byClient].map(([clientId, held]) => applicationOf(server, clientId, held)))
}

async function applicationOf(
  server: AuthorizationServer,
  clientId: ClientId,
  held: readonly Family[],
): Promise<AllowedApplication> {
  const client = (await server.store.clients.read(clientId))?.client
  const scopes = [...new Set(held.flatMap(({ grant }) => grant.scopes))]
  return { clientId, name: client?.name ?? clientId, scopes, holdings: held.slice(0, holdingsShownMax).map(holdingOf) }
}

function holdingOf({ id, branch, codeRepeats, createdAtMs, usedAtMs }: Family): Holding {
  const times = { id, openedAtMs: createdAtMs, usedAtMs }
  if (branch !== null) return { ...times, kind: 'branch', name: branch.name }
  return { ...times, kind: codeRepeats ? 'device' : 'sign_in' }
}
