/** The access token in use, and whether another process is about to bring one. */

import { RefreshRefused, SignInNeeded } from '../holder/failures.ts'
import type { AccessToken } from '../holder/holder.ts'
import { withoutClient } from './connection.ts'
import { type Ground, holderOf, signInSecondsDefault } from './ground.ts'

/**
 * A living access token, or null where somebody must sign in. `ifNot` is one that the MCP server refused. Rejects with
 * `RefreshPostponed`, `RefreshRefused` or `CustodyFailed`: then the grant is kept, and nobody need be asked.
 */
export async function currentToken(ground: Ground, ifNot?: string): Promise<AccessToken | null> {
  const { current } = await ground.record.read()
  if (current === null) return null
  const wanted = { resource: current.resource, ...(ifNot === undefined ? {} : { ifNot }) }
  try {
    return await holderOf(ground, current).accessToken(current.grant, wanted)
  } catch (error) {
    if (error instanceof SignInNeeded) return null
    if (!isClientGone(ground, error)) throw error
    // A server that forgot the clients that registered themselves never takes this grant again: a new client may sign in.
    await ground.record.change(connection => withoutClient(connection, current.client.client_id))
    return null
  }
}

/** Whether the server does not know a client that registered itself. */
function isClientGone({ options }: Ground, error: unknown): boolean {
  return options.client === undefined && error instanceof RefreshRefused && isClientError(error.code)
}

export function isClientError(code: string): boolean {
  return code === 'invalid_client' || code === 'unauthorized_client'
}

/** How often a process that waits for another one's sign-in looks whether it is over. */
const lookMs = 500

/**
 * Waits while another process has a person away to sign in, or this one has since `redirects`. Null when it is this
 * one's turn to ask.
 */
export async function awaitedToken(
  ground: Ground,
  redirects: number,
  signal?: AbortSignal,
): Promise<AccessToken | null> {
  const { options, clock, flow } = ground
  const seconds = options.signInSeconds ?? signInSecondsDefault
  const endsAtMs = clock.nowMs() + seconds * 1000
  while (signal?.aborted !== true) {
    const isOurs = flow.lease !== null
    if (isOurs && flow.redirects === redirects) return null
    const lease = isOurs ? null : await options.store.lease(signInName(options), seconds)
    // Whoever had the lease before may have brought what we came for.
    const token = await currentToken(ground)
    if (token !== null) {
      await lease?.release()
      return token
    }
    if (lease !== null) {
      flow.lease = lease
      return null
    }
    if (clock.nowMs() >= endsAtMs) return null
    await clock.wait(lookMs, signal)
  }
  return null
}

/** Ends the turn of this process, so that no other one waits for it. */
export async function endTurn({ flow }: Ground): Promise<void> {
  const { lease } = flow
  flow.lease = null
  flow.isAway = false
  await lease?.release()
}

/** The same where nobody could be sent away after all: the way was not found, or leads nowhere. */
export async function giveTurnBack(ground: Ground): Promise<void> {
  if (!ground.flow.isAway) await endTurn(ground)
}

export function signInName({ name }: { readonly name: string }): string {
  return `${name}.sign-in`
}
